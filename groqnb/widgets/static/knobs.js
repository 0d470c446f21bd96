// The parameters of a request as controls, with their documented ranges. What is not set is not
// sent; what a model does not support is disabled, and says why.
import { button, el } from "./shared.js";

export class Knobs {
  #gn;
  #knobs = new Map(); // name -> {parameter, set, adjust}

  constructor(gn) {
    this.#gn = gn;
    this.root = el("div", { class: "gw-knobs", role: "group", "aria-label": "Parameters" });
    for (const parameter of gn.model.get("controls")) this.#add(parameter);
    gn.on("change:controls", () => {
      this.root.replaceChildren();
      this.#knobs.clear();
      for (const parameter of gn.model.get("controls")) this.#add(parameter);
      this.#show();
    });
    gn.on("change:model", () => this.#show());
    gn.on("change:special", () => this.#show());
    gn.on("change:values", () => this.#show());
    this.#show();
  }

  reset() {
    this.#gn.set("values", {});
  }

  /** Take what is being typed into `box`, which tells of it only when it is left. */
  take(box) {
    if (this.root.contains(box) && box.matches("input[type=number], textarea")) box.dispatchEvent(new Event("change"));
  }

  /** Whether every box holds what may be sent; else the first that does not says so. */
  right() {
    return [...this.root.querySelectorAll("input[type=number]")].every(isRight);
  }

  #set(name, value) {
    const values = { ...this.#gn.model.get("values") };
    if (value === null) delete values[name];
    else values[name] = value;
    this.#gn.set("values", values);
  }

  #add(parameter) {
    const made = { number: slider, integer: whole, choice, switch: choice, lines }[parameter.kind](parameter, (value) =>
      this.#set(parameter.name, value),
    );
    const clear = button("Clear", { class: "gw-knob-clear", "aria-label": `Clear ${parameter.name}`, title: "Do not send it" });
    clear.addEventListener("click", () => {
      this.#set(parameter.name, null);
      made.nodes[0].focus();
    });
    const about = el("div", { class: "gw-knob-about gw-dim", id: `gw-${parameter.name}-${Math.random().toString(36).slice(2)}` });
    const label = el("span", { class: "gw-knob-name" }, parameter.name);
    for (const node of made.nodes) node.setAttribute("aria-describedby", about.id);
    const row = el("div", { class: "gw-knob" }, el("div", { class: "gw-knob-head" }, label, clear), el("div", { class: "gw-knob-row" }, ...made.nodes), about);
    this.#knobs.set(parameter.name, { parameter, ...made, clear, about, row });
    this.root.append(row);
  }

  #show() {
    const { model } = this.#gn;
    const special = model.get("special")[model.get("model")] ?? {};
    const values = model.get("values");
    for (const [name, knob] of this.#knobs) {
      const own = special[name] ?? {};
      const value = values[name] ?? null;
      const limits = { ...knob.parameter, ...own };
      knob.show(value, limits);
      const why = own.why ?? "";
      // A value that is set can be cleared, also where the model does not take it.
      for (const node of knob.nodes) node.disabled = Boolean(why);
      knob.clear.hidden = value === null;
      knob.row.classList.toggle("gw-knob-off", Boolean(why));
      knob.about.textContent = why || `${knob.parameter.about}${range(limits)}`;
    }
  }
}

function range({ kind, low, high, default: usual }) {
  const parts = [];
  if (kind === "number" || kind === "integer") {
    if (high !== null && high !== undefined) parts.push(`${low} to ${high.toLocaleString("en")}`);
    else if (low !== null) parts.push(`at least ${low}`);
  }
  if (usual !== null && usual !== undefined) parts.push(`default ${usual}`);
  return parts.length ? ` (${parts.join(", ")})` : "";
}

function numberBox({ name, kind }, set) {
  const box = el("input", { type: "number", "aria-label": name, step: kind === "integer" ? 1 : 0.01 });
  box.addEventListener("change", () => {
    if (isRight(box)) set(box.value === "" ? null : Number(box.value));
  });
  return box;
}

// Between two steps of its arrows is a number as good as any; a whole one has to be whole.
function isRight(box) {
  const { badInput, rangeOverflow, rangeUnderflow, stepMismatch } = box.validity;
  const wrong = badInput || rangeOverflow || rangeUnderflow || (stepMismatch && box.step === "1");
  return !box.willValidate || !wrong || box.reportValidity();
}

function bound(box, { low, high, default: usual }) {
  if (low !== null && low !== undefined) box.min = low;
  else box.removeAttribute("min");
  if (high !== null && high !== undefined) box.max = high;
  else box.removeAttribute("max");
  if (box.type === "number") box.placeholder = usual === null || usual === undefined ? "not set" : String(usual);
}

function slider(parameter, set) {
  const slide = el("input", { type: "range", "aria-label": `${parameter.name}, slider`, step: 0.01 });
  const box = numberBox(parameter, set);
  slide.addEventListener("input", () => (box.value = slide.value));
  slide.addEventListener("change", () => set(Number(slide.value)));
  const show = (value, limits) => {
    bound(slide, limits);
    bound(box, limits);
    slide.value = value ?? limits.default ?? limits.low;
    box.value = value ?? "";
  };
  return { nodes: [box, slide], show };
}

function whole(parameter, set) {
  const box = numberBox(parameter, set);
  const show = (value, limits) => {
    bound(box, limits);
    box.value = value ?? "";
  };
  return { nodes: [box], show };
}

function choice(parameter, set) {
  const box = el("select", { "aria-label": parameter.name });
  const isSwitch = parameter.kind === "switch";
  box.addEventListener("change", () => {
    if (box.value === "") set(null);
    else set(isSwitch ? box.value === "true" : box.value);
  });
  const show = (value, { choices, default: usual }) => {
    const names = isSwitch ? ["true", "false"] : choices;
    const none = usual === null || usual === undefined ? "not set" : `not set (${usual})`;
    const now = value === null ? "" : typeof value === "object" ? value.type : String(value);
    box.replaceChildren(
      el("option", { value: "", selected: now === "" }, none),
      ...names.map((name) => el("option", { value: name, selected: name === now }, name)),
    );
    if (now && !names.includes(now)) box.append(el("option", { value: now, selected: true }, now));
  };
  return { nodes: [box], show };
}

function lines(parameter, set) {
  const box = el("textarea", { rows: 2, "aria-label": parameter.name, placeholder: "one a line" });
  box.addEventListener("change", () => {
    const found = box.value.split("\n").filter((line) => line);
    set(found.length ? found : null);
  });
  const show = (value) => {
    if (document.activeElement !== box) box.value = value === null ? "" : [].concat(value).join("\n");
  };
  return { nodes: [box], show };
}
