// Draws heat: enlarges the daemon's map, 14 x 14 numbers or more with tiles, colours it and cuts it off at a threshold, as core/heat/
// does for the PNG. Changes of threshold, opacity and view therefore need no request.
import { getJson } from "./net.js";

const REPORT_SIDE = 14;
const PIXELS_MAX = 640; // longer side of a canvas; more pixels would hardly show more of so few numbers
const THRESHOLD_ALPHA = 0.75; // lets the surface shine through

// Linear light of the hues at heat 0, 1/5 .. 1 (core/heat/heat_colour.c). Only proportions count; lightness is set
// below.
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
  // Mixes a hue that cannot be this light with the grey of this lightness until its largest channel fits.
  const fit = (v) => (peak > 1 ? target + ((v - target) * (1 - target)) / (peak - target) : v);
  return light.map((v) => encode(fit(scale * v)));
}
// [red, green, blue] for heat 0, 1/255 .. 1
export const COLOURS = Array.from({ length: 256 }, (_, i) => colour(i / 255));
// Colours heat from the threshold to 1 with crimson to amber: both ends are visible on dark and on white surfaces.
const hotPlace = (heat, threshold) => 0.45 + (threshold < 1 ? (0.4 * (heat - threshold)) / (1 - threshold) : 0.4);
const at = (heat) => COLOURS[Math.floor(heat * 255 + 0.5)];

// Returns the URL of the picture. width: enough pixels for a small picture. Browsers cannot show raw frames; for these
// it is the daemon's overlay at threshold 1, which shows almost no heat.
export function imagePath(item, width) {
  if (item.image.media_type.startsWith("image/x-raw")) return `${item.heatmap.href}?view=overlay&threshold=1`;
  return width && width < item.image.width ? `${item.image.href}?width=${width}` : item.image.href;
}

// Fetches the map of an inspection: {columns, rows, numbers}, numbers 0..1, row by row.
export async function loadMap(item, signal) {
  const { columns, rows, heat } = await getJson(`/v1/inspections/${item.id}/heat`, { signal });
  return { columns, rows, numbers: heat.flat() };
}

// Decodes the map of an image in a report: base64 of 196 bytes, 255 is heat 1.
export const decodeMap = (base64) => ({
  columns: REPORT_SIDE,
  rows: REPORT_SIDE,
  numbers: Array.from(atob(base64), (letter) => letter.charCodeAt(0) / 255),
});

// Maps each of `count` pixels of a side to the cells of the map, as [interval, fraction of it] (torch's interpolate,
// align_corners = false).
const places = (count, cells) =>
  Array.from({ length: count }, (_, p) => {
    const place = Math.max(0, ((p + 0.5) * cells) / count - 0.5);
    const interval = Math.min(cells - 1, Math.floor(place));
    return [interval, place - interval];
  });

// Enlarges the map bilinearly to width x height.
export function enlarge({ columns, rows, numbers }, width, height) {
  const across = places(width, columns);
  const out = new Float32Array(width * height);
  const profile = new Float64Array(columns + 1);
  places(height, rows).forEach(([upper, fraction], y) => {
    const lower = Math.min(rows - 1, upper + 1);
    for (let c = 0; c < columns; c++) {
      const a = numbers[upper * columns + c];
      profile[c] = a + fraction * (numbers[lower * columns + c] - a);
    }
    profile[columns] = profile[columns - 1];
    across.forEach(([c, f], x) => {
      out[y * width + x] = profile[c] + f * (profile[c + 1] - profile[c]);
    });
  });
  return out;
}

// Returns the canvas size for the heat of a picture of width x height; the longer side has at most `most` pixels.
export function drawnSize({ width, height }, most = PIXELS_MAX) {
  const scale = Math.min(1, most / Math.max(width, height));
  return { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) };
}

// Says whether nothing counts as hot: a map scaled per image reaches 1 on every good part too (as in the daemon).
export const isCold = ({ heatmap, verdict }) => heatmap.scale === "per_image" && verdict === "good";

// Draws heat ({width, height, values}) on the canvas over the picture: all of it if `whole`, else the values at or
// above the threshold, unless the map is cold. alpha: 0..1. Returns the share of hot pixels.
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

// Makes a canvas for the heat over a small picture of {width, height}; draws it when the promise `map` resolves.
export function heatCanvas(size, map, threshold) {
  const canvas = document.createElement("canvas");
  canvas.className = "heat";
  canvas.setAttribute("aria-hidden", "true");
  Promise.resolve(map).then(
    (whole) => drawHeat(canvas, { ...size, values: enlarge(whole, size.width, size.height) }, { threshold }),
    () => canvas.remove(), // the picture stays without heat
  );
  return canvas;
}
