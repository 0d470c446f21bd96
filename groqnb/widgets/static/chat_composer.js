// Where questions are written: text, images by choice, paste and drop, and the voice.
import { button, el } from "./shared.js";
import { Attachments } from "./attach.js";
import { Voice } from "./voice.js";

export class Composer {
  #gn;
  #voice = new Voice();
  #act;
  #turning = false; // the microphone is being opened or closed

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
    this.images = new Attachments(gn, act);
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
    gn.listen(this.go, "click", () => this.send());
    gn.listen(this.halt, "click", () => this.stop());
    gn.listen(this.mic, "click", () => this.#speak());
    gn.listen(gn.root, "keydown", (event) => {
      if (event.key === "Escape" && !event.isComposing && !this.halt.hidden) this.stop();
    });
    gn.on("msg:custom", (message) => {
      if (message.kind === "heard") this.#heard(message);
    });
    gn.onClose(() => this.#voice.close());
  }

  /** The parts, for the panel to place. */
  get nodes() {
    return [this.images.strip, this.text, this.images.file];
  }

  /** As high as its text, up to a limit. */
  fit() {
    this.text.style.height = "auto";
    const whole = this.text.scrollHeight;
    // Out of the page, as far from the view in Lab, it has no height: then its two rows stay.
    if (whole) this.text.style.height = `${Math.min(whole + 2, 240)}px`;
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
    this.go.disabled = true;
    // An image that is still on its way belongs to the question, too.
    const { ids } = (await this.images.settled()) ? this.images : {};
    // Only what was taken is cleared: a refused question stays to be mended.
    const sent = ids && (await this.#act("send", { text, images: ids }));
    this.go.disabled = false;
    if (!sent) return;
    if (this.text.value === text) this.#write("");
    this.images.clear(ids);
  }

  async stop() {
    this.halt.disabled = true;
    if (!(await this.#act("stop"))) this.halt.disabled = false;
  }

  #write(text) {
    this.text.value = text;
    this.#gn.set("draft", text);
    this.fit();
  }

  // --- voice ---

  async #speak() {
    const gn = this.#gn;
    // Not disabled meanwhile: that would take the focus from who presses it by the keyboard.
    if (this.#turning) return;
    this.#turning = true;
    gn.fail("");
    let sound = null;
    try {
      if (this.#voice.recording) sound = await this.#voice.stop();
      else {
        await this.#voice.start();
        gn.say("Listening… press again when you are done.");
      }
    } catch (error) {
      gn.say("");
      gn.fail(error.message);
    }
    this.#turning = false;
    this.#listening(this.#voice.recording);
    if (sound) await this.#writeDown(sound);
  }

  async #writeDown({ blob, format }) {
    const gn = this.#gn;
    gn.say("Writing down what you said…");
    try {
      const upload = gn.link.upload("voice");
      upload.write(await blob.arrayBuffer());
      await upload.finish({ format });
    } catch (error) {
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
    // Whoever writes elsewhere by now goes on there.
    if ([document.body, this.mic].includes(document.activeElement)) this.text.focus();
  }
}
