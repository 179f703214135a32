// The heatmap in the browser. The daemon's raw view gives every pixel the lightness of its heat
// (core/heat/heat_colour.c: L* = 2 + 92 heat), so one picture holds the whole map: heat is read back from it, and
// threshold and opacity act without another request.
import { request } from "./net.js";

const SIDE_MAX = 640; // pixels of the canvas; the map itself is 14 x 14

const linear = Array.from({ length: 256 }, (_, i) => (i <= 10 ? i / 255 / 12.92 : ((i / 255 + 0.055) / 1.055) ** 2.4));

function heatOf(r, g, b) {
  const y = 0.2126 * linear[r] + 0.7152 * linear[g] + 0.0722 * linear[b];
  const lightness = y > 216 / 24389 ? 116 * Math.cbrt(y) - 16 : (y * 24389) / 27;
  return Math.min(1, Math.max(0, (lightness - 2) / 92));
}

// width: pixels that are enough, where the picture is shown small. Browsers cannot show raw pixels; there the
// daemon's overlay, with nothing but the very hottest on it, stands in.
export function imagePath(item, width) {
  if (item.image.media_type.startsWith("image/x-raw")) return `${item.heatmap.href}?view=overlay&threshold=1`;
  return width && width < item.image.width ? `${item.image.href}?width=${width}` : item.image.href;
}

// What is above the item's threshold, transparent elsewhere.
export const heatPath = (item, width) =>
  width < item.image.width ? `${item.heatmap.href}?width=${width}` : item.heatmap.href;

// {colours: ImageData of the raw view, heat: Float32Array 0..1 per pixel}
export async function loadHeat(item, signal) {
  const narrow = item.image.width > SIDE_MAX ? `&width=${SIDE_MAX}` : "";
  const answer = await request(`${item.heatmap.href}?view=raw${narrow}`, { signal });
  const raw = await createImageBitmap(await answer.blob(), { colorSpaceConversion: "none" });
  const scale = Math.min(1, SIDE_MAX / Math.max(raw.width, raw.height));
  const width = Math.max(1, Math.round(raw.width * scale));
  const height = Math.max(1, Math.round(raw.height * scale));
  const context = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
  context.drawImage(raw, 0, 0, width, height);
  raw.close();
  const colours = context.getImageData(0, 0, width, height);
  const { data } = colours;
  const heat = new Float32Array(width * height);
  for (let i = 0; i < heat.length; i++) heat[i] = heatOf(data[4 * i], data[4 * i + 1], data[4 * i + 2]);
  return { colours, heat };
}

// Draws view "overlay" | "threshold" | "raw" | "image" into the canvas that lies over the image, and answers which
// share of it is at or above the threshold. A map scaled per image lights up somewhere on every good part, so there,
// as in the daemon, nothing counts as above.
export function drawHeat(canvas, item, { colours, heat }, { view, threshold, opacity }) {
  const { width, height } = colours;
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  const shown = new ImageData(new Uint8ClampedArray(colours.data), width, height);
  const cold = item.heatmap.scale === "per_image" && item.verdict === "good";
  const alpha = Math.round(255 * opacity);
  let hot = 0;
  for (let i = 0; i < heat.length; i++) {
    const above = !cold && heat[i] >= threshold;
    hot += above;
    shown.data[4 * i + 3] = view !== "image" && (view === "raw" || above) ? alpha : 0;
  }
  canvas.getContext("2d").putImageData(shown, 0, 0);
  return hot / heat.length;
}
