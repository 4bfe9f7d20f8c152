// Lines of the last minute, drawn on a canvas; what they say now stands beside them as text.

const COLORS = ["#5db0ff", "#6fd69b", "#ffb454", "#c9a0f5", "#ff8095", "#7fe0e0"];
const KEPT = 240;   // a minute at four a second
const GRID = "#2a2f38", INK = "#a2abb7";
const LEFT = 34, BOTTOM = 16, TOP = 6;

export class Chart {
  constructor(figure, digits) {
    this.digits = digits;
    this.lines = new Map();   // name -> values, null where there is none
    this.length = 0;
    this.legend = figure.querySelector("figcaption").appendChild(document.createElement("div"));
    this.legend.className = "legend";
    this.canvas = figure.appendChild(document.createElement("canvas"));
    this.canvas.setAttribute("role", "img");
    this.title = figure.querySelector("h2").textContent;
    new ResizeObserver(() => this.draw()).observe(this.canvas);
  }

  // `values` is {name: number or null}; a name that is new gets a line of its own.
  add(values) {
    for (const name of Object.keys(values)) {
      if (!this.lines.has(name)) this.lines.set(name, Array(this.length).fill(null));
    }
    this.length = Math.min(this.length + 1, KEPT);
    for (const [name, line] of this.lines) {
      line.push(values[name] ?? null);
      if (line.length > KEPT) line.shift();
      if (line.every(value => value === null)) this.lines.delete(name);
    }
    this.say();
    this.draw();
  }

  say() {
    const parts = [...this.lines].map(([name, line], index) => {
      const value = line.at(-1);
      const part = document.createElement("span"), mark = document.createElement("i"), number = document.createElement("b");
      mark.style.background = COLORS[index % COLORS.length];
      number.textContent = value === null ? "–" : value.toFixed(this.digits);
      part.append(mark, `${name} `, number);
      return part;
    });
    this.legend.replaceChildren(...parts);
    this.canvas.setAttribute("aria-label", `${this.title} over the last minute: ${this.legend.textContent}`);
  }

  draw() {
    const ratio = devicePixelRatio || 1, width = this.canvas.clientWidth, height = this.canvas.clientHeight;
    if (!width || !height) return;
    if (this.canvas.width !== Math.round(width * ratio)) this.canvas.width = Math.round(width * ratio);
    if (this.canvas.height !== Math.round(height * ratio)) this.canvas.height = Math.round(height * ratio);
    const pen = this.canvas.getContext("2d");
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, width, height);
    const most = roundUp(Math.max(1, ...[...this.lines.values()].flat().filter(value => value !== null)));
    const y = value => TOP + (1 - value / most) * (height - TOP - BOTTOM);
    const x = index => LEFT + (index + KEPT - this.length) / (KEPT - 1) * (width - LEFT - 4);
    this.grid(pen, width, height, most, y);
    [...this.lines.values()].forEach((line, index) => {
      pen.strokeStyle = COLORS[index % COLORS.length];
      pen.lineWidth = 1.75;
      pen.lineJoin = "round";
      pen.beginPath();
      let down = false;
      line.forEach((value, at) => {
        if (value !== null) down ? pen.lineTo(x(at), y(value)) : pen.moveTo(x(at), y(value));
        down = value !== null;
      });
      pen.stroke();
    });
  }

  grid(pen, width, height, most, y) {
    pen.strokeStyle = GRID;
    pen.fillStyle = INK;
    pen.lineWidth = 1;
    pen.font = "11px system-ui, sans-serif";
    pen.textAlign = "right";
    pen.textBaseline = "middle";
    for (const value of [0, most / 2, most]) {
      const level = Math.round(y(value)) + 0.5;
      pen.beginPath();
      pen.moveTo(LEFT, level);
      pen.lineTo(width, level);
      pen.stroke();
      pen.fillText(String(value), LEFT - 6, level);
    }
    pen.textBaseline = "alphabetic";
    pen.fillText("now", width - 2, height - 2);
    pen.textAlign = "left";
    pen.fillText("1 min ago", LEFT, height - 2);
  }
}

// The next of 1, 2, 4, 5, 8, 10, 20, ...: its half is a short number too.
function roundUp(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 4, 5, 6, 8, 10].map(step => step * power).find(step => step >= value);
}
