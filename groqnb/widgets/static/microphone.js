// A microphone from permission to silence: the devices, one recording, what to tell when it fails.
import { anyDevice, inEditor } from "./devices.js";
import { Refused } from "./shared.js";

const STEP = 50; // ms between two looks at the level
const SLICE = 1000; // ms of sound in one chunk
const KINDS = ["audio/webm;codecs=opus", "audio/mp4;codecs=mp4a.40.2", "audio/mp4", "audio/ogg;codecs=opus"];

/** The first kind that this browser both records and plays: Safari claims webm and cannot play it. */
export function recordable() {
  const player = document.createElement("audio");
  return KINDS.find((kind) => MediaRecorder.isTypeSupported(kind) && player.canPlayType(kind)) ?? "";
}

/** The microphones; without names until one was allowed. */
export async function microphones() {
  const devices = (await navigator.mediaDevices?.enumerateDevices?.()) ?? [];
  return devices.filter(({ kind, deviceId }) => kind === "audioinput" && deviceId);
}

/** Why there is no sound and what to do; `blocked` where only another page could help. */
export async function explain(error) {
  if (!window.isSecureContext || !navigator.mediaDevices?.getUserMedia)
    return {
      blocked: true,
      text: "The browser gives a microphone only to https:// pages and to localhost. Open Jupyter at such an address, or use a file.",
    };
  if (inEditor())
    return {
      blocked: true,
      text: "VS Code does not let notebooks use the microphone. Record in a browser tab, or use a file.",
    };
  if (error.name === "NotAllowedError") {
    const policy = document.featurePolicy?.allowsFeature?.("microphone") === false;
    const how = policy
      ? "The page around this notebook does not pass the microphone on: open the notebook in a tab of its own, or use a file."
      : "Allow it in the site settings (the sign left of the address), press Record again, or use a file.";
    return { blocked: policy, text: `The browser did not allow the microphone. ${how}` };
  }
  const text = {
    NotFoundError: "No microphone was found. Plug one in and press Record again, or use a file.",
    NotReadableError:
      "The microphone cannot be used: another program may hold it. Close that, press Record again, or use a file.",
    OverconstrainedError: "That microphone is gone. Choose another one and press Record again.",
    AbortError: "The microphone stopped by itself. Press Record again.",
  }[error.name];
  return { blocked: false, text: text ?? `Recording failed: ${error.name} ${error.message}. Use a file.` };
}

/**
 * One recording. `onChunk(ArrayBuffer)` gets the sound in order while it is recorded,
 * `onLevel({level, peak, clipped})` is told twenty times a second, `onEnd(why)` when the
 * microphone ends it ("unplugged").
 */
export class Recording {
  peaks = []; // the largest sample of each step, 0 to 1
  blob = null; // the whole of it, after stop()
  #stream;
  #recorder;
  #context;
  #analyser;
  #samples;
  #timer;
  #parts = [];
  #chain = Promise.resolve();
  #before = 0; // ms recorded until the last pause
  #since = 0;
  #handlers;

  /** Ask for the microphone; rejects with the browser's error, see `explain`. */
  static async open({ device, processing = true, bitrate = 32000, ...handlers }) {
    if (!navigator.mediaDevices?.getUserMedia) throw new Refused("no microphone here");
    const audio = {
      channelCount: 1,
      echoCancellation: processing,
      noiseSuppression: processing,
      autoGainControl: processing,
    };
    if (device) audio.deviceId = { exact: device };
    const stream = await navigator.mediaDevices.getUserMedia({ audio }).catch((error) => {
      throw device ? error : anyDevice(error);
    });
    return new Recording(stream, bitrate, handlers);
  }

  constructor(stream, bitrate, handlers) {
    this.#stream = stream;
    this.#handlers = { onChunk() {}, onLevel() {}, onEnd() {}, ...handlers };
    this.#recorder = new MediaRecorder(stream, { mimeType: recordable(), audioBitsPerSecond: bitrate });
    this.#recorder.ondataavailable = ({ data }) => this.#chunk(data);
    stream.getAudioTracks()[0].addEventListener("ended", () => this.#handlers.onEnd("unplugged"));
    this.#context = new AudioContext();
    this.#analyser = this.#context.createAnalyser();
    this.#analyser.fftSize = 4096; // 85 ms: no sample falls between two looks
    this.#samples = new Float32Array(this.#analyser.fftSize);
    this.#context.resume().catch(() => {}); // some browsers begin it suspended
    this.#context.createMediaStreamSource(stream).connect(this.#analyser);
  }

  get device() {
    return this.#stream.getAudioTracks()[0]?.getSettings().deviceId ?? "";
  }

  get state() {
    return this.#recorder.state;
  }

  get mime() {
    return this.#recorder.mimeType;
  }

  get seconds() {
    const running = this.state === "recording" ? performance.now() - this.#since : 0;
    return (this.#before + running) / 1000;
  }

  start() {
    this.#recorder.start(SLICE);
    this.#since = performance.now();
    this.#timer = setInterval(() => this.#look(), STEP);
  }

  pause() {
    if (this.state !== "recording") return;
    this.#before += performance.now() - this.#since;
    this.#recorder.pause();
  }

  resume() {
    if (this.state !== "paused") return;
    this.#recorder.resume();
    this.#since = performance.now();
  }

  /** End it; resolves when the last chunk was handed on. The microphone is free at once. */
  async stop() {
    clearInterval(this.#timer);
    if (this.state !== "inactive") {
      const ended = new Promise((resolve) => this.#recorder.addEventListener("stop", resolve, { once: true }));
      this.#before = this.seconds * 1000;
      this.#since = performance.now();
      this.#recorder.stop();
      this.#free();
      await ended;
    }
    this.#free();
    await this.#chain;
    this.blob ??= new Blob(this.#parts, { type: this.mime });
  }

  #free() {
    for (const track of this.#stream.getTracks()) track.stop();
    if (this.#context.state !== "closed") this.#context.close();
  }

  #chunk(data) {
    if (!data.size) return;
    this.#parts.push(data);
    this.#chain = this.#chain.then(async () => this.#handlers.onChunk(await data.arrayBuffer()));
  }

  #look() {
    if (this.state !== "recording") return;
    this.#analyser.getFloatTimeDomainData(this.#samples);
    let [sum, peak] = [0, 0];
    for (const sample of this.#samples) {
      sum += sample * sample;
      peak = Math.max(peak, Math.abs(sample));
    }
    this.peaks.push(Math.min(1, peak));
    this.#handlers.onLevel({ level: Math.sqrt(sum / this.#samples.length), peak, clipped: peak >= 0.99 });
  }
}

/** `count` values of many: the largest of each part. */
export function thinned(values, count) {
  if (values.length <= count) return [...values];
  return Array.from({ length: count }, (_, i) => {
    const part = values.slice(Math.floor((i * values.length) / count), Math.floor(((i + 1) * values.length) / count));
    return Math.max(...part);
  });
}

/**
 * What the levels say: `quiet` seconds of silence at the end, and a hint for the person. Silence
 * is what is not much louder than the quietest half second so far, and far from the loudest.
 */
export class Listener {
  quiet = 0;
  hint = "";
  #heard = 0; // s
  #loudest = 0;
  #voice = 0; // the loudest half second
  #floor = Infinity; // the quietest
  #recent = [];
  #clipped = [];
  #last = null; // ms

  add({ level, peak, clipped }, now) {
    // Pages in the background are looked at once a second; pauses are no silence.
    const step = Math.min(1.1, (now - (this.#last ?? now)) / 1000);
    this.#last = now;
    this.#heard += step;
    this.#loudest = Math.max(this.#loudest, peak);
    this.#recent.push(level);
    if (this.#recent.length > 10) this.#recent.shift();
    const smooth = this.#recent.reduce((sum, each) => sum + each, 0) / this.#recent.length;
    if (this.#recent.length === 10) this.#floor = Math.min(this.#floor, smooth);
    this.#voice = Math.max(this.#voice, smooth);
    const silent = smooth < Math.max(0.004, Math.min(this.#voice * 0.15, this.#floor * 2.5));
    this.quiet = silent ? this.quiet + step : 0;
    if (clipped) this.#clipped.push(now);
    this.#clipped = this.#clipped.filter((at) => now - at < 3000);
    this.hint =
      this.#clipped.length >= 2
        ? "Too loud: it is distorted. Move away from the microphone, or turn it down."
        : this.#heard > 3 && this.#loudest < 0.0005
          ? "No sound comes in: is the microphone muted, or another one chosen?"
          : this.#heard > 3 && this.#loudest < 0.03
            ? "Very quiet: come closer to the microphone, or turn it up."
            : "";
  }
}
