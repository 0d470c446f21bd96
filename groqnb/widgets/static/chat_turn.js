// One turn of a conversation on the page: a question, an answer, or the results of tools.
import { button, el } from "./shared.js";
import { AnswerView, copyText } from "./answer.js";

const WHO = { user: "You", assistant: "Assistant", tool: "Tools" };

/**
 * `act(what, content)` asks the kernel; `say(text)` speaks to the person; `painted()` is called
 * after each write.
 */
export class TurnView {
  #edits = false; // the question is being edited

  constructor(role, { act, say, painted }) {
    this.role = role;
    this.body = null;
    this.act = act;
    this.say = say;
    this.who = el("b", { class: "gw-chat-who" }, WHO[role]);
    this.acts = el("span", { class: "gw-chat-acts" });
    this.status = el("div", { class: "gw-chat-wait gw-dim", hidden: true });
    this.failure = el("p", { class: "gw-chat-failure", hidden: true });
    this.answer = role === "user" ? null : new AnswerView(painted);
    this.content = role === "user" ? el("div", { class: "gw-chat-said" }) : this.answer.root;
    this.below = el("div", { class: "gw-chat-below" });
    const head = el("div", { class: "gw-chat-head" }, this.who, this.acts);
    this.node = el(
      "article",
      { class: `gw-chat-turn gw-chat-${role}`, "aria-label": WHO[role] },
      ...[head, this.content, this.status, this.failure, this.below],
    );
  }

  /** What happens before the first word; "" when there are words. */
  wait(text) {
    this.status.textContent = text;
    this.status.hidden = !text;
  }

  /** Show what the kernel knows of it. */
  fill(body) {
    this.body = body;
    this.node.dataset.turn = body.id;
    this.wait("");
    this.failure.textContent = body.failure;
    this.failure.hidden = !body.failure;
    if (this.answer) this.answer.finish(body.slots);
    else if (!this.#edits) {
      const images = el("div", { class: "gw-chat-images" });
      images.innerHTML = body.images.join(" "); // made and escaped by the kernel
      this.content.replaceChildren(el("div", { class: "gw-chat-text" }, body.text), images);
    }
  }

  /** Its buttons: which depends on what stands beside and after it. */
  arrange({ beside, runs, last, busy, failed }) {
    if (!this.body) return;
    const { id, text, calls } = this.body;
    const acts = [];
    if (beside.length > 1) acts.push(this.#branches(beside, id, busy));
    if (text) acts.push(this.#button("Copy", "Copy the text", () => this.#copy(text)));
    if (this.role === "user") {
      acts.push(this.#button("Edit", "Edit this question and ask it again", () => this.#edit(), busy));
      if (failed) acts.push(this.#button("Try again", "Ask again", () => this.act("again", { id }), busy));
    }
    if (this.role === "assistant")
      acts.push(this.#button("Regenerate", "Ask for another answer", () => this.act("again", { id }), busy));
    if (this.role === "tool" && failed)
      acts.push(this.#button("Try again", "Ask again", () => this.act("again", { id }), busy));
    const focused = this.acts.contains(document.activeElement)
      ? document.activeElement.getAttribute("aria-label")
      : null;
    this.acts.replaceChildren(...acts);
    if (focused) this.acts.querySelector(`[aria-label="${focused}"]`)?.focus({ preventScroll: true });
    const wanted = calls?.length && last && !busy;
    if (!wanted) this.below.replaceChildren();
    else if (!this.below.firstChild) this.below.append(this.#results(id, calls, runs));
  }

  #button(face, label, click, disabled = false) {
    const node = button(face, { class: "gw-chat-act", "aria-label": label, title: label, disabled });
    node.addEventListener("click", click);
    return node;
  }

  #branches(beside, id, busy) {
    const place = beside.indexOf(id);
    const go = (step) => () => this.act("choose", { id: beside[place + step] });
    const what = this.role === "user" ? "question" : "answer";
    return el(
      "span",
      { class: "gw-chat-branches" },
      this.#button("‹", `Earlier ${what}`, go(-1), busy || place === 0),
      el("span", { class: "gw-chat-place" }, `${place + 1}/${beside.length}`),
      this.#button("›", `Later ${what}`, go(1), busy || place === beside.length - 1),
    );
  }

  async #copy(text) {
    const done = await copyText(text);
    this.say(done ? "Copied." : "This browser does not let a page copy: select the text instead.");
  }

  #edit() {
    if (this.#edits) return this.content.querySelector("textarea").focus();
    const area = el("textarea", { class: "gw-chat-edit", "aria-label": "The question", rows: 3 });
    area.value = this.body.text;
    this.#edits = true;
    const done = () => {
      this.#edits = false;
      this.fill(this.body);
    };
    const leave = () => {
      done();
      this.acts.querySelector('[aria-label^="Edit"]')?.focus({ preventScroll: true });
    };
    const save = async () => {
      if (await this.act("edit", { id: this.body.id, text: area.value })) done();
    };
    area.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && !event.isComposing) {
        event.stopPropagation(); // for the panel it stops the answer on its way
        leave();
      }
      if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
        event.preventDefault();
        save();
      }
    });
    const ask = button("Ask", { class: "gw-primary" });
    ask.addEventListener("click", save);
    const cancel = button("Cancel");
    cancel.addEventListener("click", leave);
    this.content.replaceChildren(area, el("div", { class: "gw-row gw-chat-row" }, ask, cancel));
    area.focus();
  }

  #results(id, calls, runs) {
    const run = button("Run", { class: "gw-primary", hidden: !runs, title: "Run your functions, and send what they return" });
    run.addEventListener("click", () => this.act("run", { id }));
    const areas = calls.map((call) => [
      call.id,
      el("textarea", { rows: 2, "aria-label": `Result of ${call.name}`, placeholder: `Result of ${call.name}` }),
    ]);
    const give = button("Give results");
    give.addEventListener("click", () => {
      const results = Object.fromEntries(areas.map(([call, area]) => [call, area.value]));
      this.act("give", { id, results });
    });
    return el("div", { class: "gw-chat-results" }, ...areas.map(([, area]) => area), el("div", { class: "gw-row" }, run, give));
  }
}
