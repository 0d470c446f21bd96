// What every widget's page is made of. A plain ES module: `esm.py` puts it in front of the
// widget's own script where a notebook needs one module; the tests load it as it is.
//
//   import { define, el } from "./shared.js";
//   export default define({
//     label: "Audio recorder",          // the group's name for screen readers
//     render(gn) {
//       const go = el("button", { type: "button" }, "Go");
//       gn.controls.append(go);
//       gn.listen(go, "click", async () => gn.say((await gn.link.ask("go", { n: 1 })).text));
//       gn.onClose(() => stopTheCamera());
//     },
//   });

const PIECE = 512 * 1024; // bytes in one message
const AHEAD = 4; // pieces that may be on their way at once
const PATIENCE = [5000, 60000]; // ms until something is sent again: at first, and at most
const SAVING = 3000; // ms in which what is saved under the widget is there

/** An element: attributes by name (booleans and functions as properties), then its children. */
export function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined) continue;
    if (typeof value === "string" || typeof value === "number") node.setAttribute(name, value);
    else node[name] = value;
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

/** A button that has its own word for screen readers where its face is only a sign. */
export function button(face, attributes = {}) {
  return el("button", { type: "button", ...attributes }, face);
}

export function bytesText(bytes) {
  if (bytes < 1000) return `${bytes} B`;
  if (bytes < 999_500) return `${(bytes / 1000).toFixed(0)} kB`;
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

/** Seconds as a clock shows them: 0:07, 12:30, 1:02:03. */
export function clock(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const two = (n) => String(n).padStart(2, "0");
  return h ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

export function freshId() {
  const random = crypto.getRandomValues(new Uint8Array(12)); // randomUUID needs a secure page
  return [...random].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** The widget is gone, so nothing will come of what was asked. */
export class Closed extends Error {}

/** The kernel refused, or failed; the message is for a person. */
export class Refused extends Error {}

/** Messages to the kernel that arrive once, and bytes both ways. */
export class Link {
  #model;
  #waiting = new Map(); // id -> what to do with its reply
  #uploads = new Map();
  #signal;
  #patience;

  constructor(model, signal, patience = PATIENCE) {
    this.#model = model;
    this.#signal = signal;
    this.#patience = patience;
    const hear = (content, buffers) => this.#hear(content, buffers ?? []);
    model.on("msg:custom", hear);
    signal.addEventListener("abort", () => {
      model.off("msg:custom", hear);
      for (const { reject } of this.#waiting.values()) reject(new Closed("closed"));
      this.#waiting.clear();
    });
  }

  /** Ask the kernel's `_ask_WHAT`; what it returned. Rejects with Refused, or Closed. */
  async ask(what, content = {}) {
    return (await this.#ask(what, content)).value;
  }

  /** Bytes for the kernel, to be written bit by bit; arrives in its `_received(name, …)`. */
  upload(name) {
    const upload = new Upload(name, {
      send: (content, buffers) => this.#send(content, buffers),
      ask: (what, content) => this.ask(what, content),
      done: (id) => this.#uploads.delete(id),
      signal: this.#signal,
      patience: this.#patience,
    });
    this.#uploads.set(upload.id, upload);
    return upload;
  }

  /** What the kernel offers under `name`, as a Blob; null where there is nothing. */
  async fetch(name, onProgress = () => {}) {
    for (let again = 0; again < 3; again++) {
      const parts = [];
      let [at, offer] = [0, null];
      do {
        const { value, buffers } = await this.#ask("gn-get", { name, from: at });
        if (!value) return null;
        offer ??= value;
        if (offer.version !== value.version) break; // changed meanwhile: from the start
        parts.push(...buffers);
        at += buffers.reduce((sum, each) => sum + each.byteLength, 0);
        onProgress(at, offer.size);
      } while (at < offer.size);
      if (at === offer.size) return new Blob(parts, { type: offer.mime });
    }
    throw new Refused("It changed again and again while it was being loaded.");
  }

  #ask(what, content) {
    if (this.#signal.aborted) return Promise.reject(new Closed("closed"));
    const id = freshId();
    return new Promise((resolve, reject) => {
      let [wait, timer] = [this.#patience[0], null];
      // Sent again until there is a reply: the kernel answers the same id only once.
      const send = () => {
        this.#send({ kind: "gn-ask", id, what, content }, []);
        timer = setTimeout(send, wait);
        wait = Math.min(wait * 1.6, this.#patience[1]);
      };
      const settle = (how) => (outcome) => {
        clearTimeout(timer);
        this.#waiting.delete(id);
        how(outcome);
      };
      this.#waiting.set(id, { resolve: settle(resolve), reject: settle(reject) });
      send();
    });
  }

  #send(content, buffers) {
    try {
      this.#model.send(content, undefined, buffers);
    } catch (error) {
      // The connection is down: what is not answered is sent again.
      console.debug("groqnb: not sent yet", error);
    }
  }

  #hear(content, buffers) {
    if (content.kind === "gn-ack") this.#uploads.get(content.id)?.acknowledged(content.next);
    if (content.kind === "gn-refused") this.#uploads.get(content.id)?.refused(content.error);
    if (content.kind !== "gn-reply") return;
    const waiting = this.#waiting.get(content.id);
    if (!waiting) return;
    if (content.error) waiting.reject(new Refused(content.error));
    else waiting.resolve({ value: content.value, buffers: buffers.map(plainBytes) });
  }
}

// Front ends give views into larger buffers.
function plainBytes(view) {
  return view.buffer ? new Uint8Array(view.buffer, view.byteOffset, view.byteLength) : view;
}

class Upload {
  id = freshId();
  size = 0; // bytes written
  arrived = 0; // bytes that the kernel has
  onProgress = () => {};
  #pieces = []; // all of them until the end, in case the kernel must be told from the start
  #sent = 0; // the next piece to send
  #limit = AHEAD;
  #timer = null;
  #wait;
  #with;
  #error = null;
  #idle = []; // who waits until all has arrived

  constructor(name, tools) {
    this.name = name;
    this.#with = tools;
    this.#wait = tools.patience[0];
    tools.signal.addEventListener("abort", () => this.#stop(new Closed("closed")));
  }

  /** Add bytes (an ArrayBuffer or a Uint8Array); they are sent as fast as the kernel takes them. */
  write(bytes) {
    const buffer = bytes.buffer
      ? bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength)
      : bytes;
    for (let at = 0; at < buffer.byteLength; at += PIECE) {
      const piece = buffer.slice(at, at + PIECE);
      this.#pieces.push({ offset: this.size, end: this.size + piece.byteLength, piece });
      this.size += piece.byteLength;
    }
    this.#pump();
  }

  /** Wait until all is there; what the kernel's `_received` returned. */
  async finish(meta = {}) {
    for (;;) {
      await this.#allArrived();
      const { name, id, size } = this;
      const answer = await this.#with.ask("gn-finish", { upload: id, name, size, meta });
      if (answer.missing === undefined) {
        this.#stop(null);
        return answer.value;
      }
      this.acknowledged(answer.missing, true);
    }
  }

  /** Forget it, here and in the kernel. */
  cancel() {
    this.#stop(new Closed("cancelled"));
    this.#with.ask("gn-drop", { upload: this.id }).catch(() => {});
  }

  acknowledged(next, behind = false) {
    if (next < this.arrived || behind) {
      // The kernel has less than we thought: it was started anew, or dropped the upload.
      this.#sent = this.#pieceAt(next);
    }
    this.arrived = next;
    this.#sent = Math.max(this.#sent, this.#pieceAt(next));
    this.#limit = AHEAD;
    this.#wait = this.#with.patience[0];
    this.#rest();
    this.onProgress(this.arrived, this.size);
    if (this.arrived >= this.size) this.#idle.splice(0).forEach(({ resolve }) => resolve());
    this.#pump();
  }

  refused(message) {
    this.#stop(new Refused(message));
  }

  #pieceAt(offset) {
    let [low, high] = [0, this.#pieces.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#pieces[middle].end <= offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #pump() {
    if (this.#error) return;
    const first = this.#pieceAt(this.arrived);
    while (this.#sent < this.#pieces.length && this.#sent - first < this.#limit) {
      const { offset, piece } = this.#pieces[this.#sent++];
      // A copy: some front ends hand the buffer itself to a worker, and it is empty afterwards.
      this.#with.send({ kind: "gn-piece", id: this.id, offset }, [piece.slice(0)]);
    }
    if (this.arrived < this.size && this.#timer === null)
      this.#timer = setTimeout(() => this.#again(), this.#wait);
  }

  // No answer for long: one piece to ask where the kernel stands, the others after its answer.
  #again() {
    this.#rest();
    this.#sent = this.#pieceAt(this.arrived);
    this.#limit = 1;
    this.#wait = Math.min(this.#wait * 1.6, this.#with.patience[1]);
    this.#pump();
  }

  #rest() {
    clearTimeout(this.#timer);
    this.#timer = null;
  }

  #allArrived() {
    if (this.#error) return Promise.reject(this.#error);
    if (this.arrived >= this.size) return Promise.resolve();
    return new Promise((resolve, reject) => this.#idle.push({ resolve, reject }));
  }

  #stop(error) {
    this.#rest();
    this.#error ??= error ?? new Closed("finished");
    this.#idle.splice(0).forEach(({ reject }) => reject(this.#error));
    this.#pieces = [];
    this.#with.done(this.id);
  }
}

/** What a widget's `render` works with. */
class Page {
  #cleanups = [];
  #abort = new AbortController();
  #busy = false;
  #status;
  #alert;
  #dead;
  #unsaved;

  constructor({ model, el: root }, { label }) {
    this.model = model;
    this.root = el("div", { class: "gw", role: "group", "aria-label": label });
    // What a kernel is needed for; off as a whole where there is none.
    this.controls = el("fieldset", { class: "gw-controls" });
    this.#status = el("div", { class: "gw-status", role: "status", "aria-live": "polite" });
    this.#alert = el("div", { class: "gw-alert", role: "alert", hidden: true });
    this.#dead = el("div", { class: "gw-dead", hidden: true });
    this.#unsaved = el("div", { class: "gw-dead gw-unsaved", hidden: true });
    this.signal = this.#abort.signal;
    this.link = new Link(model, this.signal, model.get("_gn_patience") ?? undefined);
    this.alive = true;
    this.root.append(this.#dead, this.#unsaved, this.#alert, this.controls, this.#status);
    root.replaceChildren(this.root);
    // Jupyter's shortcuts are not for what is typed here. Notebook 7 looks for them before any
    // handler of ours, and at the focused element first, so the mark is set on that.
    this.root.dataset.jpSuppressContextMenu = "true";
    this.listen(this.root, "focusin", ({ target }) => (target.dataset.lmSuppressShortcuts = "true"));
    for (const type of ["keydown", "keypress", "keyup", "paste"])
      this.listen(this.root, type, (event) => event.stopPropagation());
    this.on("change:error", () => this.fail(model.get("error")));
    this.fail(model.get("error"));
    this.#watchKernel();
    this.#watchSaved();
  }

  /** addEventListener until the widget goes. */
  listen(target, type, handler, options = {}) {
    target.addEventListener(type, handler, { ...options, signal: this.signal });
  }

  /** model.on until the widget goes. */
  on(event, handler) {
    this.model.on(event, handler);
    this.onClose(() => this.model.off(event, handler));
  }

  /** Called when the output is cleared, the cell deleted or the widget closed. */
  onClose(cleanup) {
    this.#cleanups.push(cleanup);
  }

  /** Set a trait of the Python side. */
  set(name, value) {
    this.model.set(name, value);
    this.model.save_changes();
  }

  /** A quiet line under the controls; screen readers read it when they have time. */
  say(text) {
    if (this.#status.textContent !== text) this.#status.textContent = text;
  }

  /** What went wrong and what to do, until something else happens; "" takes it away. */
  fail(text) {
    this.#alert.textContent = text ?? "";
    this.#alert.hidden = !text;
  }

  /** A way out where this page may not use a device: the same widget in a browser's tab. */
  offerTab(label) {
    if (this.model.get("_gn_loopback")) return; // it is that tab already
    const open = button(label);
    const place = el("div", { class: "gw-row" }, open);
    this.#alert.append(place);
    this.listen(open, "click", async () => {
      open.disabled = true;
      try {
        const { url } = await this.link.ask("gn-page");
        const link = el("a", { href: url, target: "_blank", rel: "noopener" }, "Open the page in a browser");
        place.replaceChildren(link);
        link.focus();
      } catch (error) {
        if (!(error instanceof Closed)) place.replaceChildren(error.message);
      }
    });
  }

  /** While busy (recording), a lost kernel leaves the controls usable. */
  busy(busy) {
    this.#busy = busy;
    this.#showAlive();
  }

  close() {
    if (this.signal.aborted) return;
    this.#abort.abort();
    for (const cleanup of this.#cleanups.splice(0).reverse()) {
      try {
        cleanup();
      } catch (error) {
        console.warn("groqnb: while closing", error);
      }
    }
  }

  async #watchKernel() {
    const { model } = this;
    const find = model.widget_manager?.get_model;
    if (!find) return;
    let own = null;
    try {
      own = await find.call(model.widget_manager, model.get("_gn_key"));
    } catch {
      return; // a front end that does not tell: alive as far as anybody knows
    }
    if (!own || own.comm_live === undefined || this.signal.aborted) return;
    const look = () => {
      this.alive = Boolean(own.comm_live);
      this.#showAlive();
    };
    own.on?.("comm_live_update", look);
    this.onClose(() => own.off?.("comm_live_update", look));
    look();
  }

  // After a page was loaded anew, Jupyter brings nothing under its cells up to date any more; see
  // saved.py. Nobody should take for saved what is not.
  #watchSaved() {
    let timer;
    const look = () => {
      const name = this.model.get("_gn_saved");
      const area = this.root.closest(".jp-OutputArea");
      const stale = this.alive && name && area?.querySelector(".gn-saved") && !area.querySelector(`.${name}`);
      this.#unsaved.hidden = !stale;
      this.#unsaved.textContent = stale
        ? "This page was loaded anew, so what is new here is not saved under this cell. " +
          "Show the widget once more, by its name in a cell, and it is saved there."
        : "";
    };
    const later = () => {
      clearTimeout(timer);
      timer = setTimeout(look, SAVING);
    };
    this.on("change:_gn_saved", later);
    this.onClose(() => clearTimeout(timer));
    later();
  }

  #showAlive() {
    const off = !this.alive && !this.#busy;
    this.controls.disabled = off;
    this.#dead.hidden = this.alive;
    this.#dead.textContent = this.alive
      ? ""
      : this.#busy
        ? "The kernel is away. What you do here is kept and sent when it is back."
        : "No kernel: this shows what was there. Run the cell again to use it.";
    this.root.classList.toggle("gw-off", off);
  }
}

/** A widget's module: `export default define({ label, render })`. */
export function define({ label, render }) {
  return {
    async render(view) {
      const page = new Page(view, { label });
      view.signal?.addEventListener("abort", () => page.close());
      try {
        await render(page);
      } catch (error) {
        page.fail(`This widget could not be shown: ${error.message}`);
        console.error(error);
      }
      return () => page.close();
    },
  };
}
