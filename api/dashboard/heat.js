// Heat in the browser: the daemon gives a map of 14 x 14 numbers, and it is enlarged, coloured and cut off at a threshold
// here, as core/heat/ does it for the PNG. So threshold, opacity and view act without another request.
import { getJson } from "./net.js";

const SIDE = 14;
const PIXELS_MAX = 640; // the longer side of a canvas; nobody sees more of 14 x 14 numbers
const THRESHOLD_ALPHA = 0.75; // lets the surface shine through

// Linear light of the hues at heat 0, 1/5 .. 1 (core/heat/heat_colour.c): only proportions count, lightness is set below.
const HUES = [
  [0.2, 0.15, 1],
  [0.35, 0.06, 0.8],
  [0.8, 0.05, 0.3],
  [1, 0.16, 0.04],
  [1, 0.48, 0.02],
  [1, 0.92, 0.35],
];
const luminance = (lightness) => (lightness > 8 ? ((lightness + 16) / 116) ** 3 : lightness / 903.3);
const encode = (v) =>
  Math.floor(Math.min(1, Math.max(0, v <= 0.0031308 ? 12.92 * v : 1.055 * v ** (1 / 2.4) - 0.055)) * 255 + 0.5);

function colour(heat) {
  const place = heat * (HUES.length - 1);
  const hue = Math.min(HUES.length - 2, Math.floor(place));
  const light = HUES[hue].map((v, i) => v + (place - hue) * (HUES[hue + 1][i] - v));
  const target = luminance(2 + 92 * heat);
  const scale = target / (0.2126 * light[0] + 0.7152 * light[1] + 0.0722 * light[2]);
  const peak = scale * Math.max(...light);
  // A hue that cannot be this light goes towards the grey of this lightness until its largest channel fits.
  const fit = (v) => (peak > 1 ? target + ((v - target) * (1 - target)) / (peak - target) : v);
  return light.map((v) => encode(fit(scale * v)));
}
// [red, green, blue] of heat 0, 1/255 .. 1
export const COLOURS = Array.from({ length: 256 }, (_, i) => colour(i / 255));
// From the threshold to 1 over crimson to amber, whatever the threshold: neither end drowns in a dark or a white surface.
const hotPlace = (heat, threshold) => 0.45 + (threshold < 1 ? (0.4 * (heat - threshold)) / (1 - threshold) : 0.4);
const at = (heat) => COLOURS[Math.floor(heat * 255 + 0.5)];

// width: pixels that are enough, where the picture is shown small. Browsers cannot show raw pixels; there the
// daemon's overlay, with nothing but the very hottest on it, stands in.
export function imagePath(item, width) {
  if (item.image.media_type.startsWith("image/x-raw")) return `${item.heatmap.href}?view=overlay&threshold=1`;
  return width && width < item.image.width ? `${item.image.href}?width=${width}` : item.image.href;
}

// The map of an inspection: 196 numbers 0..1, row by row.
export async function loadMap(item, signal) {
  const { heat } = await getJson(`/v1/inspections/${item.id}/heat`, { signal });
  return heat.flat();
}

// The map of an image in a report: base64 of 196 bytes, 255 is heat 1.
export const decodeMap = (base64) => Array.from(atob(base64), (letter) => letter.charCodeAt(0) / 255);

// Where each pixel of a side lies in the map, as [interval, way through it] (torch's interpolate, align_corners = false).
const places = (count) =>
  Array.from({ length: count }, (_, p) => {
    const place = Math.max(0, ((p + 0.5) * SIDE) / count - 0.5);
    const interval = Math.min(SIDE - 1, Math.floor(place));
    return [interval, place - interval];
  });

// The map enlarged bilinearly to width x height.
export function enlarge(map, width, height) {
  const columns = places(width);
  const out = new Float32Array(width * height);
  const profile = new Float64Array(SIDE + 1);
  places(height).forEach(([upper, fraction], y) => {
    const lower = Math.min(SIDE - 1, upper + 1);
    for (let c = 0; c < SIDE; c++) {
      const a = map[upper * SIDE + c];
      profile[c] = a + fraction * (map[lower * SIDE + c] - a);
    }
    profile[SIDE] = profile[SIDE - 1];
    columns.forEach(([c, f], x) => {
      out[y * width + x] = profile[c] + f * (profile[c + 1] - profile[c]);
    });
  });
  return out;
}

// The size in which the heat of a picture of width x height is drawn, its longer side at most `most` pixels.
export function drawnSize({ width, height }, most = PIXELS_MAX) {
  const scale = Math.min(1, most / Math.max(width, height));
  return { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) };
}

// A map scaled per image lights up somewhere on every good part, so there, as in the daemon, nothing counts as hot.
export const isCold = ({ heatmap, verdict }) => heatmap.scale === "per_image" && verdict === "good";

// Draws heat ({width, height, values}) into the canvas that lies over the picture: all of it with whole, else what is at
// or above the threshold, if any of it counts as hot. alpha: 0..1. Answers the share that is hot.
export function drawHeat(
  canvas,
  { width, height, values },
  { threshold, cold = false, whole = false, alpha = THRESHOLD_ALPHA },
) {
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  const picture = new ImageData(width, height);
  const opacity = Math.round(255 * alpha);
  let hot = 0;
  values.forEach((heat, i) => {
    const above = !cold && heat >= threshold;
    hot += above;
    if (!whole && !above) return;
    picture.data.set(at(whole ? heat : hotPlace(heat, threshold)), 4 * i);
    picture.data[4 * i + 3] = opacity;
  });
  canvas.getContext("2d").putImageData(picture, 0, 0);
  return hot / values.length;
}

// A canvas for the heat over a small picture of {width, height}, filled once map (a promise of one) is there.
export function heatCanvas(size, map, threshold) {
  const canvas = document.createElement("canvas");
  canvas.className = "heat";
  canvas.setAttribute("aria-hidden", "true");
  Promise.resolve(map).then(
    (numbers) => drawHeat(canvas, { ...size, values: enlarge(numbers, size.width, size.height) }, { threshold }),
    () => canvas.remove(), // the picture is shown without
  );
  return canvas;
}
