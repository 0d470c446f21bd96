import { button, define, el, freshId } from "./shared.js";

const PLACES = { cloud: "Groq cloud", local: "local engine", url: "another URL" };

const number = (value) => Math.floor(value).toLocaleString("en-US");

function span(seconds) {
  if (seconds < 90) return `${Math.ceil(seconds)} s`;
  return seconds < 5400 ? `${Math.round(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} h`;
}

function level(part) {
  return part >= 0.9 ? "bad" : part >= 0.75 ? "warn" : "";
}

/** A bar with its words; `show(part, text)` sets both. */
function bar(name, meaning) {
  const fill = el("div", { class: "gw-meter-fill" });
  const track = el(
    "div",
    {
      class: "gw-meter-bar",
      role: "meter",
      "aria-label": `${name}, ${meaning}, used`,
      "aria-valuemin": 0,
      "aria-valuemax": 100,
    },
    fill,
  );
  const words = el("span", { class: "gw-meter-left" });
  const back = el("span", { class: "gw-meter-back gw-dim" });
  return {
    nodes: [track, words, back],
    show(part, text, after) {
      const percent = Math.min(Math.max(part, 0), 1) * 100;
      fill.style.width = `${percent.toFixed(1)}%`;
      fill.dataset.level = level(part);
      track.setAttribute("aria-valuenow", percent.toFixed(0));
      track.setAttribute("aria-valuetext", `${percent.toFixed(0)}% used, ${text}`);
      if (words.textContent !== text) words.textContent = text;
      if (back.textContent !== after) back.textContent = after;
    },
  };
}

/** One limit, carried forward from the moment at which it was told. */
function limitRow(limit, told) {
  const { nodes, show } = bar(limit.name, limit.meaning);
  const source = limit.source === "server" ? "server" : "catalogue";
  const why =
    source === "server"
      ? "As the server told with its last reply, carried forward"
      : "The free plan's limit by the catalogue; what is used is counted on this machine";
  const row = el(
    "div",
    { class: "gw-meter-row" },
    el("span", { class: "gw-meter-name", title: limit.meaning }, limit.name),
    ...nodes,
    el("span", { class: "gw-meter-source gw-dim", title: why }, source),
  );
  const tick = (now) => {
    const passed = (now - told) / 1000;
    let left = limit.remaining;
    let after = "";
    if (limit.resets_in !== null) {
      const part = limit.resets_in > 0 ? Math.min(passed / limit.resets_in, 1) : 1;
      left += (limit.limit - limit.remaining) * part;
      if (part < 1 && left < limit.limit) after = `all back in ${span(limit.resets_in - passed)}`;
    }
    show(1 - left / limit.limit, `${number(left)} of ${number(limit.limit)} left`, after);
  };
  return { row, tick };
}

export default define({
  label: "Usage meter",
  render(gn) {
    const budget = el("div", { class: "gw-meter-budget", hidden: true });
    const cards = el("div", { class: "gw-meter-cards" });
    const spent = el("span", { class: "gw-dim gw-grow" });
    const refresh = button("Refresh", { title: "Look at the limits again" });
    gn.root.insertBefore(budget, gn.controls);
    gn.root.insertBefore(cards, gn.controls);
    gn.controls.append(el("div", { class: "gw-row" }, spent, refresh));
    let ticks = [];

    function showBudget(told) {
      budget.hidden = !told;
      if (!told) return;
      const { nodes, show } = bar("Budget", `of ${told.limit} a day`);
      const held = told.held ? `, ${told.held} held for calls under way` : "";
      const name = told.notional ? "Budget (notional)" : "Budget";
      budget.replaceChildren(el("b", {}, name), ...nodes);
      show(told.part, `${told.spent} of ${told.limit} spent today${held}`, "");
      budget.title = told.notional
        ? "Calls of the local engine count at the cloud's prices; nothing is paid."
        : `For ${told.scope}`;
    }

    function draw() {
      const state = gn.model.get("state");
      const told = Date.now();
      const models = state.models ?? [];
      ticks = [];
      cards.replaceChildren(
        ...models.map(({ model, where, limits }) => {
          const rows = limits.map((limit) => limitRow(limit, told));
          ticks.push(...rows.map(({ tick }) => tick));
          const place = PLACES[where] ?? where;
          return el(
            "section",
            { class: "gw-meter-card", "aria-label": `${model}, ${place}` },
            el("div", { class: "gw-meter-head" }, el("b", {}, model), el("span", { class: "gw-dim" }, place)),
            ...rows.map(({ row }) => row),
          );
        }),
      );
      if (!models.length)
        cards.append(
          el("p", { class: "gw-dim" }, "No model was asked in the last day; limits show up with the first call."),
        );
      showBudget(state.budget);
      spent.textContent = state.spent ? `${state.spent} spent today by this kernel` : "";
      tickAll();
    }

    function tickAll() {
      const now = Date.now();
      for (const tick of ticks) tick(now);
    }

    gn.listen(refresh, "click", () => gn.link.ask("refresh").catch((error) => gn.fail(error.message)));
    gn.on("change:state", draw);
    const timer = setInterval(tickAll, 1000);
    gn.onClose(() => clearInterval(timer));
    draw();
    // A page that opens may have numbers of an hour ago; one that goes needs none any more.
    const view = freshId();
    gn.link.ask("seen", { view }).catch(() => {});
    gn.onClose(() => {
      try {
        // Not by the link, which is closed already.
        gn.model.send({ kind: "gn-ask", id: freshId(), what: "gone", content: { view } });
      } catch {
        // Then it is followed on, for nobody.
      }
    });
  },
});
