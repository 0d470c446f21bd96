// Images for a question: chosen, dropped, pasted, photographed or fetched; in order, and shrunk here
// until one request takes them. The Python half is `image_picker.py`.
import { Closed, button, bytesText, define, el, freshId } from "./shared.js";
import { Camera } from "./camera.js";
import { IMAGE_TYPES, imageBitmap, imageFacts, imageFits, imageShares, imageThumb, imageWithin } from "./images.js";

const REORDER = "application/x-groqnb-picked";
const numbers = new Intl.NumberFormat("en");

export default define({
  label: "Image picker",
  render: (gn) => new Picker(gn),
});

class Picker {
  #gn;
  #here = new Map(); // id -> {blob, facts, sent}: what this page still has the source of
  #pending = []; // {id, name, doing}: not in the kernel yet
  #queue = Promise.resolve(); // files are worked on one after the other, so that they keep their order
  #cards = new Map(); // id -> its element
  #order = null; // ids as the person has just put them, until the kernel says the same

  constructor(gn) {
    this.#gn = gn;
    this.#build();
    gn.on("change:items", () => this.#show());
    this.#show();
  }

  // --- the page

  #build() {
    const gn = this.#gn;
    this.file = el("input", {
      type: "file",
      multiple: true,
      hidden: true,
      accept: [...Object.values(IMAGE_TYPES), "image/*"].join(","),
      "aria-label": "Image files",
    });
    this.choose = button("Add images…", { class: "gw-primary" });
    this.webcam = button("Camera", { "aria-expanded": "false" });
    this.web = button("From a URL…", { "aria-expanded": "false" });
    const hint = el("span", { class: "gw-dim gw-picker-hint" }, "or drop some here, or click here and paste");
    this.zone = el(
      "div",
      { class: "gw-row gw-picker-zone", tabindex: "0", role: "group", "aria-label": "Add images: drop or paste them here" },
      this.choose,
      this.webcam,
      this.web,
      hint,
    );
    this.camera = new Camera(gn, {
      take: (blob, name) => this.#add(blob, name, "camera"),
      opened: (open, wasInside) => {
        this.webcam.setAttribute("aria-expanded", String(open));
        if (wasInside) this.webcam.focus();
      },
    });
    this.url = el("input", { type: "url", class: "gw-grow", placeholder: "https://…", "aria-label": "Address of an image" });
    this.form = el("form", { class: "gw-row gw-picker-url", hidden: true }, this.url, el("button", { type: "submit" }, "Add"));
    this.list = el("ol", { class: "gw-picker-list", "aria-label": "Picked images" });
    this.meter = el("meter", { min: 0, "aria-label": "Size of all images together, of what a request may hold" });
    this.sum = el("span", { class: "gw-dim" });
    this.undo = button("Undo", { hidden: true });
    const total = el("div", { class: "gw-row gw-picker-total" }, this.meter, this.sum, this.undo);
    gn.root.classList.add("gw-picker");
    gn.controls.append(this.file, this.zone, this.form, this.camera.node, this.list, total);

    gn.listen(this.choose, "click", () => this.file.click());
    gn.listen(this.file, "change", () => {
      this.#addAll([...this.file.files], "upload");
      this.file.value = "";
    });
    gn.listen(this.webcam, "click", () => this.camera.toggle());
    gn.listen(this.web, "click", () => this.#openForm(this.form.hidden));
    gn.listen(this.form, "submit", (event) => {
      event.preventDefault();
      if (this.url.value.trim()) this.#addAddress(this.url.value.trim());
      this.#openForm(false);
    });
    gn.listen(this.form, "keydown", (event) => event.key === "Escape" && this.#openForm(false));
    gn.listen(this.undo, "click", () => this.#putBack());
    gn.listen(gn.root, "paste", (event) => this.#pasted(event));
    for (const type of ["dragenter", "dragover", "dragleave", "drop"])
      gn.listen(gn.root, type, (event) => this.#dragged(event));
  }

  #openForm(open) {
    this.form.hidden = !open;
    this.web.setAttribute("aria-expanded", String(open));
    if (open) this.url.focus();
    else if (this.form.contains(document.activeElement)) this.web.focus();
    this.url.value = "";
  }

  // --- what comes in

  #pasted(event) {
    if (this.#off || event.target === this.url) return;
    const files = [...event.clipboardData.files];
    const text = event.clipboardData.getData("text/plain").trim();
    if (files.length) this.#addAll(files, "paste");
    else if (isAddress(text)) this.#addAddress(text);
    else this.#gn.fail("What was pasted is no image, and no address of one.");
    event.preventDefault();
  }

  #dragged(event) {
    const { dataTransfer, type } = event;
    if (dataTransfer.types.includes(REORDER)) return; // a card of ours
    event.preventDefault();
    event.stopPropagation(); // Jupyter would take the file for the notebook
    if (this.#off) return;
    const out = type === "dragleave" && !this.#gn.root.contains(event.relatedTarget);
    this.#gn.root.classList.toggle("gw-drop", type !== "drop" && !out);
    if (type !== "drop") return;
    const files = [...dataTransfer.files];
    const address = dataTransfer.getData("text/uri-list").split("\n")[0].trim();
    if (files.length) this.#addAll(files, "drop");
    else if (isAddress(address)) this.#addAddress(address);
    else this.#gn.fail("What was dropped is no image.");
  }

  get #off() {
    return this.#gn.controls.disabled;
  }

  #addAll(files, source) {
    this.#gn.fail("");
    files.forEach((file, index) => this.#add(file, nameOf(file, source, index), source));
  }

  #add(blob, name, source) {
    this.#later(name, "reading", (pending) => this.#take(blob, pending, source));
  }

  #addAddress(url) {
    this.#gn.fail("");
    const name = /^data:/i.test(url) ? "picture" : (url.split(/[?#]/)[0].split("/").pop() || url).slice(0, 80);
    this.#later(name, "fetching", async (pending) => this.#take(await this.#fetched(url), pending, "url"));
  }

  /** Work on one image after those before it, and show meanwhile what is going on. */
  #later(name, doing, work) {
    const pending = { id: freshId(), name, doing };
    this.#await([...this.#pending, pending]);
    this.undo.hidden = true;
    this.#next(async () => {
      try {
        await work(pending);
      } catch (error) {
        this.#here.delete(pending.id);
        throw error;
      } finally {
        this.#await(this.#pending.filter((each) => each !== pending));
      }
    });
  }

  #next(work) {
    this.#queue = this.#queue.then(work).catch((error) => {
      if (!(error instanceof Closed)) this.#failToo(error.message);
    });
  }

  #await(pending) {
    this.#pending = pending;
    // So that Python can say that something is still on its way.
    if (!this.#gn.signal.aborted) this.#gn.set("coming", pending.length);
    this.#show();
  }

  #failToo(message) {
    const said = this.#gn.root.querySelector(".gw-alert").textContent;
    this.#gn.fail(said ? `${said}\n${message}` : message);
  }

  /** The kernel fetches: a page may not ask other machines, and often cannot. */
  async #fetched(url) {
    if (/^data:/i.test(url)) return fromDataUrl(url);
    const { link, model, signal } = this.#gn;
    const name = `fetched-${freshId()}`;
    await link.ask("fetch", { url, name });
    const offered = () => model.get("_gn_offers")[name];
    let look;
    await new Promise((resolve, reject) => {
      look = () => offered() && resolve();
      model.on("change:_gn_offers", look);
      signal.addEventListener("abort", () => reject(new Closed("closed")));
      look();
    }).finally(() => model.off("change:_gn_offers", look));
    try {
      const offer = offered();
      if (offer.problem) throw new Error(offer.problem);
      return await link.fetch(name);
    } finally {
      link.ask("fetched", { name }).catch(() => {});
    }
  }

  async #take(blob, pending, source) {
    const { id, name } = pending;
    const most = this.#gn.model.get("most");
    if (this.#items.length >= most)
      throw new Error(`${name} was not added: at most ${most === 1 ? "1 image is" : `${most} images are`} taken. Remove one first.`);
    const facts = await imageFacts(blob, name);
    const bitmap = await imageBitmap(blob, facts, name);
    try {
      Object.assign(facts, { width: facts.width ?? bitmap.width, height: facts.height ?? bitmap.height });
      const thumb = await base64(await imageThumb(bitmap));
      this.#here.set(id, { blob, facts, sent: null });
      const shares = this.#shares(id);
      const sent = await this.#within(id, bitmap, shares.get(id), pending);
      await this.#send(id, sent, { name, source, thumb }, pending);
    } finally {
      bitmap.close();
    }
    await this.#refit(id);
  }

  /** Bytes for each image that this page can shrink, so that all of them fit one request. */
  #shares(extra) {
    const items = this.#items;
    const own = [...new Set([...items.map((item) => item.id), extra])].filter((id) => this.#here.has(id));
    const others = items.filter((item) => !this.#here.has(item.id));
    const { bytes, pixels } = this.#gn.model.get("limits");
    const taken = others.reduce((sum, item) => sum + item.size, 0);
    // What came from Python stays as it is, but the others keep their fair part.
    const room = Math.max(bytes - taken, (bytes * own.length) / (own.length + others.length));
    const sizes = own.map((id) => {
      const { blob, facts } = this.#here.get(id);
      return imageFits(blob, facts, { bytes, pixels }) ? blob.size : Infinity;
    });
    return new Map(imageShares(sizes, room).map((share, index) => [own[index], share]));
  }

  async #within(id, bitmap, share, pending) {
    const here = this.#here.get(id);
    const { blob, facts } = here;
    here.share = share;
    const most = { bytes: share, pixels: this.#gn.model.get("limits").pixels };
    if (!imageFits(blob, facts, most)) this.#does(pending, "shrinking");
    return imageWithin(blob, facts, bitmap, most);
  }

  /** Others may have to be smaller now that one more has come, or may be larger without it. */
  async #refit(extra) {
    for (const [id, share] of this.#shares(extra)) {
      const here = this.#here.get(id);
      const item = this.#items.find((each) => each.id === id);
      if (!item || !here.sent) continue;
      const tight = here.sent.blob.size > share;
      const roomy = here.sent.blob !== here.blob && share > 1.3 * here.share;
      if (!tight && !roomy) continue;
      const bitmap = await imageBitmap(here.blob, here.facts, item.name);
      const { name, source } = item;
      try {
        await this.#send(id, await this.#within(id, bitmap, share), { name, source });
      } finally {
        bitmap.close();
      }
    }
  }

  async #send(id, sent, about, pending) {
    const here = this.#here.get(id);
    const shrunk = sent.blob !== here.blob;
    here.sent = sent;
    const { link, model } = this.#gn;
    if (shrunk && !here.kept && model.get("keep_originals")) {
      await this.#upload(link.upload("original"), here.blob, { id }, pending);
      here.kept = true;
    }
    const before = shrunk ? { ...here.facts, size: here.blob.size } : null;
    await this.#upload(link.upload("image"), sent.blob, { id, before, ...about }, pending);
  }

  async #upload(upload, blob, meta, pending) {
    upload.onProgress = (done, size) => this.#does(pending, size > 1e6 ? `sending, ${Math.round((100 * done) / size)} %` : "sending");
    this.#does(pending, "sending");
    upload.write(await blob.arrayBuffer());
    await upload.finish(meta);
  }

  #does(pending, doing) {
    if (!pending) return;
    pending.doing = doing;
    const card = this.#cards.get(pending.id);
    if (card) card.querySelector(".gw-picker-facts").textContent = `${doing} …`;
  }

  // --- order

  get #items() {
    const items = this.#gn.model.get("items");
    if (!this.#order) return items;
    const place = new Map(this.#order.map((id, index) => [id, index]));
    return [...items].sort((a, b) => (place.get(a.id) ?? 99) - (place.get(b.id) ?? 99));
  }

  async #move(id, to) {
    const ids = this.#items.map((item) => item.id);
    const from = ids.indexOf(id);
    if (from < 0 || to < 0 || to >= ids.length || from === to) return;
    ids.splice(to, 0, ...ids.splice(from, 1));
    this.#order = ids;
    this.#show();
    this.#gn.say(`Image ${from + 1} is now number ${to + 1} of ${ids.length}.`);
    await this.#tell("order", { ids });
    if (this.#order === ids) this.#order = null;
    this.#show();
  }

  async #remove(id) {
    const items = this.#items;
    const index = items.findIndex((item) => item.id === id);
    const next = items[index + 1] ?? items[index - 1];
    if (!(await this.#tell("remove", { id }))) return;
    this.#gn.say(`${items[index].name} was removed.`);
    this.undo.hidden = false;
    this.#next(() => this.#refit());
    (next ? this.#cards.get(next.id)?.querySelector(".gw-picker-remove") : this.choose)?.focus();
  }

  async #putBack() {
    this.undo.hidden = true;
    this.zone.focus();
    if (!(await this.#tell("undo"))) return;
    this.#gn.say("It is back.");
    this.#next(() => this.#refit());
  }

  async #tell(what, content) {
    this.#gn.fail("");
    try {
      return await this.#gn.link.ask(what, content);
    } catch (error) {
      if (!(error instanceof Closed)) this.#gn.fail(error.message);
      return null;
    }
  }

  // --- what is to be seen

  #show() {
    const items = this.#items;
    const known = new Set(items.map((item) => item.id));
    const pending = this.#pending.filter((each) => !known.has(each.id));
    const cards = [
      ...items.map((item, index) => this.#card(item.id, item, index, items.length)),
      ...pending.map((each) => this.#card(each.id, null, 0, 0, each)),
    ];
    const focused = this.list.contains(document.activeElement) ? document.activeElement : null;
    const now = [...this.list.children];
    if (cards.length !== now.length || cards.some((card, index) => card !== now[index])) this.list.replaceChildren(...cards);
    focused?.isConnected && focused.focus();
    for (const id of [...this.#cards.keys()])
      if (!known.has(id) && !pending.some((each) => each.id === id)) this.#cards.delete(id);
    this.list.hidden = !cards.length;
    this.list.setAttribute("aria-busy", String(this.#pending.length > 0));
    this.#showTotal(items);
  }

  #card(id, item, index, count, pending) {
    const key = item ? JSON.stringify([item.name, item.size, item.width, item.thumb.length]) : "pending";
    let card = this.#cards.get(id);
    if (!card || card.dataset.key !== key) {
      const active = card?.contains(document.activeElement) ? document.activeElement.className : "";
      card = item ? this.#madeCard(item) : pendingCard(pending);
      card.dataset.key = key;
      this.#cards.set(id, card);
      if (active) queueMicrotask(() => card.querySelector(`.${active.split(" ")[0]}`)?.focus());
    }
    if (item) {
      card.querySelector(".gw-picker-number").textContent = `${index + 1}`;
      // Not `disabled`, which would lose the focus when a card reaches an end.
      card.querySelector(".gw-picker-sooner").setAttribute("aria-disabled", String(index === 0));
      card.querySelector(".gw-picker-later").setAttribute("aria-disabled", String(index === count - 1));
    }
    return card;
  }

  #madeCard(item) {
    const gn = this.#gn;
    const { id, name } = item;
    const place = () => this.#items.findIndex((each) => each.id === id);
    const sign = (face, kind, label, act) => {
      const made = button(face, { class: `gw-picker-${kind}`, "aria-label": `${label}: ${name}`, title: label });
      gn.listen(made, "click", act);
      return made;
    };
    const picture = item.thumb
      ? el("img", { src: item.thumb, alt: name, draggable: false })
      : el("span", { class: "gw-dim" }, item.kind);
    const card = el(
      "li",
      { class: "gw-picker-card", draggable: true },
      el("div", { class: "gw-picker-frame" }, picture, el("span", { class: "gw-picker-number" })),
      el("div", { class: "gw-picker-name", title: name }, name),
      el("div", { class: "gw-picker-facts" }, facts(item)),
      item.before ? el("div", { class: "gw-dim gw-picker-before" }, shrunk(item)) : null,
      el(
        "div",
        { class: "gw-picker-signs" },
        sign("◀", "sooner", "Earlier", () => this.#move(id, place() - 1)),
        sign("▶", "later", "Later", () => this.#move(id, place() + 1)),
        sign("✕", "remove", "Remove", () => this.#remove(id)),
      ),
    );
    gn.listen(card, "keydown", (event) => {
      const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (step && event.altKey) this.#move(id, place() + step);
      else if (step) this.#focusBeside(card, step);
      else if (event.key === "Delete") this.#remove(id);
      else return;
      event.preventDefault();
    });
    gn.listen(card, "dragstart", (event) => {
      event.dataTransfer.setData(REORDER, id);
      event.dataTransfer.effectAllowed = "move";
      event.stopPropagation();
    });
    gn.listen(card, "dragover", (event) => {
      if (!event.dataTransfer.types.includes(REORDER)) return;
      event.preventDefault();
      event.stopPropagation();
    });
    gn.listen(card, "drop", (event) => {
      const other = event.dataTransfer.getData(REORDER);
      if (!other) return;
      event.preventDefault();
      event.stopPropagation();
      this.#move(other, place());
    });
    return card;
  }

  #focusBeside(card, step) {
    const active = document.activeElement.className.split(" ")[0];
    const beside = step < 0 ? card.previousElementSibling : card.nextElementSibling;
    beside?.querySelector(`.${active}`)?.focus();
  }

  #showTotal(items) {
    const { bytes, pixels } = this.#gn.model.get("limits");
    const most = this.#gn.model.get("most");
    const size = items.reduce((sum, item) => sum + item.size, 0);
    Object.assign(this.meter, { max: bytes, high: bytes * 0.999, value: size });
    const largest = Math.max(0, ...items.map((item) => item.width * item.height));
    const parts = [`${items.length} of ${most} image${most === 1 ? "" : "s"}`, `${bytesText(size)} of ${bytesText(bytes)}`];
    if (largest) parts.push(`largest ${megapixels(largest)} of ${megapixels(pixels)} megapixels`);
    if (size > bytes) parts.push("too much for one request: shrunk further when it is sent");
    this.sum.textContent = parts.join(" · ");
  }
}

function pendingCard({ name, doing }) {
  return el(
    "li",
    { class: "gw-picker-card", "aria-busy": "true" },
    el("div", { class: "gw-picker-frame" }, el("span", { class: "gw-picker-wait", "aria-hidden": "true" })),
    el("div", { class: "gw-picker-name", title: name }, name),
    el("div", { class: "gw-picker-facts" }, `${doing} …`),
  );
}

const pixelsText = ({ width, height }) => `${numbers.format(width)} × ${numbers.format(height)}`;
const facts = (item) => `${item.kind}, ${pixelsText(item)}, ${bytesText(item.size)}`;

function shrunk({ kind, width, height, before }) {
  if (before.width === width && before.height === height && before.kind === kind) return `recoded, was ${bytesText(before.size)}`;
  if (before.width === width && before.height === height) return `made a ${kind}, was ${before.kind}, ${bytesText(before.size)}`;
  return `shrunk, was ${pixelsText(before)}, ${bytesText(before.size)}`;
}

const megapixels = (pixels) => (pixels < 1e5 ? "0.1" : (pixels / 1e6).toFixed(pixels < 1e7 ? 1 : 0));

function fromDataUrl(url) {
  const comma = url.indexOf(",");
  try {
    const [head, text] = [url.slice(0, comma), url.slice(comma + 1)];
    const raw = /;base64$/i.test(head) ? atob(text) : decodeURIComponent(text);
    return new Blob([Uint8Array.from(raw, (letter) => letter.charCodeAt(0))]);
  } catch {
    throw new Error("This data: URL is broken.");
  }
}

const isAddress = (text) => /^(https?:\/\/\S+|data:image\/\S+)$/i.test(text);

function nameOf(file, source, index) {
  if (source !== "paste" && file.name) return file.name;
  const ending = file.name?.split(".").pop() ?? "png";
  return `pasted${index ? `-${index + 1}` : ""}.${ending}`;
}

async function base64(blob) {
  const bytes = new Uint8Array(await blob.arrayBuffer());
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
}
