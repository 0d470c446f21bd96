// A short recording by the microphone, for a question that is spoken.
//
//   const voice = new Voice();
//   await voice.start();                 // asks for permission; throws Errors for a person
//   const { blob, format } = await voice.stop();

// Safari says that it takes webm and cannot play it, so that mp4 goes first there.
const KINDS = [
  ["audio/webm;codecs=opus", "webm"],
  ["audio/mp4", "m4a"],
  ["audio/ogg;codecs=opus", "ogg"],
];

export class Voice {
  #recorder = null;
  #stream = null;
  #parts = [];

  async start() {
    if (!navigator.mediaDevices?.getUserMedia || !window.MediaRecorder)
      throw new Error("This page has no access to a microphone: open the notebook in a browser, over https or on this machine.");
    try {
      this.#stream = await navigator.mediaDevices.getUserMedia({ audio: { channelCount: 1 } });
    } catch (error) {
      throw new Error(told(error));
    }
    const kinds = /^((?!chrome|android).)*safari/i.test(navigator.userAgent) ? [KINDS[1], KINDS[0]] : KINDS;
    const [mimeType, format] = kinds.find(([kind]) => MediaRecorder.isTypeSupported(kind)) ?? ["", "webm"];
    this.#parts = [];
    this.#recorder = new MediaRecorder(this.#stream, mimeType ? { mimeType } : {});
    this.#recorder.format = format;
    this.#recorder.ondataavailable = ({ data }) => this.#parts.push(data);
    this.#recorder.start();
  }

  get recording() {
    return this.#recorder !== null;
  }

  async stop() {
    const recorder = this.#recorder;
    if (!recorder) return null;
    if (recorder.state !== "inactive") {
      const ended = new Promise((resolve) => recorder.addEventListener("stop", resolve, { once: true }));
      recorder.stop();
      await ended;
    }
    const blob = new Blob(this.#parts, { type: recorder.mimeType });
    const { format } = recorder;
    this.close();
    return { blob, format };
  }

  /** Free the microphone. */
  close() {
    this.#stream?.getTracks().forEach((track) => track.stop());
    this.#stream = this.#recorder = null;
  }
}

function told(error) {
  if (error.name === "NotAllowedError" || error.name === "SecurityError")
    return "The microphone was refused. Allow it for this page beside its address, and try again.";
  if (error.name === "NotFoundError" || error.name === "OverconstrainedError")
    return "There is no microphone. Connect one, and try again.";
  if (error.name === "NotReadableError")
    return "The microphone is in use by another program. Close that, and try again.";
  return `The microphone does not start: ${error.message}`;
}
