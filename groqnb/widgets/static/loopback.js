// A widget in a tab of its own: its model speaks with the kernel by HTTP; see loopback.py.
const listeners = new Map();
const changed = new Set();
const emit = (event, ...what) => [...(listeners.get(event) ?? [])].forEach((hear) => hear(...what));
const own = {
  comm_live: true,
  on: (_, hear) => (own.hear = hear),
  off: () => (own.hear = null),
};
let state = {};
let chain = Promise.resolve(); // messages arrive in the order in which they were sent

async function post(path, body) {
  const reply = await fetch(path, { method: "POST", body });
  if (!reply.ok) throw new Error(`HTTP ${reply.status}`);
}

function live(is) {
  if (own.comm_live === is) return;
  own.comm_live = is;
  own.hear?.();
}

const model = {
  get: (name) => state[name],
  set(name, value) {
    state[name] = value;
    changed.add(name);
    emit(`change:${name}`);
  },
  save_changes() {
    const part = Object.fromEntries([...changed].map((name) => [name, state[name]]));
    changed.clear();
    chain = chain.then(() => post("set", JSON.stringify(part))).catch(() => {});
  },
  on: (event, hear) => listeners.set(event, [...(listeners.get(event) ?? []), hear]),
  off: (event, hear) =>
    listeners.set(event, (listeners.get(event) ?? []).filter((each) => each !== hear)),
  send(content, _, buffers = []) {
    const json = new TextEncoder().encode(JSON.stringify(content));
    const size = new DataView(new ArrayBuffer(4));
    size.setUint32(0, json.length);
    // What fails is not lost: whatever is not answered is sent again.
    chain = chain.then(() => post("send", new Blob([size, json, ...buffers]))).catch(() => {});
  },
  widget_manager: { get_model: async () => own },
};

function hear({ name, value, content, buffers }) {
  if (name !== undefined) {
    state[name] = value;
    emit(`change:${name}`);
  } else {
    const bytes = buffers.map((each) => Uint8Array.from(atob(each), (letter) => letter.charCodeAt(0)));
    emit("msg:custom", content, bytes);
  }
}

async function news(after) {
  for (;;) {
    try {
      const reply = await (await fetch(`events?${after}`)).json();
      live(!reply.closed);
      if (reply.closed) return;
      after = reply.after;
      reply.events.forEach(hear);
    } catch {
      live(false);
      await new Promise((resolve) => setTimeout(resolve, 2000));
    }
  }
}

const begin = await (await fetch("state")).json();
state = { ...begin.state, _gn_loopback: true };
const { default: widget } = await import(`./${begin.static}.js`);
const place = document.getElementById("widget");
const close = await widget.render({ model, el: place, signal: new AbortController().signal });
news(begin.after);
addEventListener("pagehide", () => {
  close?.();
  navigator.sendBeacon("close", "");
});
