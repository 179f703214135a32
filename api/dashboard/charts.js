// Small charts as SVG: lines over time, drawn to the width they get. Each says its figures in words, too.
import { h, svg } from "./dom.js";

const WIDTH = 320, HEIGHT = 96, LEFT = 44, BOTTOM = 16, TOP = 8;

function niceMax(value) {
  if (!(value > 0)) return 1;
  const step = 10 ** Math.floor(Math.log10(value));
  return [1, 1.5, 2, 3, 5, 10].map((n) => n * step).find((n) => n >= value * 0.999);
}

const path = (points, x, y) => {
  let text = "", pen = "M";
  for (const [px, py] of points) {
    if (py === null) pen = "M"; // a gap
    else { text += `${pen}${x(px).toFixed(1)} ${y(py).toFixed(1)}`; pen = "L"; }
  }
  return text;
};

function describe(title, series, format) {
  return `${title}: ` + series.map(({ name, points }) => {
    const values = points.map((p) => p[1]).filter((v) => v !== null);
    if (!values.length) return `${name} no data`;
    return `${name} now ${format(values.at(-1))}, lowest ${format(Math.min(...values))}, highest ${format(Math.max(...values))}`;
  }).join("; ");
}

function readout(series, format, formatX, px, { x }) {
  const nearest = (points) => points.reduce((best, p) => (p[1] !== null && (!best || Math.abs(x(p[0]) - px) < Math.abs(x(best[0]) - px)) ? p : best), null);
  const found = series.map((s) => [s.name, nearest(s.points)]).filter(([, p]) => p);
  if (!found.length) return "";
  return `${formatX(found[0][1][0])} · ${found.map(([name, p]) => `${found.length > 1 ? `${name} ` : ""}${format(p[1])}`).join(" · ")}`;
}

function area(series, format, formatX, max, domain) {
  const all = series.flatMap((s) => s.points).filter((p) => p[1] !== null);
  const [low, high] = domain ?? [Math.min(...all.map((p) => p[0])), Math.max(...all.map((p) => p[0]))];
  const top = max ?? niceMax(Math.max(...all.map((p) => p[1])));
  const x = (v) => LEFT + ((v - low) / (high - low || 1)) * (WIDTH - LEFT - 6);
  const y = (v) => HEIGHT - BOTTOM - (Math.min(v, top) / top) * (HEIGHT - BOTTOM - TOP);
  const text = (px, py, anchor, words) => svg("text", { x: px, y: py, "text-anchor": anchor }, words);
  const parts = [0, 0.5, 1].map((share) => svg("line", { class: "grid", x1: LEFT, x2: WIDTH - 6, y1: y(share * top), y2: y(share * top) }));
  parts.push(text(LEFT - 5, y(top) + 4, "end", format(top)), text(LEFT - 5, y(0) + 3, "end", format(0)),
    text(LEFT, HEIGHT - 3, "start", formatX(low)), text(WIDTH - 6, HEIGHT - 3, "end", formatX(high)));
  series.forEach((s, i) => {
    const solid = s.points.filter((p) => p[1] !== null);
    parts.push(svg("path", { class: `series${i}`, d: path(s.points, x, y) }));
    if (solid.length && solid.length < 30) parts.push(...solid.map((p) => svg("circle", { class: `dot series${i}`, cx: x(p[0]), cy: y(p[1]), r: 2 })));
  });
  return { parts, x };
}

// series: [{name, points: [[x, y or null], ...]}]; format and formatX turn a number into words; max: the top of the
// scale (else the next round number); domain: [first, last] x. Returns a <figure>.
export function lineChart({ title, series, format, formatX, max, domain }) {
  const drawn = series.some((s) => s.points.some((p) => p[1] !== null));
  const output = h("output", { class: "readout" });
  const caption = h("figcaption", {}, h("span", {}, title), output);
  if (!drawn) return h("figure", { class: "chart" }, caption, h("p", { class: "empty" }, "Nothing yet"));
  const { parts, x } = area(series, format, formatX, max, domain);
  const values = series[0].points.map((p) => p[1]).filter((v) => v !== null);
  const resting = series.length > 1 ? "" : values.length ? format(values.at(-1)) : "";
  output.textContent = resting;
  const graphic = svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": describe(title, series, format) }, parts);
  graphic.addEventListener("pointermove", (event) => {
    const box = graphic.getBoundingClientRect();
    output.textContent = readout(series, format, formatX, ((event.clientX - box.left) / box.width) * WIDTH, { x });
  });
  graphic.addEventListener("pointerleave", () => { output.textContent = resting; });
  const legend = series.length > 1 && h("ul", { class: "legend" }, series.map((s, i) => h("li", { class: `series${i}` }, s.name)));
  return h("figure", { class: "chart" }, caption, graphic, legend);
}
