// A short recording by the microphone, for a question that is spoken.
//
//   const voice = new Voice();
//   await voice.start();                 // asks for permission; throws Errors for a person
//   const { blob, format } = await voice.stop();
import { explain, recordable } from "./microphone.js";

const FORMATS = { "audio/webm": "webm", "audio/mp4": "m4a", "audio/ogg": "ogg" };

export class Voice {
  #recorder = null;
  #stream = null;
  #parts = [];
  #wanted = false;

  async start() {
    this.#wanted = true;
    try {
      this.#stream = await navigator.mediaDevices.getUserMedia({ audio: { channelCount: 1 } });
      if (!this.#wanted) return this.close(); // the widget went while the person was asked
      const mimeType = recordable();
      this.#parts = [];
      this.#recorder = new MediaRecorder(this.#stream, mimeType ? { mimeType } : {});
      this.#recorder.ondataavailable = ({ data }) => this.#parts.push(data);
      this.#recorder.start();
    } catch (error) {
      this.close();
      const { text } = await explain(error);
      // Here the button is another, and there is no file to use.
      throw new Error(text.replace(/press Record again/g, "press Speak again").replace(/,? or use a file/g, ""));
    }
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
    this.close();
    return { blob, format: FORMATS[blob.type.split(";")[0]] ?? "webm" };
  }

  /** Free the microphone. */
  close() {
    this.#stream?.getTracks().forEach((track) => track.stop());
    this.#stream = this.#recorder = null;
    this.#wanted = false;
  }
}
