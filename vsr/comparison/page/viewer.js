"use strict";

// The stage: two pictures of one moment over each other, shown split, one at a time, as their difference or in turn.
// Its state is changed through set() only, which draws what follows from it.
class Viewer {
  static FLICKER_MS = 500; // one change of pictures twice a second stays below what harms the photosensitive
  static STEP = 0.02;

  constructor(stage) {
    this.stage = stage;
    for (const id of ["canvas", "first", "second", "divider", "first-tag", "second-tag"]) {
      this[id] = stage.querySelector("#" + id);
    }
    // x, y: the point of the picture, as a share of it, that is in the middle of the stage.
    this.state = { pictures: null, labels: ["", ""], mode: "split", zoom: "fit", gain: 8, split: 0.5, x: 0.5, y: 0.5 };
    this.turn = 0;
    this.timer = 0;
    this.listen();
    new ResizeObserver(() => this.draw()).observe(stage);
  }

  set(change) {
    const before = this.state;
    this.state = { ...before, ...change };
    if (this.state.mode !== before.mode) {
      clearInterval(this.timer);
      this.turn = 0;
      if (this.state.mode === "flicker") {
        this.timer = setInterval(() => { this.turn = 1 - this.turn; this.draw(); }, Viewer.FLICKER_MS);
      }
    }
    if (this.state.pictures !== before.pictures) {
      const [first, second] = this.state.pictures;
      this.first.src = first.src;
      this.second.src = second.src;
      this.width = first.naturalWidth;
      this.height = first.naturalHeight;
      this.stage.style.aspectRatio = `${this.width} / ${this.height}`;
    }
    this.draw();
  }

  // CSS pixels of the stage for one pixel of the picture; 1:1 is one pixel of the screen.
  get scale() {
    if (this.state.zoom !== "fit") return this.state.zoom / devicePixelRatio;
    return Math.min(this.stage.clientWidth / this.width, this.stage.clientHeight / this.height);
  }

  draw() {
    if (!this.state.pictures) return;
    const { mode, split, gain } = this.state;
    const [across, down] = [this.stage.clientWidth, this.stage.clientHeight];
    const [width, height] = [this.width * this.scale, this.height * this.scale];
    const left = Viewer.place(across, width, this.state.x);
    const top = Viewer.place(down, height, this.state.y);
    Object.assign(this.canvas.style, { left: left + "px", top: top + "px", width: width + "px", height: height + "px" });
    this.canvas.classList.toggle("pixels", this.scale * devicePixelRatio >= 1);
    this.canvas.classList.toggle("difference", mode === "difference");
    this.canvas.style.filter = mode === "difference" && gain !== 1 ? `brightness(${gain})` : "";
    this.stage.classList.toggle("overflows", this.overflows);

    const only = { first: 0, second: 1, flicker: this.turn }[mode];
    this.first.hidden = only === 1;
    this.second.hidden = only === 0;
    this.second.style.clipPath = mode === "split" ? `inset(0 0 0 ${split * across - left}px)` : "";
    this.divider.hidden = mode !== "split";
    this.divider.style.left = split * 100 + "%";
    this.divider.setAttribute("aria-valuenow", Math.round(split * 100));
    this.tag(only);
  }

  tag(only) {
    const [first, second] = this.state.labels;
    const difference = this.state.mode === "difference";
    this["first-tag"].textContent = difference ? `|${first} − ${second}| × ${this.state.gain}` : first;
    this["second-tag"].textContent = second;
    this["first-tag"].hidden = only === 1;
    this["second-tag"].hidden = only === 0 || difference;
  }

  // Where a picture of this length begins: in the middle, or, where it is longer than the stage, so that no gap shows.
  static place(room, length, share) {
    if (length <= room) return (room - length) / 2;
    return Math.min(0, Math.max(room - length, room / 2 - share * length));
  }

  get overflows() {
    return this.width * this.scale > this.stage.clientWidth + 1 || this.height * this.scale > this.stage.clientHeight + 1;
  }

  moveSplit(split) {
    this.set({ split: Math.min(1, Math.max(0, split)) });
  }

  // By CSS pixels; the middle stays where panning can go, so that the way back is as long as the way there.
  pan(dx, dy) {
    const within = (room, length, share) => {
      const margin = Math.min(0.5, room / 2 / length);
      return Math.min(1 - margin, Math.max(margin, share));
    };
    const [width, height] = [this.width * this.scale, this.height * this.scale];
    this.set({
      x: within(this.stage.clientWidth, width, this.state.x - dx / width),
      y: within(this.stage.clientHeight, height, this.state.y - dy / height),
    });
  }

  listen() {
    this.stage.addEventListener("pointerdown", (event) => this.begin(event));
    this.stage.addEventListener("pointermove", (event) => this.drag && this.drag(event));
    for (const end of ["pointerup", "pointercancel"]) {
      this.stage.addEventListener(end, () => { this.drag = null; this.stage.classList.remove("dragging"); });
    }
    this.stage.addEventListener("keydown", (event) => this.key(event));
  }

  // The line is dragged by its handle, or from anywhere while the whole picture is in view; else the picture is moved.
  begin(event) {
    if (event.button !== 0) return;
    const handle = this.divider.contains(event.target);
    if (this.state.mode === "split" && (handle || !this.overflows)) {
      this.drag = (at) => {
        const box = this.stage.getBoundingClientRect();
        this.moveSplit((at.clientX - box.left) / box.width);
      };
      this.drag(event);
    } else if (this.overflows) {
      let [x, y] = [event.clientX, event.clientY];
      this.drag = (at) => { this.pan(at.clientX - x, at.clientY - y); [x, y] = [at.clientX, at.clientY]; };
      this.stage.classList.add("dragging");
    }
    if (this.drag) this.stage.setPointerCapture(event.pointerId);
  }

  key(event) {
    const arrow = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    const ends = { Home: 0, End: 1 }[event.key];
    if (event.ctrlKey || event.metaKey || event.altKey || (!arrow && ends === undefined)) return;
    const onLine = this.state.mode === "split" && (event.target === this.divider || !this.overflows);
    if (onLine && ends !== undefined) {
      this.moveSplit(ends);
    } else if (onLine && arrow[0]) {
      this.moveSplit(this.state.split + arrow[0] * Viewer.STEP * (event.shiftKey ? 5 : 1));
    } else if (!onLine && arrow && this.overflows) {
      this.pan(-arrow[0] * this.stage.clientWidth / 10, -arrow[1] * this.stage.clientHeight / 10);
    } else {
      return;
    }
    event.preventDefault();
  }
}
