// Photographs by the camera of this machine. It is asked for at the click and let go after it.
import { anyDevice, inEditor } from "./devices.js";
import { button, el } from "./shared.js";

const TEXT = {
  NotAllowedError:
    "The camera was refused. Allow it in the site settings (the sign left of the address), and click Camera again.",
  NotFoundError: "There is no camera here. Plug one in and click Camera again, or add a picture from a file.",
  NotReadableError: "The camera cannot be used: another program may hold it. Close that and click Camera again.",
  OverconstrainedError: "That camera is gone. Choose another one.",
};

/** Why there is no camera and what to do; `blocked` where only another page could help. */
function explain(error) {
  if (!window.isSecureContext || !navigator.mediaDevices?.getUserMedia)
    return { blocked: true, text: "The browser gives a camera only to https:// pages and to localhost." };
  if (inEditor()) return { blocked: true, text: "VS Code does not let notebooks use the camera." };
  const blocked = document.featurePolicy?.allowsFeature?.("camera") === false;
  if (blocked) return { blocked, text: "The page around this notebook does not pass the camera on." };
  return { blocked, text: TEXT[error.name] ?? `The camera does not start: ${error.message}` };
}

export class Camera {
  #gn;
  #how;
  #stream = null;
  #count = 0;
  #starting = 0;

  /** `how.take(blob, name)` gets each photograph; `how.opened(true or false)` is told. */
  constructor(gn, how) {
    this.#gn = gn;
    this.#how = how;
    this.video = el("video", { autoplay: true, muted: true, playsInline: true, "aria-label": "What the camera sees" });
    this.snap = button("Take picture", { class: "gw-primary" });
    this.devices = el("select", { "aria-label": "Camera", hidden: true });
    this.stop = button("Close camera");
    const row = el("div", { class: "gw-row" }, this.snap, this.devices, this.stop);
    this.node = el("div", { class: "gw-camera", hidden: true }, this.video, row);
    gn.listen(this.snap, "click", () => this.#take());
    gn.listen(this.stop, "click", () => this.close());
    gn.listen(this.devices, "change", () => this.#open(this.devices.value));
    gn.listen(this.node, "keydown", (event) => event.key === "Escape" && this.close());
    gn.onClose(() => this.close());
  }

  toggle() {
    return this.node.hidden ? this.#open() : this.close();
  }

  close() {
    this.#starting++;
    this.#release();
    const inside = this.node.contains(document.activeElement);
    this.node.hidden = true;
    this.#how.opened(false, inside);
  }

  #release() {
    this.#stream?.getTracks().forEach((track) => track.stop());
    this.#stream = this.video.srcObject = null;
  }

  async #open(device) {
    const gn = this.#gn;
    gn.fail("");
    const mine = ++this.#starting;
    this.#release(); // some systems give a camera only once
    const size = { width: { ideal: 1920 }, height: { ideal: 1080 } };
    gn.say("Waiting for the camera. The browser may ask for it.");
    let stream;
    try {
      stream = await navigator.mediaDevices.getUserMedia({
        video: device ? { ...size, deviceId: { exact: device } } : size,
      });
    } catch (error) {
      gn.say("");
      const { text, blocked } = explain(device ? error : anyDevice(error));
      gn.fail(text);
      if (blocked) gn.offerTab?.("Pick in a browser tab");
      return this.close();
    }
    if (mine !== this.#starting || gn.signal.aborted) return stream.getTracks().forEach((track) => track.stop());
    gn.say("");
    this.#stream = this.video.srcObject = stream;
    stream.getVideoTracks()[0].addEventListener("ended", () => {
      if (this.#stream !== stream) return;
      gn.fail("The camera was unplugged or taken away.");
      this.close();
    });
    this.node.hidden = false;
    this.#how.opened(true);
    this.snap.focus();
    await this.#listDevices(stream);
  }

  async #listDevices(stream) {
    const all = await navigator.mediaDevices.enumerateDevices();
    const cameras = all.filter((each) => each.kind === "videoinput");
    const current = stream.getVideoTracks()[0].getSettings().deviceId;
    const options = cameras.map((each, index) =>
      el("option", { value: each.deviceId, selected: each.deviceId === current }, each.label || `Camera ${index + 1}`),
    );
    this.devices.replaceChildren(...options);
    this.devices.hidden = cameras.length < 2;
  }

  #take() {
    const { videoWidth: width, videoHeight: height } = this.video;
    if (!width) return; // not a single frame yet
    const canvas = el("canvas", { width, height });
    canvas.getContext("2d").drawImage(this.video, 0, 0);
    canvas.toBlob((blob) => this.#how.take(blob, `camera-${++this.#count}.jpg`), "image/jpeg", 0.92);
  }
}
