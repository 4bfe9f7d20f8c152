
// A score over time, one line a pair; a click picks a time. Where pictures are equal the score has no number: a dot on
// the upper edge stands for it.
class Curve {
  static MARGIN = { left: 54, right: 14, top: 10, bottom: 22 };

  constructor(parent, curve, times, roles, label, pick) {
    Object.assign(this, { curve, times, roles, label, marks: [], current: 0 });
    this.box = make("div", { className: "curve" }, parent);
    const heading = make("h2", { textContent: curve.name + (curve.unit ? `, ${curve.unit}` : "") }, this.box);
    this.reading = make("output", {}, heading);
    this.svg = this.shape("svg", { role: "img", "aria-label": `${curve.name} over time; ${this.summary()}` }, this.box);
    this.svg.addEventListener("pointermove", (event) => this.point(this.timeAt(event)));
    this.svg.addEventListener("pointerleave", () => this.point(null));
    this.svg.addEventListener("click", (event) => pick(this.timeAt(event)));
    new ResizeObserver(() => this.draw()).observe(this.svg);
  }

  mark(moments, current) {
    Object.assign(this, { marks: moments, current });
    this.draw();
  }

  words(value) {
    return value === null ? "equal" : value.toFixed(this.curve.digits) + (this.curve.unit ? " " + this.curve.unit : "");
  }

  summary() {
    return this.curve.lines.map((line, index) => {
      const extent = Curve.extent(line);
      const range = extent ? `${this.words(extent[0])} to ${this.words(extent[1])}` : "equal";
      return `${this.label(index)}: ${range}`;
    }).join("; ");
  }

  shape(name, attributes, parent = this.svg) {
    const node = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
    parent.append(node);
    return node;
  }

  // Ticks at 1, 2 or 5 times a power of ten.
  static ticks(low, high, count) {
    const rough = (high - low) / count;
    const power = 10 ** Math.floor(Math.log10(rough));
    const step = [1, 2, 5, 10].map((factor) => factor * power).find((size) => size >= rough);
    const result = [];
    for (let tick = Math.ceil(low / step) * step; tick <= high + step / 1e6; tick += step) result.push(tick);
    return { values: result, digits: Math.max(0, -Math.floor(Math.log10(step) + 1e-9)) };
  }

  // The least and the largest number, or null where there is none.
  static extent(values) {
    const known = values.filter((value) => value !== null);
    return known.reduce((ends, value) => [Math.min(ends?.[0] ?? value, value), Math.max(ends?.[1] ?? value, value)], null);
  }

  // Of the axis; null where every picture is equal to its counterpart.
  range() {
    const extent = Curve.extent(this.curve.lines.flat());
    if (!extent) return null;
    const [low, high] = extent;
    const margin = (high - low) * 0.08 || Math.abs(high) * 0.01 || 1;
    return [low < 0 ? low - margin : Math.max(0, low - margin), high + margin];
  }

  draw() {
    const { left, right, top, bottom } = Curve.MARGIN;
    const [width, height] = [this.svg.clientWidth, this.svg.clientHeight];
    if (!width) return;
    const range = this.range();
    const [low, high] = range ?? [0, 1];
    const first = this.times[0];
    const length = this.times.at(-1) - first || 1;
    this.x = (time) => left + (time - first) / length * (width - left - right);
    this.y = (value) => value === null ? top : height - bottom - (value - low) / (high - low) * (height - top - bottom);
    this.time = (x) => first + (x - left) / (width - left - right) * length;
    this.svg.replaceChildren();
    this.axes(range, [first, first + length], width, height);
    for (const moment of this.marks) {
      const x = this.x(this.times[moment]);
      const kind = moment === this.current ? "shown current" : "shown";
      this.shape("line", { x1: x, x2: x, y1: top, y2: height - bottom, class: kind });
    }
    this.curve.lines.forEach((line, index) => this.line(line, this.roles[index]));
    this.pointer = this.shape("line", { y1: top, y2: height - bottom, class: "pointer", visibility: "hidden" });
    this.point(null);
  }

  axes(range, [from, to], width, height) {
    const { left, right, bottom } = Curve.MARGIN;
    const rows = range ? Curve.ticks(...range, 6) : { values: [] };
    for (const value of rows.values) {
      const y = this.y(value);
      this.shape("line", { x1: left, x2: width - right, y1: y, y2: y, class: "grid" });
      this.shape("text", { x: left - 8, y: y + 4, "text-anchor": "end" }).textContent = value.toFixed(rows.digits);
    }
    const columns = Curve.ticks(from, to, Math.max(2, Math.floor(width / 130)));
    for (const value of columns.values) {
      const place = { x: this.x(value), y: height - bottom + 16, "text-anchor": "middle" };
      this.shape("text", place).textContent = value.toFixed(columns.digits) + " s";
    }
  }

  line(values, role) {
    let path = "";
    let drawing = false;
    values.forEach((value, moment) => {
      if (value !== null) {
        path += `${drawing ? "L" : "M"}${this.x(this.times[moment]).toFixed(1)} ${this.y(value).toFixed(1)}`;
      }
      const alone = value === null || (values[moment - 1] ?? null) === null && (values[moment + 1] ?? null) === null;
      if (alone) this.shape("circle", { cx: this.x(this.times[moment]), cy: this.y(value), r: 2, class: role });
      drawing = value !== null;
    });
    this.shape("path", { d: path, class: role });
  }

  timeAt(event) {
    return this.time(event.clientX - this.svg.getBoundingClientRect().left);
  }

  // Read the values at a time, or, without one, at the frame that is shown.
  point(time) {
    const moment = time === null ? this.current : nearest(this.times, time);
    const values = this.curve.lines.map((line, index) => `${this.label(index)} ${this.words(line[moment])}`);
    this.reading.textContent = `${this.times[moment].toFixed(3)} s: ${values.join(", ")}`;
    const x = this.x(this.times[moment]);
    for (const [key, value] of Object.entries({ x1: x, x2: x, visibility: time === null ? "hidden" : "visible" })) {
      this.pointer.setAttribute(key, value);
    }
  }
}
