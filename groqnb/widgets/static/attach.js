// Images on a widget's page: by choice, paste and drop; shown small, uploaded, removed.
// The kernel's part is groqnb/widgets/attaching.py.
//
//   const images = new Attachments(gn, act);     // act("detach", {id}) asks the kernel
//   row.append(images.add); box.append(images.strip, images.file);
//   images.restore(hello.attached);
//   if (await images.settled()) send(images.ids);
import { button, el } from "./shared.js";
import { imageBitmap, imageFacts, imageThumb, imageWithin } from "./images.js";

const LARGEST = { bytes: 2_800_000, pixels: 33_177_600 }; // the kernel looks again at all together
const MOST = 5;

export class Attachments {
  #gn;
  #act;
  #images = []; // {id, name, facts, url}
  #coming = new Set(); // promises of those that are being added: whether all went well

  constructor(gn, act) {
    this.#gn = gn;
    this.#act = act;
    this.strip = el("div", { class: "gw-attach-strip", role: "list", "aria-label": "Images to send", hidden: true });
    this.file = el("input", { type: "file", accept: "image/*", multiple: true, hidden: true, "aria-label": "Image files" });
    this.add = button("Image", { "aria-label": "Add images", title: "Add images; pasting and dropping work too" });
    gn.listen(this.add, "click", () => this.file.click());
    gn.listen(this.file, "change", () => {
      this.attach([...this.file.files]);
      this.file.value = "";
    });
    gn.listen(gn.root, "paste", (event) => this.#given(event, event.clipboardData));
    gn.listen(gn.root, "dragover", (event) => {
      if (![...event.dataTransfer.types].includes("Files")) return;
      event.preventDefault();
      event.stopPropagation();
      gn.root.classList.add("gw-drop");
    });
    gn.listen(gn.root, "dragleave", () => gn.root.classList.remove("gw-drop"));
    gn.listen(gn.root, "drop", (event) => {
      gn.root.classList.remove("gw-drop");
      if (this.#given(event, event.dataTransfer)) event.stopPropagation();
    });
    gn.onClose(() => this.#forget());
  }

  get ids() {
    return this.#images.map(({ id }) => id);
  }

  /** Images that the kernel has already; their pictures are gone with the page that had them. */
  restore(attached) {
    const had = this.#images; // added while the kernel was asked
    const news = attached.filter(({ id }) => had.every((image) => image.id !== id));
    this.#images = [...news.map((image) => ({ ...image, url: null })), ...had];
    this.#show();
  }

  /** These were sent. */
  clear(ids) {
    this.#forget(ids);
    this.#show();
  }

  /** Wait for what is being added; false where some of it could not be. */
  async settled() {
    return (await Promise.all(this.#coming)).every(Boolean);
  }

  attach(files) {
    const coming = this.#attachAll(files).finally(() => this.#coming.delete(coming));
    this.#coming.add(coming);
  }

  async #attachAll(files) {
    const gn = this.#gn;
    let well = true;
    gn.fail("");
    for (const file of files) {
      const name = file.name || "the image";
      gn.say(`Adding ${name}…`);
      try {
        if (this.#images.length >= MOST) throw new Error(`A request holds at most ${MOST} images.`);
        await this.#attach(file, name);
      } catch (error) {
        well = false;
        gn.fail(error.message);
      } finally {
        gn.say("");
      }
    }
    return well;
  }

  async #attach(file, name) {
    const facts = await imageFacts(file, name);
    const bitmap = await imageBitmap(file, facts, name);
    const { blob } = await imageWithin(file, facts, bitmap, LARGEST);
    const thumb = await imageThumb(bitmap);
    bitmap.close();
    const upload = this.#gn.link.upload("image");
    upload.write(await blob.arrayBuffer());
    const small = base64(new Uint8Array(await thumb.arrayBuffer()));
    const taken = await upload.finish({ name, thumb: small });
    this.#images.push({ ...taken, name, url: URL.createObjectURL(thumb) });
    this.#show();
  }

  #given(event, data) {
    const files = [...(data?.files ?? [])];
    if (!files.length) return false;
    event.preventDefault();
    this.attach(files);
    return true;
  }

  #show() {
    this.strip.hidden = !this.#images.length;
    this.strip.replaceChildren(
      ...this.#images.map((image) => {
        const what = image.name ?? image.facts;
        const remove = button("✕", { class: "gw-attach-remove", "aria-label": `Remove ${what}`, title: "Remove" });
        remove.addEventListener("click", () => this.#remove(image));
        const shown = image.url ? el("img", { src: image.url, alt: what, title: image.facts }) : el("span", {}, what);
        return el("div", { class: "gw-attach-image", role: "listitem" }, shown, remove);
      }),
    );
  }

  #remove(image) {
    if (image.url) URL.revokeObjectURL(image.url);
    this.#images = this.#images.filter((each) => each !== image);
    this.#show();
    this.add.focus();
    this.#act("detach", { id: image.id });
  }

  #forget(ids = this.ids) {
    for (const { id, url } of this.#images) if (url && ids.includes(id)) URL.revokeObjectURL(url);
    this.#images = this.#images.filter(({ id }) => !ids.includes(id));
  }
}

function base64(bytes) {
  let text = "";
  for (let at = 0; at < bytes.length; at += 8192) text += String.fromCharCode(...bytes.subarray(at, at + 8192));
  return btoa(text);
}
