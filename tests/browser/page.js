// What the tests ask of the JupyterLab page, as `window.probe`; loaded before Lab's own scripts.
window.probe = (() => {
  const panel = () => window.jupyterapp.shell.currentWidget;
  const kernel = () => panel().sessionContext.session?.kernel;
  const cell = (i) => panel().content.widgets[i];
  const outputArea = (i) => cell(i).outputArea.node;
  const watchers = new Map(); // cell -> {on, moments}
  const ends = []; // ms at which the kernel had done with an execution, newest last
  let listening = false;
  let pressed = Infinity; // ms of the last press of a mouse button anywhere
  let run = null; // the run that was asked for last: {done, error}

  // Lab's toolbar acts when the button goes down, so the "click" may come after the effect.
  document.addEventListener("mousedown", () => (pressed = performance.now()), true);

  function opened() {
    const widget = window.jupyterapp?.shell?.currentWidget;
    return Boolean(widget?.context?.isReady && widget.content.widgets.length);
  }

  function ready() {
    if (!opened() || !panel().sessionContext.isReady || kernel()?.status !== "idle") return false;
    if (!listening) panel().sessionContext.iopubMessage.connect((_, message) => hear(message));
    listening = true;
    return true;
  }

  // Not the kernel's status as Lab shows it: what a debugger asks beside a running cell makes
  // that idle too, and then nothing changes when the cell ends.
  function hear({ header, parent_header: parent, content }) {
    const idle = header.msg_type === "status" && content.execution_state === "idle";
    if (idle && parent.msg_type === "execute_request") ends.push(performance.now());
  }

  // Both moments are taken in the page, so the tests' own polling is not in the number.
  function idleAfterPress() {
    const end = ends.find((at) => at > pressed);
    return end ? end - pressed : null;
  }

  function execute(command) {
    const mine = { done: false, error: null };
    run = mine;
    window.jupyterapp.commands.execute(command).then(
      () => (mine.done = true),
      (error) => Object.assign(mine, { done: true, error: String(error) }),
    );
  }

  function select(i) {
    const notebook = panel().content;
    notebook.deselectAll();
    notebook.activeCellIndex = i;
  }

  // The text under a cell; `without` selects parts of it that do not count.
  function text(area, without) {
    const copy = area.cloneNode(true);
    copy.querySelectorAll(without || "style").forEach((part) => part.remove());
    return copy.textContent;
  }

  // Looks at the output of cell i in every animation frame, as a reader's eye would, and keeps
  // each moment at which something had changed: text, height in px, how many outputs there are.
  function watch(i, without) {
    const watcher = { on: true, moments: [] };
    const look = () => {
      if (!watcher.on) return;
      const area = outputArea(i);
      const seen = text(area, without);
      const areas = area.querySelectorAll(".jp-OutputArea-output").length;
      const last = watcher.moments.at(-1);
      if (!last || last.text !== seen || last.areas !== areas)
        watcher.moments.push({ at: performance.now(), text: seen, areas, height: area.offsetHeight });
      requestAnimationFrame(look);
    };
    watchers.set(i, watcher);
    requestAnimationFrame(look);
  }

  const moments = (i) => watchers.get(i).moments;

  function watched(i) {
    watchers.get(i).on = false;
    return moments(i);
  }

  // WCAG's contrast between the text of an element and what is painted behind it: 1 to 21.
  function contrast(element) {
    const behind = [];
    for (let node = element; node; node = node.parentElement) {
      behind.unshift(rgba(getComputedStyle(node).backgroundColor));
    }
    const paper = behind.reduce(over, [255, 255, 255, 1]);
    const ink = over(paper, rgba(getComputedStyle(element).color));
    const [dark, light] = [luminance(paper), luminance(ink)].sort((a, b) => a - b);
    return (light + 0.05) / (dark + 0.05);
  }

  function rgba(colour) {
    const context = new OffscreenCanvas(1, 1).getContext("2d");
    context.fillStyle = colour;
    context.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = context.getImageData(0, 0, 1, 1).data;
    return [r, g, b, a / 255];
  }

  function over(below, above) {
    const alpha = above[3];
    return [...above.slice(0, 3).map((v, i) => v * alpha + below[i] * (1 - alpha)), 1];
  }

  function luminance(colour) {
    const [r, g, b] = colour
      .slice(0, 3)
      .map((v) => v / 255)
      .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  }

  function painted(i) {
    const { node } = cell(i);
    return node.isConnected && node.firstElementChild.checkVisibility({ contentVisibilityAuto: true });
  }

  function seen(i, selector) {
    const area = outputArea(i);
    const parts = selector ? [...area.querySelectorAll(selector)] : [area];
    return parts.map((part) => part.innerText).join("\n");
  }

  // Runs code beside the notebook, with no cell and no history; what it printed.
  async function evaluate(code) {
    let printed = "";
    const future = kernel().requestExecute({ code, store_history: false });
    future.onIOPub = ({ header, content }) => {
      if (header.msg_type === "stream") printed += content.text;
      if (header.msg_type === "error") printed += `${content.ename}: ${content.evalue}`;
    };
    await future.done;
    return printed;
  }

  return {
    cell,
    contrast,
    evaluate,
    execute,
    idleAfterPress,
    kernel,
    moments,
    opened,
    outputArea,
    painted,
    panel,
    ready,
    seen,
    select,
    watch,
    watched,
    finished: () => run !== null && run.done,
    failure: () => run?.error ?? null,
    outputs: (i) => panel().content.model.cells.get(i).outputs.toJSON(),
    trusted: (i) => panel().content.model.cells.get(i).trusted,
    sources: () => panel().content.widgets.map((each) => each.model.sharedModel.getSource()),
  };
})();
