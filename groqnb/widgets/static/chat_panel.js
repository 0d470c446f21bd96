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
    await this.chat({ ...hello, bodies: [] });
    if (hello.live) this.grow({ parts: hello.live });
    this.composer.images.restore(hello.attached);
    const early = this.early.filter(({ number }) => number > hello.number);
    this.early = null;
    early.forEach((message) => this.hear(message));
  }

  hear(message) {
    if (!["chat", "status", "grow"].includes(message.kind)) return;
    if (this.early) this.early.push(message);
    else this[message.kind](message);
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
    const was = this.state;
    if (was && state.number < was.number) return;
    this.state = state;
    for (const body of state.bodies) this.fill(body);
    const missing = state.path.map(({ id }) => id).filter((id) => !this.turns.has(id));
    for (let at = 0; at < missing.length; at += 5) {
      const bodies = await this.gn.link.ask("turns", { ids: missing.slice(at, at + 5) });
      for (const body of bodies) this.fill(body);
    }
    if (this.state !== state) return; // something newer came meanwhile
    this.arrange(was);
  }

  fill(body) {
    let turn = this.turns.get(body.id);
    if (!turn) {
      // The answer that was on its way is the one that is complete now.
      const adopted = body.role === "assistant" && this.live;
      turn = adopted || new TurnView(body.role, this.tools);
      if (adopted) this.live = null;
      this.turns.set(body.id, turn);
    }
    turn.fill(body);
  }

  arrange(was) {
    const { path, busy, status, totals } = this.state;
    if (!busy && this.live) {
      this.live.answer.close();
      this.live = null;
    }
    if (busy && !this.live) this.live = new TurnView("assistant", this.tools);
    this.live?.wait(status);
    const seen = path.map(({ id }) => this.turns.get(id));
    const nodes = [...seen, this.live].filter(Boolean).map(({ node }) => node);
    const shown = nodes.length ? nodes : [this.empty];
    const same = shown.length === this.log.children.length && shown.every((node, i) => this.log.children[i] === node);
    if (!same) this.log.replaceChildren(...shown);
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
