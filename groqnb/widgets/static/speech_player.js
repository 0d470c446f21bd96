// A spoken text: heard, seen as a waveform, saved, and spoken again with another voice.
// The Python half is `speech_player.py`.
import { Closed, button, clock, define, el } from "./shared.js";
import { Wave } from "./wave.js";

const SPEEDS = [0.5, 0.75, 1, 1.25, 1.5, 1.75, 2];
const STEPS = 400; // values of a waveform
const LOW_RATE = 8000; // Hz; enough for a waveform, and an hour stays small
const LONGEST = 3 * 3600; // s; beyond it no waveform is drawn

export default define({
  label: "Speech player",
  render: (gn) => new Player(gn),
});

class Player {
  #gn;
  #peaks = [];
  #version = null; // of the sound that is loaded
  #started = false; // autoplay happens once

  constructor(gn) {
    this.#gn = gn;
    this.#build();
    gn.on("change:_gn_offers", () => this.#load());
    for (const name of ["_about", "_voices", "_spoken", "_estimate", "_job"]) gn.on(`change:${name}`, () => this.#show());
    gn.onClose(() => {
      this.audio.pause();
      URL.revokeObjectURL(this.audio.src);
    });
    this.#show();
    this.#load();
  }

  #build() {
    const gn = this.#gn;
    this.audio = el("audio", { preload: "auto" });
    this.text = el("p", { class: "gw-speech-text", hidden: true });
    this.play = button("Play", { class: "gw-primary gw-speech-play", disabled: true });
    this.wave = new Wave(gn, (part) => this.#seek(part * this.#seconds));
    const { canvas } = this.wave;
    this.slider = el(
      "div",
      { class: "gw-speech-seek", role: "slider", tabindex: "0", "aria-label": "Position", "aria-valuemin": "0" },
      canvas,
    );
    this.time = el("span", { class: "gw-dim gw-speech-time" });
    const speeds = SPEEDS.map((each) => el("option", { value: each, selected: each === 1 }, `${each}×`));
    this.speed = el("select", {}, ...speeds);
    this.save = el("a", { class: "gw-speech-save", role: "button" }, "Download");
    this.about = el("span", { class: "gw-dim gw-grow" });
    this.voices = el("select");
    this.again = button("Speak with this voice");
    this.cost = el("span", { class: "gw-dim" });
    const named = (name, control) => el("label", {}, name, control);
    this.voiceRow = el("div", { class: "gw-row" }, named("Voice", this.voices), this.again, this.cost);
    gn.root.classList.add("gw-speech");
    // Beside the fieldset: what is loaded is heard without a kernel, too.
    gn.controls.before(
      this.text,
      el("div", { class: "gw-row" }, this.play, this.slider, this.time, this.audio),
      el("div", { class: "gw-row" }, named("Speed", this.speed), this.save, this.about),
    );
    gn.controls.classList.add("gw-row");
    gn.controls.append(this.voiceRow);

    gn.listen(this.play, "click", () => this.#toggle());
    gn.listen(this.speed, "change", () => (this.audio.playbackRate = Number(this.speed.value)));
    gn.listen(this.voices, "change", () => this.#choose());
    gn.listen(this.again, "click", () => this.#ask("speak"));
    gn.listen(this.slider, "keydown", (event) => this.#keys(event));
    gn.listen(gn.root, "keydown", (event) => {
      if (event.key !== " " || event.target.closest("button, select, a")) return;
      event.preventDefault();
      this.#toggle();
    });
    for (const type of ["play", "pause", "ended", "loadedmetadata"]) gn.listen(this.audio, type, () => this.#follow());
    gn.listen(this.audio, "error", () => {
      if (this.audio.getAttribute("src")) this.#gn.fail("This browser cannot play this kind of sound. Download it.");
    });
  }

  // --- the sound

  get #seconds() {
    const { duration } = this.audio;
    return Number.isFinite(duration) && duration > 0 ? duration : (this.#gn.model.get("_about").seconds ?? 0);
  }

  async #load() {
    const { link, model } = this.#gn;
    const offer = model.get("_gn_offers").sound;
    if (!offer || offer.version === this.#version) return;
    this.#version = offer.version;
    try {
      this.#gn.say("Loading the sound …");
      const blob = await link.fetch("sound");
      if (this.#version !== offer.version) return; // another one is being loaded
      this.#gn.say("");
      if (blob) await this.#take(blob);
    } catch (error) {
      if (this.#version !== offer.version) return;
      this.#version = null;
      this.#gn.say("");
      if (!(error instanceof Closed)) this.#gn.fail(error.message);
    }
  }

  async #take(blob) {
    const { voice, format } = this.#gn.model.get("_about");
    URL.revokeObjectURL(this.audio.src);
    this.#peaks = [];
    const src = (this.audio.src = URL.createObjectURL(blob));
    this.audio.playbackRate = this.audio.defaultPlaybackRate = Number(this.speed.value);
    this.save.href = this.audio.src;
    // What a browser plays of bare mulaw is WAV.
    this.save.download = `${voice || "speech"}.${format === "mulaw" ? "wav" : format}`;
    this.play.disabled = false;
    if (this.#gn.model.get("autoplay") && !this.#started) this.#start();
    this.#started = true;
    const peaks = this.#seconds <= LONGEST ? await peaksOf(blob) : [];
    if (this.audio.src !== src) return; // another sound was taken meanwhile
    this.#peaks = peaks;
    this.#draw();
  }

  async #start() {
    try {
      await this.audio.play();
    } catch (error) {
      if (error.name === "NotAllowedError") this.#gn.say("The browser plays nothing by itself here: press Play.");
      else if (error.name !== "AbortError" && error.name !== "NotSupportedError") this.#gn.fail(error.message);
    }
  }

  #toggle() {
    if (this.play.disabled) return;
    this.#gn.say("");
    if (this.audio.paused) this.#start();
    else this.audio.pause();
  }

  #seek(seconds) {
    if (this.play.disabled) return;
    this.audio.currentTime = Math.min(Math.max(0, seconds), this.#seconds);
    this.#draw();
  }

  #keys(event) {
    const { key } = event;
    const step = this.#seconds < 60 ? 1 : 5; // s
    const by = {
      ArrowLeft: -step,
      ArrowDown: -step,
      ArrowRight: step,
      ArrowUp: step,
      PageDown: -this.#seconds / 10,
      PageUp: this.#seconds / 10,
      Home: -Infinity,
      End: Infinity,
    }[key];
    if (by === undefined) return;
    event.preventDefault();
    this.#seek(this.audio.currentTime + by);
  }

  #follow() {
    if (this.#gn.signal.aborted) return;
    this.play.textContent = this.audio.paused ? "Play" : "Pause";
    this.#draw();
    if (!this.audio.paused) requestAnimationFrame(() => this.#follow());
  }

  #draw() {
    const [now, all] = [this.audio.currentTime, this.#seconds];
    const at = all ? now / all : 0;
    this.wave.draw(this.#peaks, { at, from: 0, to: at });
    this.time.textContent = `${clock(now)} / ${clock(Math.round(all))}`;
    this.slider.setAttribute("aria-valuemax", all.toFixed(1));
    this.slider.setAttribute("aria-valuenow", now.toFixed(1));
    this.slider.setAttribute("aria-valuetext", `${now.toFixed(1)} of ${all.toFixed(1)} seconds`);
  }

  // --- voices

  async #choose() {
    this.#show();
    if (this.#spoken(this.voices.value)) await this.#ask("choose");
  }

  async #ask(what) {
    this.#gn.fail("");
    try {
      await this.#gn.link.ask(what, { voice: this.voices.value });
    } catch (error) {
      if (!(error instanceof Closed)) this.#gn.fail(error.message);
    }
  }

  #spoken(voice) {
    return this.#gn.model.get("_spoken").includes(voice);
  }

  #show() {
    const { model } = this.#gn;
    const { text, characters, voice, facts } = model.get("_about");
    this.text.textContent = text ? `“${text}”` : "";
    this.text.hidden = !text;
    this.text.title = text ? `${characters} characters` : "";
    this.about.textContent = facts;

    const voices = model.get("_voices");
    const job = model.get("_job");
    const key = JSON.stringify([voices, model.get("_spoken"), voice]);
    if (this.voices.dataset.key !== key) {
      // Another voice has come, so that is the one to be seen.
      const chosen = this.voices.dataset.voice === voice && this.voices.value ? this.voices.value : voice;
      const options = voices.map((each) =>
        el("option", { value: each, selected: each === chosen }, this.#spoken(each) ? `${each} ✓` : each),
      );
      this.voices.replaceChildren(...options);
      Object.assign(this.voices.dataset, { key, voice });
    }
    this.#gn.controls.hidden = voices.length < 2;
    const isNew = !this.#spoken(this.voices.value);
    this.voices.disabled = this.again.disabled = Boolean(job);
    this.again.hidden = !isNew && !job;
    this.again.textContent = job ? `${job} speaks …` : "Speak with this voice";
    this.cost.textContent = isNew && !job ? model.get("_estimate") : "";
    this.#draw();
  }
}

/** The loudest value of each part, 0 to 1; none where the browser cannot decode it. */
async function peaksOf(blob) {
  try {
    const context = new OfflineAudioContext(1, 1, LOW_RATE);
    const sound = await context.decodeAudioData(await blob.arrayBuffer());
    const samples = sound.getChannelData(0);
    const count = Math.min(STEPS, samples.length);
    return Array.from({ length: count }, (_, index) => {
      const end = Math.floor(((index + 1) * samples.length) / count);
      let peak = 0;
      for (let at = Math.floor((index * samples.length) / count); at < end; at++) peak = Math.max(peak, Math.abs(samples[at]));
      return Math.min(1, peak);
    });
  } catch {
    return [];
  }
}
