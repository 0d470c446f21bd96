// What the tests ask of the JupyterLab page, as `window.probe`; loaded before Lab's own scripts.
window.probe = (() => {
  const panel = () => window.jupyterapp.shell.currentWidget;
  const kernel = () => panel().sessionContext.session?.kernel;
  const cell = (i) => panel().content.widgets[i];
  const outputArea = (i) => cell(i).outputArea.node;
  const statuses = []; // [ms, "busy" | "idle" | …], newest last
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
    if (!statuses.length) {
      statuses.push([performance.now(), "idle"]);
      panel().sessionContext.statusChanged.connect((_, status) =>
        statuses.push([performance.now(), status]),
      );
    }
    return true;
  }

  // Both moments are taken in the page, so the tests' own polling is not in the number.
  function idleAfterPress() {
    const idle = statuses.find(([at, status]) => at > pressed && status === "idle");
    return idle ? idle[0] - pressed : null;
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
    const moments = [];
    const look = () => {
      if (!watching.on) return;
      const area = outputArea(i);
      const seen = text(area, without);
      const areas = area.querySelectorAll(".jp-OutputArea-output").length;
      const last = moments.at(-1);
      if (!last || last.text !== seen || last.areas !== areas)
        moments.push({ at: performance.now(), text: seen, areas, height: area.offsetHeight });
      requestAnimationFrame(look);
    };
    const watching = { on: true, moments };
    window.probe.watching = watching;
    requestAnimationFrame(look);
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

  function watched() {
    window.probe.watching.on = false;
    return window.probe.watching.moments;
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
