// A playground: the question and its parameters on one side, the answer and its code below.
// Every message of the kernel has a number; a page that opens asks "hello" and gets one too.
import { button, define, el } from "./shared.js";
import { AnswerView, copyText } from "./answer.js";
import { askKernel, modelChoice, systemMessage } from "./asking.js";
import { Attachments } from "./attach.js";
import { Knobs } from "./knobs.js";

class Playground {
  number = 0;
  early = [];

  constructor(gn) {
    this.gn = gn;
    this.prompt = el("textarea", { class: "gw-play-prompt", rows: 4, "aria-label": "Prompt", placeholder: "Prompt (Ctrl+Enter runs it)" });
    this.model = modelChoice(gn);
    this.system = systemMessage(gn);
    this.images = new Attachments(gn, (what, content) => this.act(what, content));
    this.knobs = new Knobs(gn);
    this.go = button("Run", { class: "gw-primary" });
    this.halt = button("Stop", { class: "gw-primary", hidden: true });
    this.reset = button("Reset parameters");
    this.waiting = el("div", { class: "gw-play-wait gw-dim", hidden: true });
    this.failure = el("p", { class: "gw-play-failure", hidden: true });
    this.answer = new AnswerView();
    this.code = el("div", { class: "gw-play-code", hidden: true });
    this.out = el("div", { class: "gw-play-out", role: "region", "aria-label": "Answer" }, ...[this.waiting, this.failure, this.answer.root, this.code]);
    this.#listen();
  }

  #listen() {
    const { gn } = this;
    const show = () => {
      if (this.prompt.value !== gn.model.get("prompt")) this.prompt.value = gn.model.get("prompt");
    };
    gn.on("change:prompt", show);
    show();
    // Kept with the widget at once, and told to the kernel when the box is left, or at Run.
    gn.listen(this.prompt, "input", () => gn.model.set("prompt", this.prompt.value));
    gn.listen(this.prompt, "change", () => gn.set("prompt", this.prompt.value));
    gn.listen(gn.root, "keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
        event.preventDefault();
        this.knobs.take(event.target);
        this.run();
      }
      if (event.key === "Escape" && !this.halt.hidden) this.stop();
    });
    gn.listen(this.go, "click", () => this.run());
    gn.listen(this.halt, "click", () => this.stop());
    gn.listen(this.reset, "click", () => this.knobs.reset());
    gn.on("msg:custom", (message) => this.hear(message));
    gn.onClose(() => this.answer.close());
  }

  act(what, content) {
    return askKernel(this.gn, what, content);
  }

  async run() {
    if (this.go.hidden || this.go.disabled || !this.gn.alive || !this.knobs.right()) return;
    this.go.disabled = true;
    const { model } = this.gn;
    const system = this.system.querySelector("textarea").value.trim() || null;
    const now = { model: this.model.value, prompt: this.prompt.value, system, values: model.get("values") };
    if (await this.images.settled()) await this.act("run", now);
    this.go.disabled = false;
  }

  async stop() {
    this.halt.disabled = true;
    if (!(await this.act("stop"))) this.halt.disabled = false;
  }

  async open() {
    const { gn } = this;
    gn.say("Waiting for the kernel…");
    const hello = await gn.link.ask("hello");
    gn.say("");
    gn.root.classList.add("gw-play-live"); // what is saved below is hidden from now on
    this.images.restore(hello.attached);
    if (hello.live) {
      this.begin({ status: "" });
      this.answer.grow(hello.live);
    } else this.done(hello);
    const early = this.early.filter(({ number }) => number > hello.number);
    this.early = null;
    early.forEach((message) => this.hear(message));
  }

  hear(message) {
    if (!["begin", "status", "grow", "done"].includes(message.kind)) return;
    if (this.early) this.early.push(message);
    else this[message.kind](message);
  }

  begin({ status }) {
    this.answer.finish({});
    this.code.hidden = true;
    this.failure.hidden = true;
    this.wait(status);
    this.busy(true);
  }

  status({ text }) {
    this.wait(text);
  }

  wait(text) {
    this.waiting.textContent = text;
    this.waiting.hidden = !text;
  }

  grow({ parts }) {
    this.wait("");
    this.answer.grow(parts);
  }

  done({ slots, failure, magic, python, text }) {
    this.wait("");
    this.answer.finish(slots ?? {});
    this.failure.textContent = failure;
    this.failure.hidden = !failure;
    this.showCode(magic, python, text);
    if (!this.halt.hidden) this.gn.say(failure ? "There is no complete answer." : "The answer has ended.");
    this.busy(false);
  }

  busy(busy) {
    const focused = document.activeElement;
    this.go.hidden = busy;
    this.halt.hidden = !busy;
    this.halt.disabled = false;
    if (focused === this.go && busy) this.halt.focus();
    if (focused === this.halt && !busy) this.go.focus();
  }

  showCode(magic, python, text) {
    this.code.hidden = !python;
    if (!python) return;
    const parts = [];
    if (magic) parts.push(["As a %%groq cell", magic]);
    parts.push(["As Python", python]);
    const folds = parts.map(([title, code]) =>
      el("details", {}, el("summary", {}, title), el("pre", { class: "gw-play-source", tabindex: 0 }, code)),
    );
    const copies = parts.map(([title, code]) => this.#copy(`Copy ${title[0].toLowerCase()}${title.slice(1)}`, code));
    if (text) copies.unshift(this.#copy("Copy the answer", text));
    const none = magic ? null : el("p", { class: "gw-dim" }, "Its options fit into no single line, so there is no %%groq cell of it.");
    this.code.replaceChildren(el("div", { class: "gw-row" }, ...copies), ...folds, ...(none ? [none] : []));
  }

  #copy(face, text) {
    const node = button(face);
    node.addEventListener("click", async () => {
      const done = await copyText(text);
      this.gn.say(done ? "Copied." : "This browser does not let a page copy: select the text instead.");
    });
    return node;
  }
}

export default define({
  label: "Playground",
  async render(gn) {
    const play = new Playground(gn);
    gn.root.classList.add("gw-play");
    gn.controls.append(
      el("div", { class: "gw-row" }, el("label", { class: "gw-play-model" }, "Model ", play.model), play.images.add),
      ...[play.images.strip, play.images.file, play.prompt, play.system, play.knobs.root],
      el("div", { class: "gw-row gw-play-row" }, play.go, play.halt, el("span", { class: "gw-grow" }), play.reset),
    );
    gn.controls.after(play.out);
    // Not awaited: it can be looked at, and written into, while the kernel is busy.
    play.open().catch((error) => {
      if (!gn.signal.aborted) gn.fail(error.message);
    });
  },
});
