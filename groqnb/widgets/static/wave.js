// A waveform: it grows while there is recording; afterwards it shows where playing is, and the cut.

/** Draws into a canvas that is as wide as the widget. */
export class Wave {
  canvas = document.createElement("canvas");
  #peaks = [];
  #shown = {};
  #asked = false;

  constructor(gn, onSeek = () => {}) {
    this.canvas.className = "gw-wave";
    this.canvas.setAttribute("aria-hidden", "true"); // the sliders say the same
    gn.listen(this.canvas, "click", ({ offsetX }) => onSeek(offsetX / this.canvas.clientWidth));
    const observer = new ResizeObserver(() => this.#later());
    observer.observe(this.canvas);
    gn.onClose(() => observer.disconnect());
  }

  /** Values of 0 to 1. `at` is where playing is, `from` and `to` what stays: parts of the whole. */
  draw(peaks, shown = {}) {
    this.#peaks = peaks;
    this.#shown = shown;
    this.#later();
  }

  #later() {
    if (this.#asked) return;
    this.#asked = true;
    requestAnimationFrame(() => {
      this.#asked = false;
      this.#paint();
    });
  }

  #paint() {
    const { canvas } = this;
    const [width, height] = [canvas.clientWidth, canvas.clientHeight];
    const scale = window.devicePixelRatio || 1;
    if (!width) return;
    canvas.width = width * scale;
    canvas.height = height * scale;
    const context = canvas.getContext("2d");
    context.scale(scale, scale);
    const style = getComputedStyle(canvas);
    const [ink, dim] = [style.color, style.borderTopColor];
    const { at, from = 0, to = 1, live = false } = this.#shown;
    const bars = Math.max(1, Math.floor(width / 3));
    const peaks = live ? this.#peaks.slice(-bars) : this.#peaks;
    const count = live ? bars : Math.min(bars, peaks.length);
    for (let i = 0; i < peaks.length && i < count; i++) {
      const low = live ? i : Math.floor((i * peaks.length) / count);
      const high = live ? i + 1 : Math.max(low + 1, Math.floor(((i + 1) * peaks.length) / count));
      // The root lets quiet speech be seen beside loud.
      const tall = Math.max(1, Math.sqrt(Math.max(...peaks.slice(low, high))) * (height - 4));
      const part = (i + 0.5) / count;
      context.fillStyle = part >= from && part <= to ? ink : dim;
      context.fillRect((i * width) / count, (height - tall) / 2, Math.max(1, width / count - 1), tall);
    }
    if (at !== undefined && peaks.length) {
      context.fillStyle = style.outlineColor;
      context.fillRect(Math.min(width - 2, at * width), 0, 2, height);
    }
  }
}
