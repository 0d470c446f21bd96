// An answer on a page, while it streams and when it is complete. What is put in is HTML that the
// kernel made and escaped; the page writes once an animation frame at most, however much comes.
//
//   const answer = new AnswerView(() => scrollDown());   // called after each write
//   parent.append(answer.root);
//   answer.grow({ text: { add: "<p>All.</p>", tail: "<p>Mo" } });
//   answer.finish({ text: "<p>All.</p><p>More.</p>", foot: "…" });
import { el } from "./shared.js";

const PARTS = ["runs", "think", "tools", "text", "after", "foot"];

export class AnswerView {
  #onPaint;
  #parts = new Map(); // name -> {box, closed, tail}
  #pending = new Map(); // name -> {set, add, tail}
  #frame = null;
  writes = 0; // how often the page was written to

  constructor(onPaint = () => {}) {
    this.#onPaint = onPaint;
    // Lab's own class gives text, tables and code the looks that they have under a cell.
    this.root = el("div", { class: "groqnb jp-RenderedHTMLCommon gw-answer" });
    for (const name of PARTS) {
      const closed = el("div", { class: "gw-answer-part" });
      const tail = el("div", { class: "gw-answer-part" });
      let box = el("div", { class: `gw-answer-part gw-answer-${name}`, hidden: true }, closed, tail);
      if (name === "think") {
        const inside = el("details", {}, el("summary", {}, "Reasoning"), closed, tail);
        box = el("div", { class: "gn-think", hidden: true }, inside);
      }
      this.#parts.set(name, { box, closed, tail });
      this.root.append(box);
    }
  }

  /** More has come: for each part `set` (all of it) or `add`, and `tail`, its end for now. */
  grow(changes) {
    for (const [name, change] of Object.entries(changes)) {
      const before = this.#pending.get(name) ?? { set: null, add: "" };
      if (change.set !== undefined) Object.assign(before, { set: change.set, add: "" });
      else before.add += change.add;
      before.tail = change.tail ?? "";
      this.#pending.set(name, before);
    }
    this.#frame ??= requestAnimationFrame(() => this.#write());
  }

  /** All of it, at once; what was unfolded stays so. */
  finish(slots) {
    this.#pending.clear();
    const open = [...this.root.querySelectorAll("details")].map((each) => each.open);
    for (const name of PARTS) this.#pending.set(name, { set: slots[name] ?? "", add: "", tail: "" });
    this.#write();
    const now = this.root.querySelectorAll("details");
    if (now.length === open.length) now.forEach((each, i) => (each.open = open[i]));
  }

  close() {
    cancelAnimationFrame(this.#frame);
    this.#frame = null;
  }

  #write() {
    this.close();
    if (!this.#pending.size) return;
    this.writes += 1;
    for (const [name, { set, add, tail }] of this.#pending) {
      const part = this.#parts.get(name);
      if (!part) continue;
      if (set !== null) part.closed.innerHTML = set;
      if (add) part.closed.insertAdjacentHTML("beforeend", add);
      part.tail.innerHTML = tail;
      part.box.hidden = !part.closed.firstChild && !part.tail.firstChild;
    }
    this.#pending.clear();
    this.#onPaint();
  }
}

/** Copy text; true where that was possible. */
export async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // No secure page, or no permission: the old way.
    const area = el("textarea", { "aria-hidden": "true", style: "position:fixed;opacity:0" });
    area.value = text;
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    return done;
  }
}
