// What the tests ask of the JupyterLab page, as `window.probe`; loaded before Lab's own scripts.
window.probe = (() => {
  const panel = () => window.jupyterapp.shell.currentWidget;
  const kernel = () => panel().sessionContext.session?.kernel;
  const cell = (i) => panel().content.widgets[i];
  const outputArea = (i) => cell(i).outputArea.node;
  const statuses = []; // [ms, "busy" | "idle" | …], newest last
  let clicked = Infinity; // ms of the last click anywhere
  let run = null; // the run that was asked for last: {done, error}

  document.addEventListener("click", () => (clicked = performance.now()), true);

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
  function idleAfterClick() {
    const idle = statuses.find(([at, status]) => at > clicked && status === "idle");
    return idle ? idle[0] - clicked : null;
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

  // Looks at the output of cell i in every animation frame, as a reader's eye would, and keeps
  // each moment at which something had changed: text, height in px, how many outputs there are.
  function watch(i, selector) {
    const moments = [];
    const look = () => {
      if (!watching.on) return;
      const area = outputArea(i);
      const parts = selector ? [...area.querySelectorAll(selector)] : [area];
      const text = parts.map((part) => part.textContent).join("");
      const areas = area.querySelectorAll(".jp-OutputArea-output").length;
      const last = moments.at(-1);
      if (!last || last.text !== text || last.areas !== areas)
        moments.push({ at: performance.now(), text, areas, height: area.offsetHeight });
      requestAnimationFrame(look);
    };
    const watching = { on: true, moments };
    window.probe.watching = watching;
    requestAnimationFrame(look);
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
    evaluate,
    execute,
    idleAfterClick,
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
