// groqnb.AudioRecorder: record, pause, listen, trim, transcribe; or take a file.
import { define, el, button, clock, bytesText, Closed, Refused } from "./shared.js";
import { Recording, Listener, microphones, explain, thinned } from "./microphone.js";
import { Wave } from "./wave.js";

const POINTS = 400; // of a waveform
const SLICE = 4 << 20; // bytes of a file that are read at once
const KEYS = "Space: record and stop. P: pause. Esc: stop.";

const tenths = (seconds) => (seconds < 60 ? `${seconds.toFixed(1)} s` : clock(seconds));

class Recorder {
  #gn;
  #state = "idle"; // or asking, recording, paused, stopping
  #recording = null;
  #upload = null;
  #filing = null; // the upload of a file
  #listener = null;
  #sound = null; // { seconds, format, peaks, origin, version, blob }
  #kept = new Map(); // origin -> blob: what this page has sent needs no way back
  #sending = 0;
  #until = null; // where playing ends
  #version = ""; // of the transcript that is shown
  #note = ""; // what is told of it

  constructor(gn) {
    this.#gn = gn;
    this.#build();
    this.#listen();
    this.#fromKernel();
    this.#listDevices();
    this.#show();
  }

  // -- the parts

  #build() {
    const gn = this.#gn;
    this.record = button("Record", { class: "gw-primary gw-rec-record", "aria-pressed": "false" });
    this.pause = button("Pause");
    this.discard = button("Discard");
    this.device = el("select", { "aria-label": "Microphone" });
    this.level = el("meter", { class: "gw-rec-level", min: 0, max: 1, low: 0.05, high: 0.9, optimum: 0.5, "aria-label": "Input level" });
    this.time = el("span", { class: "gw-rec-time", role: "timer" });
    this.wave = new Wave(gn, (part) => this.#seek(part * this.#sound?.seconds));
    this.audio = el("audio", { preload: "auto" });
    this.play = button("Play");
    this.position = el("input", { type: "range", class: "gw-rec-seek", min: 0, step: 0.01, "aria-label": "Position" });
    this.at = el("span", { class: "gw-rec-time gw-dim" });
    this.download = el("a", {}, "Download");
    this.player = el("div", { class: "gw-row" }, this.play, this.position, this.at, this.download);
    this.from = el("input", { type: "range", min: 0, step: 0.01 });
    this.to = el("input", { type: "range", min: 0, step: 0.01 });
    this.span = el("span", { class: "gw-dim" });
    this.trim = button("Keep this part");
    this.untrim = button("Undo the trim");
    this.trimming = el(
      "details",
      { class: "gw-rec-trim" },
      el("summary", {}, "Trim"),
      el("div", { class: "gw-row" }, el("label", {}, "Start", this.from), el("label", {}, "End", this.to), this.span, this.trim),
    );
    this.transcribe = button("Transcribe");
    this.estimate = el("span", { class: "gw-dim" });
    this.asking = el("div", { class: "gw-row" }, this.transcribe, this.estimate);
    this.lines = el("ol", { class: "gw-rec-lines", "aria-label": "Transcript" });
    this.file = el("input", { type: "file", accept: "audio/*,video/mp4,video/webm", hidden: true, "aria-label": "Sound file", tabIndex: -1 });
    this.choose = button("Use a file…");
    gn.controls.append(
      el("div", { class: "gw-row" }, this.record, this.pause, this.discard, this.device, this.level, this.time),
      this.wave.canvas,
      this.player,
      el("div", { class: "gw-row" }, this.untrim),
      this.trimming,
      this.asking,
      this.lines,
      el("div", { class: "gw-row" }, this.choose, el("span", { class: "gw-dim" }, "or drop one here"), this.file),
      this.audio,
    );
    gn.root.tabIndex = 0;
    gn.root.title = KEYS;
  }

  #listen() {
    const gn = this.#gn;
    const click = (target, action) => gn.listen(target, "click", () => action.call(this));
    click(this.record, this.#toggle);
    click(this.pause, this.#pauseOrResume);
    click(this.discard, this.#discard);
    click(this.play, this.#playOrPause);
    click(this.trim, () => this.#askTrim({ start: +this.from.value, end: +this.to.value }));
    click(this.untrim, () => this.#askTrim({}));
    click(this.transcribe, this.#askTranscript);
    click(this.choose, () => this.file.click());
    gn.listen(this.file, "change", () => this.#useFiles(this.file.files));
    gn.listen(this.position, "input", () => this.#seek(+this.position.value));
    for (const edge of [this.from, this.to]) gn.listen(edge, "input", () => this.#edges(edge));
    gn.listen(this.audio, "ended", () => this.#moved());
    gn.listen(this.audio, "timeupdate", () => this.#moved());
    for (const event of ["play", "pause"]) gn.listen(this.audio, event, () => this.#show());
    gn.listen(gn.root, "keydown", (event) => this.#key(event));
    gn.listen(gn.root, "dragover", (event) => {
      event.preventDefault();
      event.stopPropagation();
      gn.root.classList.add("gw-drop");
    });
    gn.listen(gn.root, "dragleave", () => gn.root.classList.remove("gw-drop"));
    gn.listen(gn.root, "drop", (event) => {
      event.preventDefault();
      event.stopPropagation();
      gn.root.classList.remove("gw-drop");
      this.#useFiles(event.dataTransfer?.files);
    });
    if (navigator.mediaDevices) gn.listen(navigator.mediaDevices, "devicechange", () => this.#listDevices());
    gn.on("change:_gn_offers", () => this.#fromKernel());
    for (const name of ["_job", "_estimate", "_trimmed", "max_seconds"]) gn.on(`change:${name}`, () => this.#show());
    gn.on("change:_job", () => gn.say(gn.model.get("_job") || this.#note));
    gn.onClose(() => this.#leave());
  }

  #key(event) {
    const typing = event.target.closest("select, input, textarea, [contenteditable]");
    const plain = !event.ctrlKey && !event.metaKey && !event.altKey;
    if (event.key === "Escape") {
      if (this.#recording) this.#stop();
      else this.audio.pause();
    } else if (plain && event.key.toLowerCase() === "p" && !typing) {
      this.#pauseOrResume();
    } else if (plain && event.key === " " && !event.target.closest("select, input, button, summary, a")) {
      if (!event.repeat && !this.#gn.controls.disabled) this.#toggle();
    } else return;
    event.preventDefault();
  }

  // -- recording

  #toggle() {
    if (this.#recording) this.#stop();
    else this.#start();
  }

  async #start() {
    const gn = this.#gn;
    if (this.#state !== "idle") return;
    this.audio.pause();
    gn.fail("");
    gn.say("Waiting for the microphone…");
    this.#become("asking");
    let recording;
    try {
      recording = await Recording.open({
        device: this.device.value,
        processing: gn.model.get("processing"),
        bitrate: gn.model.get("bitrate"),
        onChunk: (bytes) => this.#upload?.write(bytes),
        onLevel: (level) => this.#hear(level),
        onEnd: () => this.#stop("The microphone is gone. "),
      });
    } catch (error) {
      const { text, blocked } = await explain(error);
      gn.say("");
      gn.fail(text);
      if (blocked) gn.offerTab("Record in a browser tab");
      this.#become("idle");
      return;
    }
    this.#listDevices(recording.device);
    if (gn.signal.aborted) {
      recording.stop();
      return;
    }
    this.#filing?.cancel(); // else a large file would take the place of what is recorded now
    this.#upload = gn.link.upload("sound");
    gn.link.ask("started", { upload: this.#upload.id, mime: recording.mime }).catch(() => {});
    this.#listener = new Listener();
    this.#recording = recording;
    recording.start();
    gn.say("Recording");
    this.#become("recording");
  }

  #hear(level) {
    const [gn, recording] = [this.#gn, this.#recording];
    if (!recording) return;
    this.#listener.add(level, performance.now());
    this.level.value = Math.min(1, Math.sqrt(level.peak));
    this.wave.draw(recording.peaks, { live: true });
    this.#clock();
    gn.say(this.#listener.hint || "Recording");
    const [most, silence] = [gn.model.get("max_seconds"), gn.model.get("stop_on_silence")];
    if (recording.seconds >= most) this.#stop(`The longest time, ${tenths(most)}, was reached. `);
    else if (silence > 0 && this.#listener.quiet >= silence) this.#stop(`Stopped after ${silence} s of silence. `);
  }

  #pauseOrResume() {
    const recording = this.#recording;
    if (this.#state === "recording") {
      recording.pause();
      this.level.value = 0;
      this.#gn.say("Paused");
      this.#become("paused");
    } else if (this.#state === "paused") {
      recording.resume();
      this.#gn.say("Recording");
      this.#become("recording");
    }
  }

  async #stop(why = "") {
    const [recording, upload] = [this.#recording, this.#upload];
    if (!recording || this.#state === "stopping") return;
    this.#become("stopping");
    await recording.stop();
    this.#recording = this.#upload = null;
    const { seconds, blob } = recording;
    this.level.value = 0;
    if (!blob.size) {
      upload.cancel();
      this.#become("idle");
      this.#gn.say(`${why}Nothing was recorded: that was too short.`);
      this.#redraw();
      return;
    }
    const peaks = thinned(recording.peaks, POINTS).map((peak) => Math.round(peak * 100));
    this.#kept.set(upload.id, blob);
    this.#setSound({ seconds, blob, peaks, origin: upload.id, format: recording.mime.split(/[/;]/)[1] });
    this.#become("idle");
    await this.#send(upload, { mime: recording.mime, seconds, peaks }, why);
  }

  /** Bring an upload to its end, and say how it went. */
  async #send(upload, meta, why = "") {
    const gn = this.#gn;
    this.#sending += 1;
    this.#show();
    const tell = (done, size) => {
      if (!this.#recording) gn.say(`${why}Sending ${bytesText(size)}: ${Math.floor((100 * done) / (size || 1))} %`);
    };
    upload.onProgress = tell;
    tell(upload.arrived, upload.size);
    try {
      const { seconds, size } = await upload.finish({ ...meta, origin: upload.id });
      gn.say(`${why}${tenths(seconds)}, ${bytesText(size)}, in Python as .value`);
    } catch (error) {
      if (error instanceof Closed) return;
      gn.say("");
      gn.fail(error.message);
      this.#kept.delete(upload.id);
      this.#fromKernel(true);
    } finally {
      this.#sending -= 1;
      this.#show();
    }
  }

  async #discard() {
    const [recording, upload] = [this.#recording, this.#upload];
    this.audio.pause();
    if (recording) {
      if (this.#state === "stopping") return;
      this.#become("stopping");
      this.#recording = this.#upload = null;
      upload.cancel();
      await recording.stop();
      this.level.value = 0;
      this.#gn.say("Discarded");
      this.#become("idle");
      this.#redraw();
      return;
    }
    this.#setSound(null);
    this.#gn.say("Discarded");
    await this.#ask("clear", {});
  }

  // The view goes: free the microphone; what the kernel has of a recording becomes its value.
  #leave() {
    this.audio.pause();
    URL.revokeObjectURL(this.audio.src);
    const [recording, upload] = [this.#recording, this.#upload];
    if (!recording) return;
    this.#recording = this.#upload = null;
    recording.stop();
    const content = { upload: upload.id };
    this.#gn.model.send({ kind: "gn-ask", id: `keep-${upload.id}`, what: "keep", content });
  }

  async #listDevices(chosen = this.device.value) {
    const found = await microphones();
    const options = found
      .filter(({ deviceId }) => deviceId !== "default" && deviceId !== "communications")
      .map(({ deviceId, label }, i) => el("option", { value: deviceId }, label || `Microphone ${i + 1}`));
    this.device.replaceChildren(el("option", { value: "" }, "Default microphone"), ...options);
    this.device.value = [...this.device.options].some(({ value }) => value === chosen) ? chosen : "";
  }

  // -- files

  async #useFiles(files) {
    const [gn, file] = [this.#gn, files?.[0]];
    this.file.value = "";
    if (!file || this.#recording || this.#state !== "idle") return;
    gn.fail("");
    if (!file.size) {
      gn.fail(`${file.name} is empty.`);
      return;
    }
    this.#filing?.cancel(); // the one that was chosen last is meant, whichever is larger
    const upload = (this.#filing = gn.link.upload("sound"));
    this.#kept.set(upload.id, file);
    try {
      for (let at = 0; at < file.size; at += SLICE) upload.write(await file.slice(at, at + SLICE).arrayBuffer());
    } catch {
      upload.cancel();
      gn.fail(`${file.name} cannot be read.`);
      return;
    }
    await this.#send(upload, { mime: file.type, name: file.name, seconds: 0, peaks: [] }, `${file.name}: `);
    if (this.#filing === upload) this.#filing = null;
  }

  // -- the sound there is

  /** What the kernel has now; `anyway` also where it seems to be what is shown. */
  #fromKernel(anyway = false) {
    const offers = this.#gn.model.get("_gn_offers") ?? {};
    const { sound, transcript } = offers;
    if (!sound) {
      if (this.#sound?.version || anyway) this.#setSound(null);
    } else if (sound.version !== this.#sound?.version || anyway) {
      const blob = this.#kept.get(sound.origin) ?? null;
      this.#setSound({ ...sound, blob });
    } else if (!this.#sound.peaks.length) {
      this.#sound.peaks = sound.peaks; // of a long file they come later
      this.#redraw();
    }
    if (transcript?.version !== this.#version) this.#showTranscript(transcript);
  }

  #setSound(sound) {
    this.audio.pause();
    URL.revokeObjectURL(this.audio.src);
    this.audio.removeAttribute("src");
    this.#until = null;
    this.#sound = sound;
    for (const origin of this.#kept.keys()) if (origin !== sound?.origin && !this.#sending) this.#kept.delete(origin);
    if (sound?.blob) this.#load(sound.blob);
    if (sound) {
      for (const slider of [this.position, this.from, this.to]) slider.max = sound.seconds.toFixed(2);
      [this.position.value, this.from.value, this.to.value] = [0, 0, sound.seconds];
    }
    this.#edges();
    this.#moved();
    this.#show();
  }

  #load(blob) {
    this.audio.src = URL.createObjectURL(blob);
    this.download.href = this.audio.src;
    this.download.download = blob.name ?? `recording.${this.#sound.format === "mp4" ? "m4a" : this.#sound.format}`;
  }

  async #ready() {
    const sound = this.#sound;
    if (!sound.blob) {
      this.#gn.say("Loading the sound…");
      const blob = await this.#gn.link.fetch("sound");
      if (this.#sound !== sound || !blob) throw new Closed("changed");
      this.#gn.say("");
      sound.blob = blob;
      this.#load(blob);
      this.#show();
    }
    if (this.audio.readyState < 1)
      await new Promise((resolve, reject) => {
        this.audio.addEventListener("loadedmetadata", resolve, { once: true });
        this.audio.addEventListener("error", () => reject(new Refused("The browser cannot play this kind of sound.")), { once: true });
        this.audio.load();
      });
  }

  async #playFrom(start, until = null) {
    try {
      await this.#ready();
      if (start !== null) this.audio.currentTime = start;
      this.#until = until;
      await this.audio.play();
      this.#follow();
    } catch (error) {
      if (error instanceof Closed || error.name === "AbortError") return;
      this.#gn.fail(error.message);
    }
  }

  #playOrPause() {
    if (!this.audio.paused) this.audio.pause();
    else this.#playFrom(this.audio.ended || this.audio.currentTime >= this.#sound.seconds - 0.05 ? 0 : null);
  }

  async #seek(seconds) {
    if (!this.#sound || this.#recording) return;
    try {
      await this.#ready();
    } catch {
      return;
    }
    this.#until = null;
    this.audio.currentTime = seconds;
    this.#moved();
  }

  #follow() {
    if (this.#gn.signal.aborted || this.audio.paused) return;
    this.#moved();
    requestAnimationFrame(() => this.#follow());
  }

  #moved() {
    const now = this.audio.currentTime || 0;
    if (this.#until !== null && now >= this.#until) {
      this.audio.pause();
      this.#until = null;
    }
    if (this.#sound) {
      this.position.value = now;
      this.at.textContent = `${clock(now)} / ${tenths(this.#sound.seconds)}`;
      this.position.setAttribute("aria-valuetext", `${now.toFixed(1)} of ${tenths(this.#sound.seconds)}`);
    }
    for (const line of this.lines.querySelectorAll("button")) {
      const current = !this.audio.paused && now >= +line.dataset.start && now < +line.dataset.end;
      if (current) line.setAttribute("aria-current", "true");
      else line.removeAttribute("aria-current");
    }
    this.#redraw();
  }

  #redraw() {
    if (this.#recording) return;
    const { peaks = [], seconds = 1 } = this.#sound ?? {};
    const shown = { at: this.#sound ? (this.audio.currentTime || 0) / seconds : undefined };
    if (this.trimming.open) Object.assign(shown, { from: this.from.value / seconds, to: this.to.value / seconds });
    this.wave.draw(peaks.map((peak) => peak / 100), shown);
  }

  // -- trimming

  #edges(moved = null) {
    let [from, to] = [+this.from.value, +this.to.value];
    if (moved === this.from) this.from.value = from = Math.min(from, to - 0.1);
    if (moved === this.to) this.to.value = to = Math.max(to, from + 0.1);
    this.span.textContent = `${from.toFixed(1)} to ${to.toFixed(1)} s`;
    this.from.setAttribute("aria-valuetext", `${from.toFixed(1)} seconds`);
    this.to.setAttribute("aria-valuetext", `${to.toFixed(1)} seconds`);
    this.trim.disabled = from <= 0 && to >= (this.#sound?.seconds ?? 0) - 0.02;
    this.#redraw();
  }

  async #askTrim(part) {
    const answer = await this.#ask("trim", part);
    if (!answer) return;
    this.trimming.open = false;
    this.#gn.say(`${tenths(answer.seconds)}, in Python as .value`);
  }

  // -- the transcript

  async #askTranscript() {
    await this.#ask("transcribe", {});
  }

  async #showTranscript(offer) {
    this.#version = offer?.version;
    this.#note = "";
    this.lines.replaceChildren();
    this.#show();
    if (!offer) return;
    let made;
    try {
      made = JSON.parse(await (await this.#gn.link.fetch("transcript")).text());
    } catch {
      return;
    }
    if (offer.version !== this.#version) return;
    for (const [start, end, text] of made.segments) {
      const line = button("", { class: "gw-rec-line", title: "Play this part" });
      line.append(el("time", {}, clock(start)), el("span", { dir: "auto" }, text));
      Object.assign(line.dataset, { start, end });
      this.#gn.listen(line, "click", () => this.#playFrom(start, end));
      this.lines.append(el("li", {}, line));
    }
    this.#note = made.segments.length ? made.note : `Nothing was said. ${made.note}`;
    this.#gn.say(this.#note);
    this.#show();
  }

  async #ask(what, content) {
    this.#gn.fail("");
    try {
      return (await this.#gn.link.ask(what, content)) ?? {};
    } catch (error) {
      if (!(error instanceof Closed)) this.#gn.fail(error.message);
      return null;
    }
  }

  // -- what is shown

  #become(state) {
    this.#state = state;
    this.#gn.root.dataset.state = state;
    this.#show();
  }

  #clock() {
    const recording = this.#recording;
    if (!recording) {
      this.time.textContent = "";
      return;
    }
    const left = Math.max(0, this.#gn.model.get("max_seconds") - recording.seconds);
    this.time.textContent = `${clock(recording.seconds)} · ${clock(Math.ceil(left))} left`;
    this.time.classList.toggle("gw-rec-soon", left < 10);
  }

  #show() {
    const [gn, state, sound] = [this.#gn, this.#state, this.#sound];
    const running = state === "recording" || state === "paused";
    const job = gn.model.get("_job");
    gn.busy(state !== "idle" || this.#sending > 0);
    this.record.textContent = running ? "Stop" : sound ? "Record again" : "Record";
    this.record.setAttribute("aria-pressed", String(running));
    this.record.disabled = state === "asking" || state === "stopping";
    this.pause.hidden = !running;
    this.pause.textContent = state === "paused" ? "Resume" : "Pause";
    this.discard.hidden = !(running || sound);
    this.device.disabled = state !== "idle";
    this.level.hidden = this.time.hidden = !running;
    this.choose.disabled = state !== "idle";
    this.player.hidden = !sound || running;
    this.wave.canvas.hidden = !sound && !running;
    this.play.textContent = this.audio.paused ? "Play" : "Pause playing";
    this.download.hidden = !sound?.blob;
    const trimmed = Object.keys(gn.model.get("_trimmed") ?? {}).length > 0;
    this.untrim.parentElement.hidden = !trimmed || !sound || running;
    this.trimming.hidden = trimmed || !sound || running || sound.seconds < 0.3;
    this.asking.hidden = !sound || running;
    this.transcribe.disabled = Boolean(job) || this.#sending > 0;
    this.estimate.textContent = job || (this.lines.children.length ? "" : (gn.model.get("_estimate") ?? ""));
    this.lines.hidden = !this.lines.children.length || running;
    this.#clock();
  }
}

export default define({
  label: "Audio recorder",
  render(gn) {
    new Recorder(gn);
  },
});
