import { askKernel } from "./asking.js";
import { button, define, el, freshId } from "./shared.js";

const OVERDUE = 60; // s after which a look that did not come is asked for
const FILES = { output: "results", error: "errors" };
const WORDS = {
  asking: "asking …",
  unknown: "not known to the server",
  in_progress: "in progress",
};
const WAITS = {
  validating: "The file of requests is being checked.",
  finalizing: "All requests are done; the files of results are being written.",
  cancelling: "This may take up to ten minutes; what is done until then is kept.",
};

const number = (value) => value.toLocaleString("en-US");
const words = (status) => WORDS[status] ?? status.replaceAll("_", " ");

/** Seconds for people, in the unit that fits: 45 s, 12 min, 3.5 h, 2 days. */
function span(seconds) {
  if (seconds < 90) return `${Math.max(Math.round(seconds), 1)} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  if (seconds < 48 * 3600) return `${(seconds / 3600).toFixed(1).replace(/\.0$/, "")} h`;
  return `${Math.round(seconds / 86_400)} days`;
}

/** What is left, from at least to at most; the ends are as sure as what was seen of the pace. */
function leftText([low, high]) {
  if (high <= 1) return "about to end";
  const [from, to] = [span(Math.max(low, 1)), span(high)];
  if (high <= 1.3 * low || from === to) return `about ${to} left`;
  const [, a, unit] = from.match(/^(\S+) (.+)$/);
  return to.endsWith(` ${unit}`) ? `about ${a} to ${to} left` : `about ${from} to ${to} left`;
}

/** One batch. What can be focused stays the same element from one look to the next. */
class Card {
  #gn;
  #id;
  #asks; // what is done with its buttons
  #batch = null;
  #problems = "";

  constructor(gn, id, asks) {
    this.#gn = gn;
    this.#id = id;
    this.#asks = asks;
    this.name = el("span", { class: "gw-batch-name" });
    this.idText = el("span", { class: "gw-batch-id gw-dim" }, id);
    this.status = el("span", { class: "gw-batch-status" });
    this.done = el("div", { class: "gw-batch-done" });
    this.bad = el("div", { class: "gw-batch-bad" });
    this.bar = el("div", { class: "gw-batch-bar", role: "progressbar", "aria-valuemin": 0 }, this.done, this.bad);
    this.facts = el("div", { class: "gw-batch-facts" });
    this.times = el("div", { class: "gw-dim gw-batch-facts" });
    this.list = el("ul");
    this.summary = el("summary");
    this.problems = el("details", { class: "gw-batch-problems", hidden: true }, this.summary, this.list);
    this.files = Object.fromEntries(
      Object.entries(FILES).map(([kind, what]) => {
        const face = button(`Download ${what}`, { hidden: true });
        gn.listen(face, "click", () => asks.load(id, kind));
        return [kind, face];
      }),
    );
    this.cancel = button("Cancel batch…", { class: "gw-batch-effect", hidden: true });
    this.sure = this.#question();
    gn.listen(this.cancel, "click", () => this.#ask(true));
    this.acts = el("div", { class: "gw-row gw-batch-acts" }, ...Object.values(this.files), this.cancel);
    this.root = el(
      "li",
      { class: "gw-batch" },
      el("div", { class: "gw-batch-head" }, this.name, this.idText, this.status),
      this.bar,
      this.facts,
      this.times,
      this.problems,
      this.acts,
      this.sure,
    );
  }

  #question() {
    const stop = button("Cancel this batch", { class: "gw-batch-effect" });
    const keep = button("Let it go on", { class: "gw-primary" });
    const text = el("p");
    const box = el("div", { class: "gw-batch-ask", role: "group", hidden: true }, text, el("div", { class: "gw-row" }, keep, stop));
    Object.assign(box, { text, keep });
    this.#gn.listen(keep, "click", () => this.#ask(false));
    this.#gn.listen(box, "keydown", (event) => {
      if (event.key !== "Escape") return;
      event.preventDefault();
      this.#ask(false);
    });
    this.#gn.listen(stop, "click", () => {
      this.#ask(false);
      this.#asks.cancel(this.#id);
    });
    return box;
  }

  #ask(open) {
    this.sure.hidden = !open;
    if (!open) return this.cancel.hidden ? undefined : this.cancel.focus();
    const { total, completed, failed } = this.#batch;
    const rest = total ? `${number(total - completed - failed)} of its ${number(total)} requests` : "Its requests";
    this.sure.text.textContent =
      `This has an effect on the server: ${rest} will not be answered, and it cannot be taken up again. ` +
      "What is done is kept, and paid.";
    this.sure.setAttribute("aria-label", `Cancel ${this.title}?`);
    this.sure.keep.focus();
  }

  get title() {
    return this.#batch?.name || this.#id;
  }

  show(batch) {
    const before = this.#batch;
    this.#batch = batch;
    this.name.textContent = batch.name;
    this.name.hidden = !batch.name;
    const status = batch.cancelling && !batch.ended ? "cancelling" : batch.status;
    this.status.textContent = words(status);
    this.status.dataset.status = status;
    this.#showBar(batch);
    this.#showProblems(batch.problems ?? []);
    for (const [kind, face] of Object.entries(this.files)) {
      face.hidden = !batch.files?.includes(kind);
      face.setAttribute("aria-label", `Download ${FILES[kind]} of ${this.title}`);
    }
    const had = this.cancel === document.activeElement;
    this.cancel.hidden = batch.ended !== false || ["cancelling", "finalizing"].includes(status);
    this.cancel.setAttribute("aria-label", `Cancel batch ${this.title}…`);
    if (this.cancel.hidden && (had || !this.sure.hidden)) {
      this.sure.hidden = true;
      const next = Object.values(this.files).find((face) => !face.hidden);
      next?.focus();
    }
    this.acts.hidden = [...this.acts.children].every((each) => each.hidden);
    if (before && before.status !== batch.status) this.#gn.say(`${this.title}: ${words(batch.status)}`);
  }

  #showBar({ total, completed, failed, status, ended }) {
    const over = ended || status === "unknown"; // nothing will come of that one
    const waits = !total && !over;
    this.bar.hidden = over && !total;
    this.bar.classList.toggle("gw-batch-waits", waits);
    const done = (completed ?? 0) + (failed ?? 0);
    this.bar.setAttribute("aria-label", `Progress of ${this.title}`);
    this.bar.setAttribute("aria-valuemax", total || 1);
    if (waits) {
      this.bar.removeAttribute("aria-valuenow");
      this.bar.setAttribute("aria-valuetext", words(status));
      this.facts.textContent = WAITS[status] ?? "";
      return;
    }
    this.done.style.width = total ? `${(100 * completed) / total}%` : "0";
    this.bad.style.width = total ? `${(100 * failed) / total}%` : "0";
    const percent = total ? Math.floor((100 * done) / total) : 0;
    const text = total ? `${number(completed)} completed, ${number(failed)} failed, of ${number(total)} requests` : "";
    this.bar.setAttribute("aria-valuenow", done);
    this.bar.setAttribute("aria-valuetext", text);
    this.facts.textContent = total ? `${percent}%: ${text}` : "";
  }

  #showProblems(problems) {
    const all = JSON.stringify(problems);
    if (all === this.#problems) return;
    this.#problems = all;
    this.problems.hidden = !problems.length;
    this.summary.textContent = problems.length === 1 ? "An error of its file" : "Errors of its file";
    this.list.replaceChildren(...problems.map((text) => el("li", {}, text)));
    if (this.#batch.status === "failed") this.problems.open = true;
  }

  /** Times go by: `now` by the kernel's clock, or null where nobody knows what happened since. */
  tick(now, looked) {
    const batch = this.#batch;
    const parts = [];
    let soon = false;
    if (batch.ended && batch.created_at && batch.ended_at)
      parts.push(`took ${span(batch.ended_at - batch.created_at)}`);
    else if (!batch.ended && batch.created_at) {
      const at = now ?? looked;
      parts.push(`${now === null ? "was running for" : "running for"} ${span(Math.max(at - batch.created_at, 0))}`);
      if (now !== null) {
        const left = batch.left?.map((seconds) => Math.max(seconds - (at - looked), 0));
        if (left) parts.push(leftText(left));
        else if (batch.status === "in_progress") parts.push("time left: too early to tell");
        if (batch.expires_at) {
          const expires = batch.expires_at - at;
          soon = expires <= 0 || (left && left[1] > expires);
          parts.push(
            expires <= 0 ? "expires now" : `${soon ? "may not be done before it " : ""}expires in ${span(expires)}`,
          );
        }
      } else if (batch.expires_at) parts.push(`expires ${new Date(1000 * batch.expires_at).toLocaleString()}`);
    }
    if (batch.endpoint) parts.push(batch.endpoint);
    const text = parts.join(" · ");
    if (this.times.textContent !== text) this.times.textContent = text;
    this.times.classList.toggle("gw-batch-soon", Boolean(soon));
    if (batch.expires_at) this.times.title = `Expires ${new Date(1000 * batch.expires_at).toLocaleString()}`;
  }
}

/** Give the browser a file to save. */
function save(blob, name) {
  const url = URL.createObjectURL(blob);
  const link = el("a", { href: url, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

export default define({
  label: "Batch monitor",
  render(gn) {
    gn.root.classList.add("gw-batches-box");
    const view = freshId();
    const cards = new Map();
    const wanted = new Set(); // the files that are on their way
    const trouble = el("div", { class: "gw-batch-trouble", hidden: true });
    const list = el("ul", { class: "gw-batches", "aria-label": "Batches" });
    const empty = el("p", { class: "gw-dim" }, "No batch is running.");
    const more = el("p", { class: "gw-dim" });
    const when = el("span", { class: "gw-dim gw-grow" });
    const refresh = button("Refresh", { title: "Look at the server now" });
    gn.controls.append(trouble, list, empty, more, el("div", { class: "gw-row gw-batch-foot" }, when, refresh));

    let heard = Date.now(); // when the state came, by this page's clock
    let askedAgain = Date.now();

    const asks = {
      async cancel(id) {
        if (await askKernel(gn, "cancel", { id })) gn.say("The server is asked to cancel it.");
      },
      async load(id, kind) {
        wanted.add(`${id}/${kind}`);
        gn.say("The file is being fetched …");
        if (!(await askKernel(gn, "load", { id, kind }))) wanted.delete(`${id}/${kind}`);
      },
    };

    // A word to the kernel that somebody looks on. Nobody waits for an answer.
    const seen = (look) => {
      if (gn.alive) gn.link.ask("seen", { view, look }).catch(() => {});
    };

    function draw() {
      const state = gn.model.get("state") ?? {};
      const batches = state.batches ?? [];
      heard = Date.now();
      for (const batch of batches) {
        if (!cards.has(batch.id)) cards.set(batch.id, new Card(gn, batch.id, asks));
        cards.get(batch.id).show(batch);
      }
      const ids = new Set(batches.map(({ id }) => id));
      for (const [id, card] of cards) {
        if (ids.has(id)) continue;
        card.root.remove();
        cards.delete(id);
      }
      batches.forEach(({ id }, at) => {
        const { root } = cards.get(id);
        if (list.children[at] !== root) list.insertBefore(root, list.children[at] ?? null);
      });
      list.hidden = !batches.length;
      empty.hidden = batches.length > 0;
      more.hidden = !state.hidden;
      more.textContent = state.hidden ? `and ${number(state.hidden)} more; to_frame() has all` : "";
      tick();
    }

    function tick() {
      const state = gn.model.get("state") ?? {};
      const passed = (Date.now() - heard) / 1000;
      const now = gn.alive && state.now ? state.now + passed : null;
      for (const card of cards.values()) card.tick(now, state.now);
      showWhen(state, now);
      showTrouble(state, now);
      const overdue = state.running && state.next_at && now !== null && now > state.next_at + OVERDUE;
      if (overdue && Date.now() - askedAgain > 1000 * OVERDUE) {
        askedAgain = Date.now();
        seen(true);
      }
    }

    function showWhen(state, now) {
      const ended = (state.batches ?? []).every(({ ended }) => ended);
      let text = "";
      if (state.looked_at && (now === null || (!state.running && !ended)))
        text = `seen ${new Date(1000 * state.looked_at).toLocaleString()}`;
      else if (state.running && state.looked_at) {
        const next = state.next_at ? `, again in ${span(state.next_at - now)}` : "";
        text = `seen ${span(now - state.looked_at)} ago${next}`;
      }
      if (when.textContent !== text) when.textContent = text;
    }

    function showTrouble(state, now) {
      const again = state.next_at && now !== null ? ` Tried again in ${span(state.next_at - now)}.` : "";
      const text = state.trouble ? `${state.trouble}${again}` : "";
      if (trouble.hidden !== !text) {
        trouble.hidden = !text;
        gn.say(text ? "The server could not be asked." : "The server answers again.");
      }
      if (trouble.textContent !== text) trouble.textContent = text;
    }

    async function fetchWanted() {
      const offers = gn.model.get("_gn_offers") ?? {};
      for (const name of [...wanted].filter((each) => offers[each])) {
        wanted.delete(name);
        try {
          const blob = await gn.link.fetch(name);
          if (blob) save(blob, `${name.replace(/[^\w.-]+/g, "_")}.jsonl`);
          gn.say(blob ? "The file is there." : "The file is gone; ask for it again.");
          await gn.link.ask("had", { name });
        } catch (error) {
          gn.fail(error.message);
        }
      }
    }

    gn.listen(refresh, "click", () => askKernel(gn, "refresh"));
    gn.on("change:state", () => {
      draw();
      seen(false);
    });
    gn.on("change:_gn_offers", fetchWanted);
    gn.on("msg:custom", ({ kind, name }) => {
      if (kind === "failed" && wanted.delete(name)) gn.say("");
    });
    gn.listen(document, "visibilitychange", () => document.hidden || seen(true));
    const timer = setInterval(tick, 1000);
    gn.onClose(() => {
      clearInterval(timer);
      try {
        // Not by the link, which is closed already.
        gn.model.send({ kind: "gn-ask", id: freshId(), what: "gone", content: { view } });
      } catch {
        // The kernel finds out by itself, later.
      }
    });
    draw();
    seen(true);
  },
});
