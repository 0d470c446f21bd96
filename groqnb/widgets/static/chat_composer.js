// Where questions are written: text, images by choice, paste and drop, and the voice.
import { button, el } from "./shared.js";
import { imageBitmap, imageFacts, imageThumb, imageWithin } from "./images.js";
import { Voice } from "./voice.js";

const LARGEST = { bytes: 2_800_000, pixels: 33_177_600 }; // the kernel looks again at all together
const MOST_IMAGES = 5;

export class Composer {
  #gn;
  #images = []; // {id, name, url, node}
  #voice = new Voice();
  #act;

  constructor(gn, act) {
    this.#gn = gn;
    this.#act = act;
    const { model } = gn;
    this.text = el("textarea", {
      class: "gw-chat-text-in",
      rows: 2,
      "aria-label": "Your question",
      placeholder: "Ask… (Enter sends, Shift+Enter makes a new line)",
    });
    this.text.value = model.get("draft");
    this.strip = el("div", { class: "gw-chat-strip", role: "list", "aria-label": "Images to send", hidden: true });
    this.file = el("input", { type: "file", accept: "image/*", multiple: true, hidden: true, "aria-label": "Image files" });
    this.add = button("Image", { "aria-label": "Add images", title: "Add images; pasting and dropping work too" });
    this.mic = button("Speak", { "aria-label": "Speak the question", "aria-pressed": "false" });
    this.go = button("Send", { class: "gw-primary gw-chat-go" });
    this.halt = button("Stop", { class: "gw-primary gw-chat-stop", hidden: true });
    this.#listen();
  }

  #listen() {
    const gn = this.#gn;
    const { model } = gn;
    gn.listen(this.text, "input", () => {
      model.set("draft", this.text.value); // stays with the widget when its view is made anew
      this.fit();
    });
    gn.listen(this.text, "change", () => gn.set("draft", this.text.value));
    gn.listen(this.text, "keydown", (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      this.send();
    });
    gn.listen(this.text, "paste", (event) => {
      const files = [...event.clipboardData.files];
      if (!files.length) return;
      event.preventDefault();
      this.attach(files);
    });
    gn.listen(this.go, "click", () => this.send());
    gn.listen(this.halt, "click", () => this.stop());
    gn.listen(this.add, "click", () => this.file.click());
    gn.listen(this.file, "change", () => {
      this.attach([...this.file.files]);
      this.file.value = "";
    });
    gn.listen(this.mic, "click", () => this.#speak());
    gn.listen(gn.root, "keydown", (event) => {
      if (event.key === "Escape" && !this.halt.hidden) this.stop();
    });
    gn.listen(gn.root, "dragover", (event) => {
      if (![...event.dataTransfer.types].includes("Files")) return;
      event.preventDefault();
      event.stopPropagation();
      gn.root.classList.add("gw-drop");
    });
    gn.listen(gn.root, "dragleave", () => gn.root.classList.remove("gw-drop"));
    gn.listen(gn.root, "drop", (event) => {
      gn.root.classList.remove("gw-drop");
      const files = [...event.dataTransfer.files];
      if (!files.length) return;
      event.preventDefault();
      event.stopPropagation();
      this.attach(files);
    });
    gn.on("msg:custom", (message) => {
      if (message.kind === "heard") this.#heard(message);
    });
    gn.onClose(() => {
      this.#voice.close();
      this.#images.forEach(({ url }) => url && URL.revokeObjectURL(url));
    });
  }

  /** The parts, for the panel to place. */
  get nodes() {
    return [this.strip, this.text, this.file];
  }

  /** As high as its text, up to a limit. */
  fit() {
    this.text.style.height = "auto";
    this.text.style.height = `${Math.min(this.text.scrollHeight + 2, 240)}px`;
  }

  busy(busy) {
    const focused = document.activeElement;
    this.go.hidden = busy;
    this.halt.hidden = !busy;
    this.halt.disabled = false;
    if (focused === this.go && busy) this.halt.focus();
    if (focused === this.halt && !busy) this.text.focus();
  }

  async send() {
    if (this.go.hidden || this.go.disabled) return;
    const text = this.text.value;
    const images = this.#images.map(({ id }) => id);
    this.go.disabled = true;
    // Only what was taken is cleared: a refused question stays to be mended.
    const sent = await this.#act("send", { text, images });
    this.go.disabled = false;
    if (!sent) return;
    if (this.text.value === text) this.#write("");
    for (const { url } of this.#images.splice(0)) if (url) URL.revokeObjectURL(url);
    this.#showImages();
  }

  stop() {
    this.halt.disabled = true;
    this.#act("stop");
  }

  #write(text) {
    this.text.value = text;
    this.#gn.set("draft", text);
    this.fit();
  }

  // --- images ---

  /** Images that the kernel has already; their pictures are gone with the page that had them. */
  restore(attached) {
    this.#images = attached.map(({ id, facts }) => ({ id, facts, url: null }));
    this.#showImages();
  }

  async attach(files) {
    this.#gn.fail("");
    for (const file of files) {
      const name = file.name || "the image";
      try {
        if (this.#images.length >= MOST_IMAGES) throw new Error(`A request holds at most ${MOST_IMAGES} images.`);
        await this.#attach(file, name);
      } catch (error) {
        this.#gn.fail(error.message);
      }
    }
  }

  async #attach(file, name) {
    const gn = this.#gn;
    gn.say(`Adding ${name}…`);
    try {
      const facts = await imageFacts(file, name);
      const bitmap = await imageBitmap(file, facts, name);
      const { blob } = await imageWithin(file, facts, bitmap, LARGEST);
      const thumb = await imageThumb(bitmap);
      bitmap.close();
      const upload = gn.link.upload("image");
      upload.write(await blob.arrayBuffer());
      const meta = { name, thumb: base64(new Uint8Array(await thumb.arrayBuffer())) };
      const taken = await upload.finish(meta);
      this.#images.push({ ...taken, name, url: URL.createObjectURL(thumb) });
      this.#showImages();
    } finally {
      gn.say("");
    }
  }

  #showImages() {
    this.strip.hidden = !this.#images.length;
    this.strip.replaceChildren(
      ...this.#images.map((image) => {
        const what = image.name ?? image.facts;
        const remove = button("✕", { class: "gw-chat-remove", "aria-label": `Remove ${what}`, title: "Remove" });
        remove.addEventListener("click", () => this.#remove(image));
        const shown = image.url ? el("img", { src: image.url, alt: what, title: image.facts }) : el("span", {}, what);
        return el("div", { class: "gw-chat-image", role: "listitem" }, shown, remove);
      }),
    );
  }

  #remove(image) {
    if (image.url) URL.revokeObjectURL(image.url);
    this.#images = this.#images.filter((each) => each !== image);
    this.#showImages();
    this.text.focus();
    this.#act("detach", { id: image.id });
  }

  // --- voice ---

  async #speak() {
    const gn = this.#gn;
    gn.fail("");
    try {
      if (!this.#voice.recording) {
        await this.#voice.start();
        this.#listening(true);
        gn.say("Listening… press again when you are done.");
        return;
      }
      const { blob, format } = await this.#voice.stop();
      this.#listening(false);
      gn.say("Writing down what you said…");
      const upload = gn.link.upload("voice");
      upload.write(await blob.arrayBuffer());
      await upload.finish({ format });
    } catch (error) {
      this.#listening(false);
      gn.say("");
      gn.fail(error.message);
    }
  }

  #listening(on) {
    this.mic.setAttribute("aria-pressed", String(on));
    this.mic.classList.toggle("gw-chat-listening", on);
    this.mic.textContent = on ? "Done" : "Speak";
  }

  #heard({ text, error }) {
    this.#gn.say("");
    if (error) this.#gn.fail(error);
    if (!text) return;
    const before = this.text.value;
    this.#write(before && !/\s$/.test(before) ? `${before} ${text}` : before + text);
    this.text.focus();
  }
}

function base64(bytes) {
  let text = "";
  for (let at = 0; at < bytes.length; at += 8192) text += String.fromCharCode(...bytes.subarray(at, at + 8192));
  return btoa(text);
}
