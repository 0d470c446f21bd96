// A chat panel: the conversation above, and below where the next question is written.
// Every message of the kernel has a number; see groqnb/widgets/chat_page.py.
import { define, el } from "./shared.js";
import { Composer } from "./chat_composer.js";
import { TurnView } from "./chat_turn.js";
import { askKernel, modelChoice, systemMessage } from "./asking.js";

const NEAR = 40; // px from the end at which the page still follows what comes

class Panel {
  turns = new Map(); // id -> TurnView
  live = null; // the answer on its way
  state = null; // the last "chat"
  shown = null; // the last one that was arranged
  acting = false; // a turn's button was pressed, and the kernel has not answered yet
  early = []; // messages that came before the answer to "hello"

  constructor(gn) {
    this.gn = gn;
    this.log = el("div", { class: "gw-chat-log", role: "log", "aria-live": "off", "aria-label": "Conversation", tabindex: 0 });
    this.empty = el("p", { class: "gw-chat-empty gw-dim" }, "Nothing was asked yet.");
    this.totals = el("div", { class: "gw-chat-totals gw-dim" });
    this.composer = new Composer(gn, (what, content) => this.act(what, content));
    this.tools = {
      act: (what, content) => this.once(what, content),
      say: (text) => gn.say(text),
      painted: () => this.follow(),
    };
    this.follows = true;
    gn.listen(this.log, "scroll", () => {
      const { scrollTop, scrollHeight, clientHeight } = this.log;
      this.follows = scrollHeight - scrollTop - clientHeight < NEAR;
    });
  }

  act(what, content) {
    return askKernel(this.gn, what, content);
  }

  /** The same for the buttons of turns: the second click of two is meant for nothing. */
  async once(what, content) {
    if (this.acting) return false;
    this.acting = true;
    const done = await this.act(what, content);
    this.acting = false;
    return done;
  }

  async open() {
    const { gn } = this;
    gn.on("msg:custom", (message) => this.hear(message));
    this.gn.say("Waiting for the kernel…");
    const hello = await gn.link.ask("hello");
    gn.say("");
    gn.root.classList.add("gw-chat-live"); // what is saved below is hidden from now on
    this.composer.images.restore(hello.attached);
    await this.chat({ ...hello, bodies: [] });
    if (hello.live) this.grow({ parts: hello.live });
    const early = this.early.filter(({ number }) => number > hello.number);
    this.early = null;
    early.forEach((message) => this.hear(message));
  }

  hear(message) {
    if (!["chat", "status", "grow"].includes(message.kind)) return;
    if (this.early) this.early.push(message);
    else
      Promise.resolve(this[message.kind](message)).catch((error) => {
        if (!this.gn.signal.aborted) this.gn.fail(error.message);
      });
  }

  status({ text }) {
    this.live?.wait(text);
    this.follow();
  }

  grow({ parts }) {
    this.live?.wait("");
    this.live?.answer.grow(parts);
  }

  async chat(state) {
    if (this.state && state.number < this.state.number) return;
    this.state = state;
    for (const body of state.bodies) {
      // The answer that was on its way is the one that is complete now.
      if (body.role === "assistant" && this.live && !this.turns.has(body.id)) {
        this.turns.set(body.id, this.live);
        this.live = null;
      }
      this.fill(body);
    }
    // Before anything is waited for: its words may come while older turns are fetched.
    if (state.busy) this.live ??= new TurnView("assistant", this.tools);
    else {
      this.live?.answer.close();
      this.live = null;
    }
    this.live?.wait(state.status);
    const missing = state.path.map(({ id }) => id).filter((id) => !this.turns.has(id));
    for (let at = 0; at < missing.length; at += 5) {
      const bodies = await this.gn.link.ask("turns", { ids: missing.slice(at, at + 5) });
      // What was told meanwhile is newer than what was asked for.
      for (const body of bodies) if (!this.turns.has(body.id)) this.fill(body);
    }
    if (this.state !== state) return; // something newer came meanwhile
    this.arrange();
  }

  fill(body) {
    let turn = this.turns.get(body.id);
    if (!turn) {
      turn = new TurnView(body.role, this.tools);
      this.turns.set(body.id, turn);
    }
    turn.fill(body);
  }

  arrange() {
    const { path, busy, totals } = this.state;
    const was = this.shown;
    this.shown = this.state;
    const seen = path.map(({ id }) => this.turns.get(id));
    const nodes = [...seen, this.live].filter(Boolean).map(({ node }) => node);
    const shown = nodes.length ? nodes : [this.empty];
    // What stays is not moved: a box in which a question is edited would lose the focus.
    for (const node of [...this.log.children]) if (!shown.includes(node)) node.remove();
    shown.forEach((node, i) => {
      const there = this.log.children[i];
      if (there !== node) this.log.insertBefore(node, there ?? null);
    });
    path.forEach(({ beside, runs }, i) => {
      const last = i === path.length - 1;
      const failed = Boolean(seen[i].body.failure) && (last || seen[i + 1].role === "user");
      seen[i].arrange({ beside, runs, last, busy, failed });
    });
    this.totals.textContent = totals;
    this.composer.busy(busy);
    if (was && was.busy && !busy) this.gn.say("The answer has ended.");
    if (busy && !was?.busy) {
      this.gn.say("");
      this.follows = true;
    }
    this.follow();
  }

  follow() {
    if (this.follows) this.log.scrollTop = this.log.scrollHeight;
  }
}

export default define({
  label: "Chat",
  async render(gn) {
    const panel = new Panel(gn);
    const { composer } = panel;
    gn.root.classList.add("gw-chat");
    gn.controls.before(panel.log, panel.totals);
    gn.controls.append(
      ...composer.nodes,
      el(
        "div",
        { class: "gw-row gw-chat-row" },
        ...[modelChoice(gn), composer.images.add, composer.mic, el("span", { class: "gw-grow" }), composer.go, composer.halt],
      ),
      systemMessage(gn),
    );
    panel.log.append(panel.empty);
    composer.fit();
    // Not awaited: the panel can be looked at, and written into, while the kernel is busy.
    panel.open().catch((error) => {
      if (!gn.signal.aborted) gn.fail(error.message);
    });
  },
});
