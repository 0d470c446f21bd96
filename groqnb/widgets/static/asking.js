// What widgets have in common that ask a model: which one, and how it should behave.
import { el } from "./shared.js";

const PATIENCE = 2000; // ms until it is said why nothing happens
const WAITS = "The kernel is busy with a cell. This is done as soon as it is free.";

/** Ask the kernel; true where it agreed. What it refuses is shown, and that it is busy. */
export async function askKernel(gn, what, content = {}) {
  if (!gn.alive) {
    gn.fail("There is no kernel to ask. Run the cell again.");
    return false;
  }
  gn.fail("");
  // With ipykernel 6, and where a front end knows no subshells, messages wait for a running cell.
  let told = false;
  const slow = setTimeout(() => {
    told = true;
    gn.say(WAITS);
  }, PATIENCE);
  try {
    await gn.link.ask(what, content);
    return true;
  } catch (error) {
    gn.fail(error.message);
    return false;
  } finally {
    clearTimeout(slow);
    if (told) gn.say("");
  }
}

/** The model to ask: those of the catalogue, and whichever was named. */
export function modelChoice(gn) {
  const choice = el("select", { "aria-label": "Model" });
  const show = () => {
    const [now, known] = [gn.model.get("model"), gn.model.get("models")];
    const names = known.includes(now) ? known : [now, ...known];
    choice.replaceChildren(...names.map((name) => el("option", { value: name, selected: name === now }, name)));
  };
  gn.on("change:model", show);
  gn.on("change:models", show);
  gn.listen(choice, "change", () => gn.set("model", choice.value));
  show();
  return choice;
}

/** The system message, folded. */
export function systemMessage(gn) {
  const area = el("textarea", { rows: 2, "aria-label": "System message", placeholder: "How the model should behave" });
  const show = () => (area.value = gn.model.get("system") ?? "");
  gn.on("change:system", show);
  gn.listen(area, "change", () => gn.set("system", area.value.trim() ? area.value : null));
  show();
  return el("details", { class: "gw-asking-system" }, el("summary", {}, "System message"), area);
}
