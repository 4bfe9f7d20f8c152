// The line between before and after: moved by mouse, finger or keys, drawn at once, told to the run.

const STEP = 0.02, LEAP = 0.1, TELL_EVERY_MS = 33;

export class Divider {
  // `move` is called with a position from 0 to 1, no more often than frames come.
  constructor(handle, stage, video, move) {
    this.handle = handle;
    this.stage = stage;
    this.video = video;
    this.move = move;
    this.position = 0.5;
    handle.addEventListener("pointerdown", event => this.grab(event));
    handle.addEventListener("pointermove", event => handle.hasPointerCapture(event.pointerId) && this.follow(event));
    handle.addEventListener("keydown", event => this.key(event));
    addEventListener("resize", () => this.draw());
    stage.addEventListener("fullscreenchange", () => this.draw());
    this.draw();
  }

  // The picture within the stage, which in full screen may have bars.
  picture() {
    const {width, height} = this.stage.getBoundingClientRect();
    const aspect = parseFloat(this.stage.style.getPropertyValue("--aspect")) || width / height;
    const shown = document.fullscreenElement === this.stage ? Math.min(width, height * aspect) : width;
    return {left: (width - shown) / 2, width: shown};
  }

  grab(event) {
    this.handle.setPointerCapture(event.pointerId);
    this.handle.focus({preventScroll: true, focusVisible: false});
    event.preventDefault();
  }

  follow(event) {
    const {left, width} = this.picture();
    this.set((event.clientX - this.stage.getBoundingClientRect().left - left) / width);
  }

  key(event) {
    const to = {
      ArrowLeft: this.position - STEP, ArrowDown: this.position - STEP,
      ArrowRight: this.position + STEP, ArrowUp: this.position + STEP,
      PageDown: this.position - LEAP, PageUp: this.position + LEAP, Home: 0, End: 1,
    }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    this.set(to);
  }

  set(position) {
    this.position = Math.min(Math.max(position, 0), 1);
    this.draw();
    this.told ??= setTimeout(() => { this.told = undefined; this.move(this.position); }, TELL_EVERY_MS);
  }

  draw() {
    const {left, width} = this.picture();
    this.handle.style.left = `${left + this.position * width}px`;
    const percent = Math.round(this.position * 100);
    this.handle.setAttribute("aria-valuenow", percent);
    this.handle.setAttribute("aria-valuetext", `${percent} % before`);
  }
}
