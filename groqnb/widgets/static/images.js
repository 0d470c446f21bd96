// Pictures in the browser: what some bytes are, how large, and smaller copies of them.
// The rules are those of `groqnb/image_encoding.py`: what fits goes as it is, byte for byte.
//
//   const facts = await imageFacts(blob, name);              // {kind, width, height}
//   const bitmap = await imageBitmap(blob, facts, name);
//   const sent = await imageWithin(blob, facts, bitmap, { bytes, pixels });
import { bytesText } from "./shared.js";

// The kinds that the API takes.
export const IMAGE_TYPES = { PNG: "image/png", JPEG: "image/jpeg", WebP: "image/webp", GIF: "image/gif" };

const QUALITIES = [0.9, 0.8, 0.65];
const LARGEST_FILE = 250e6; // bytes; what is larger is no picture for a prompt
const LARGEST_PIXELS = 250e6; // more than a browser can hold
const HEAD = 1 << 20; // bytes; before the size of a JPEG may stand profiles and previews
const THUMB = 160; // px of the longer side

/** The kind of an image by its bytes, and its size in pixels where the header tells; else null. */
export function imageHeader(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const text = (at, length) => String.fromCharCode(...bytes.subarray(at, at + length));
  try {
    if (text(0, 8) === "\x89PNG\r\n\x1a\n" && text(12, 4) === "IHDR")
      return { kind: "PNG", width: view.getUint32(16), height: view.getUint32(20) };
    if (/^GIF8[79]a/.test(text(0, 6)))
      return { kind: "GIF", width: view.getUint16(6, true), height: view.getUint16(8, true) };
    if (text(0, 3) === "\xff\xd8\xff") return jpegHeader(view);
    if (text(0, 4) === "RIFF" && text(8, 4) === "WEBP") return webpHeader(view, text);
    if (text(0, 2) === "BM" && view.getUint32(14, true) >= 40) {
      const height = Math.abs(view.getInt32(22, true)); // below 0 where the top row comes first
      return { kind: "BMP", width: view.getInt32(18, true), height };
    }
    if (["II*\0", "MM\0*"].includes(text(0, 4))) return { kind: "TIFF" };
    if (text(4, 4) === "ftyp") return isoHeader(text(8, 4));
    if (text(0, 4) === "\0\0\x01\0") return { kind: "ICO" };
  } catch (error) {
    if (!(error instanceof RangeError)) throw error; // it ends before its header does
  }
  return /<svg[\s>]/.test(text(0, 2000)) ? { kind: "SVG" } : null;
}

function jpegHeader(view) {
  for (let at = 2; ; ) {
    if (view.getUint8(at) !== 0xff) return null;
    while (view.getUint8(at) === 0xff) at++; // any number of them may stand before a marker
    const marker = view.getUint8(at++);
    if (marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker))
      return { kind: "JPEG", width: view.getUint16(at + 5), height: view.getUint16(at + 3) };
    if (marker === 0xd9 || marker === 0xda) return null; // the pixels, and no size before them
    if (marker !== 0x01 && !(marker >= 0xd0 && marker <= 0xd8)) at += view.getUint16(at);
  }
}

function webpHeader(view, text) {
  const made = (width, height) => ({ kind: "WebP", width, height });
  const three = (at) => view.getUint16(at, true) + (view.getUint8(at + 2) << 16);
  if (text(12, 4) === "VP8X") return made(three(24) + 1, three(27) + 1);
  if (text(12, 4) === "VP8L" && view.getUint8(20) === 0x2f) {
    const bits = view.getUint32(21, true);
    return made((bits & 0x3fff) + 1, ((bits >> 14) & 0x3fff) + 1);
  }
  if (text(12, 4) === "VP8 " && text(23, 3) === "\x9d\x01\x2a")
    return made(view.getUint16(26, true) & 0x3fff, view.getUint16(28, true) & 0x3fff);
  return null;
}

function isoHeader(brand) {
  if (/^avi[fs]/.test(brand)) return { kind: "AVIF" };
  return /^(hei[cmsx]|hev[cmsx]|mif1|msf1)/.test(brand) ? { kind: "HEIC" } : null;
}

/** What a blob is, by its bytes. Throws an Error with a message for a person. */
export async function imageFacts(blob, name) {
  if (!blob.size) throw new Error(`${name} is empty.`);
  if (blob.size > LARGEST_FILE)
    throw new Error(`${name} has ${bytesText(blob.size)}; that is too large for a picture (at most 250 MB).`);
  let bytes;
  try {
    bytes = new Uint8Array(await blob.slice(0, HEAD).arrayBuffer());
  } catch {
    throw new Error(`${name} cannot be read. Is it a file, and still there?`);
  }
  const found = imageHeader(bytes);
  if (!found) throw new Error(`${name} is not an image: PNG, JPEG, WebP and GIF are.`);
  if (found.kind === "SVG")
    throw new Error(`${name} is a drawing (SVG), and models take pixels. Export it as PNG.`);
  if (found.width <= 0 || found.height <= 0) throw new Error(`${name} has no pixels.`);
  if (found.width * found.height > LARGEST_PIXELS)
    throw new Error(`${name} has ${found.width} × ${found.height} pixels; a browser cannot shrink that.`);
  return found;
}

/** Its pixels. Throws an Error with a message for a person. */
export async function imageBitmap(blob, facts, name) {
  try {
    return await createImageBitmap(blob);
  } catch {
    const why = facts.kind in IMAGE_TYPES ? "it is broken" : `this browser cannot read ${facts.kind}`;
    throw new Error(`${name} cannot be shown: ${why}. Save it as PNG or JPEG and add it again.`);
  }
}

function drawn(bitmap, width, height, paper) {
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d");
  if (paper) {
    context.fillStyle = "#fff"; // JPEG has no transparency
    context.fillRect(0, 0, width, height);
  }
  context.imageSmoothingQuality = "high";
  context.drawImage(bitmap, 0, 0, width, height);
  return canvas;
}

/** A small picture of it, for the page and the saved notebook: a JPEG of a few kB. */
export async function imageThumb(bitmap) {
  const scale = Math.min(1, THUMB / Math.max(bitmap.width, bitmap.height));
  const side = (pixels) => Math.max(1, Math.round(pixels * scale));
  const canvas = drawn(bitmap, side(bitmap.width), side(bitmap.height), true);
  return canvas.convertToBlob({ type: "image/jpeg", quality: 0.75 });
}

/** Whether the API takes it as it is: `most.bytes` bytes and `most.pixels` pixels at most. */
export function imageFits(blob, facts, most) {
  return facts.kind in IMAGE_TYPES && facts.width * facts.height <= most.pixels && blob.size <= most.bytes;
}

/** The image as it is where it fits, else made smaller: {blob, kind, width, height}. */
export async function imageWithin(blob, facts, bitmap, most) {
  if (imageFits(blob, facts, most)) return { ...facts, blob };
  let scale = Math.min(1, 0.999 * Math.sqrt(most.pixels / (bitmap.width * bitmap.height)));
  if (!(facts.kind in IMAGE_TYPES) && scale === 1) {
    // Of a kind that the API does not take: as PNG nothing of it is lost.
    const canvas = drawn(bitmap, bitmap.width, bitmap.height, false);
    const png = await canvas.convertToBlob({ type: "image/png" });
    const { width, height } = canvas;
    if (png.size <= most.bytes) return { blob: png, kind: "PNG", width, height };
  }
  for (;;) {
    const width = Math.max(1, Math.floor(bitmap.width * scale));
    const height = Math.max(1, Math.floor(bitmap.height * scale));
    const canvas = drawn(bitmap, width, height, true);
    let size = 0;
    for (const quality of QUALITIES) {
      const made = await canvas.convertToBlob({ type: "image/jpeg", quality });
      if (made.size <= most.bytes) return { blob: made, kind: "JPEG", width, height };
      size = made.size;
      if (size > 4 * most.bytes) break; // no quality makes up for that
    }
    if (width === 1 && height === 1) throw new Error("No room is left for this image.");
    // A quarter smaller at a time, or more where it is far too large.
    scale *= Math.max(0.3, Math.min(0.75, Math.sqrt(most.bytes / size)));
  }
}

/**
 * How many bytes each may have so that all together have at most `total`, by the `sizes` that they
 * have by themselves: what the small ones do not need is the others' to use.
 */
export function imageShares(sizes, total) {
  const shares = new Array(sizes.length);
  const order = sizes.map((_, index) => index).sort((a, b) => sizes[a] - sizes[b]);
  let left = total;
  order.forEach((index, done) => {
    shares[index] = Math.max(0, Math.floor(left / (sizes.length - done)));
    left -= Math.min(sizes[index], shares[index]);
  });
  return shares;
}
