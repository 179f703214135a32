// The heatmap in the browser. The daemon's raw view gives every pixel the lightness of its heat
// (core/inspect/heat_colour.c: L* = 2 + 92 heat), so one picture holds the whole map: heat is read back from it, and
// threshold and opacity act without another request.
import { request } from "./net.js";

const SIDE_MAX = 1024; // pixels of the canvas; the map itself is 14 x 14

const linear = Array.from({ length: 256 }, (_, i) => (i <= 10 ? i / 255 / 12.92 : ((i / 255 + 0.055) / 1.055) ** 2.4));

function heatOf(r, g, b) {
  const y = 0.2126 * linear[r] + 0.7152 * linear[g] + 0.0722 * linear[b];
  const lightness = y > 216 / 24389 ? 116 * Math.cbrt(y) - 16 : (y * 24389) / 27;
  return Math.min(1, Math.max(0, (lightness - 2) / 92));
}

// Browsers cannot show raw pixels; there the daemon's overlay, with nothing but the very hottest on it, stands in.
export const imagePath = (item) =>
  item.image.media_type.startsWith("image/x-raw") ? `${item.heatmap.href}?view=overlay&threshold=1` : item.image.href;

async function bitmap(path, signal) {
  return createImageBitmap(await (await request(path, { signal })).blob(), { colorSpaceConversion: "none" });
}

// {image: bitmap or null, colours: ImageData of the raw view, heat: Float32Array 0..1 per pixel}
export async function loadHeat(item, signal) {
  const [raw, image] = await Promise.all([
    bitmap(`${item.heatmap.href}?view=raw`, signal),
    item.image.kept ? bitmap(imagePath(item), signal).catch(() => null) : null,
  ]);
  const scale = Math.min(1, SIDE_MAX / Math.max(raw.width, raw.height));
  const canvas = new OffscreenCanvas(Math.max(1, Math.round(raw.width * scale)), Math.max(1, Math.round(raw.height * scale)));
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(raw, 0, 0, canvas.width, canvas.height);
  const colours = context.getImageData(0, 0, canvas.width, canvas.height);
  const heat = new Float32Array(canvas.width * canvas.height);
  for (let i = 0; i < heat.length; i++) heat[i] = heatOf(...colours.data.subarray(4 * i, 4 * i + 3));
  return { image, colours, heat };
}

// Draws view "overlay" | "threshold" | "raw" | "image" into canvas. A map scaled per image lights up somewhere on
// every good part, so there, as in the daemon, nothing counts as above the threshold.
export function drawHeat(canvas, item, { image, colours, heat }, { view, threshold, opacity }) {
  const { width, height } = colours;
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  const context = canvas.getContext("2d");
  context.clearRect(0, 0, width, height);
  if (image && (view === "overlay" || view === "image")) context.drawImage(image, 0, 0, width, height);
  if (view === "image") return 0;
  const shown = new ImageData(new Uint8ClampedArray(colours.data), width, height);
  const cold = item.heatmap.scale === "per_image" && item.verdict === "good";
  let hot = 0;
  for (let i = 0; i < heat.length; i++) {
    const above = !cold && heat[i] >= threshold;
    hot += above;
    shown.data[4 * i + 3] = view === "raw" || above ? Math.round(255 * opacity) : 0;
  }
  const layer = new OffscreenCanvas(width, height);
  layer.getContext("2d").putImageData(shown, 0, 0);
  context.drawImage(layer, 0, 0);
  return hot / heat.length;
}
