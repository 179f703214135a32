// Drift: how the good parts of each camera score, day by day, against those of the training.
import { chart } from "./charts.js";
import { h, percent } from "./dom.js";
import { getJson, query } from "./net.js";

const WINDOW = "30d";
const DRIFTS = { higher: "more suspicious than in the training", lower: "less suspicious than in the training" };
const SILENT = {
  few: "Fewer than 50 good parts on the last day: not judged",
  unknown: "Its version keeps no scores of good parts: train again",
};

const at = (day) => Date.parse(`${day}T12:00:00Z`); // the middle of the day, so that it has one date in most time zones
const dayText = (time) =>
  new Date(time).toLocaleDateString(undefined, { day: "numeric", month: "short", timeZone: "UTC" });

// The day that counts, as for the daemon's alarm: the last one, or the one before it while the last has few parts.
const telling = (days) => days.slice(-2).findLast(({ state }) => state !== "few") ?? days.at(-1);

// Says the state of a camera in words. days: oldest first, at least one.
export function driftText(days) {
  const { state, high, low, limit, day } = telling(days);
  if (SILENT[state]) return SILENT[state];
  const share = state === "lower" ? low : high;
  const tenth = state === "lower" ? "lowest" : "highest";
  const said = `${percent(share)} of the good parts of ${dayText(at(day))} lie in the ${tenth} tenth of the training (limit ${percent(limit)})`;
  return DRIFTS[state] ? `Drift, ${DRIFTS[state]}: ${said}` : `No drift: ${said}`;
}

export const drifting = (days) => Boolean(DRIFTS[telling(days).state]);

// Of a day with two versions the one with more parts counts in the chart.
function oneADay(days) {
  const largest = new Map();
  for (const day of days) if (!(largest.get(day.day)?.parts > day.parts)) largest.set(day.day, day);
  return [...largest.values()];
}

function camera({ camera: name, days }, domain, max) {
  const shown = oneADay(days);
  const line = (text, read) => ({ name: text, points: shown.map((day) => [at(day.day), read(day)]) });
  const marks = shown.filter((day, i) => i && day.model !== shown[i - 1].model).map(({ day }) => at(day));
  const picture = chart(
    { title: name ?? "without camera", format: (share) => percent(share, 0), formatX: dayText, time: true, max },
    [
      line("highest tenth", ({ high }) => high),
      line("lowest tenth", ({ low }) => low),
      line("limit", ({ limit }) => limit),
    ],
    { domain, marks },
  );
  const text = h("p", { class: drifting(days) ? "drift-text failure" : "drift-text" }, driftText(days));
  return h("div", { class: "drift-camera", "data-camera": name ?? "" }, picture, text);
}

// Makes the part of a product. It is open if a camera drifts. Fills itself.
export function driftPart(product, signal) {
  const place = h("div", { class: "drift-grid" });
  const part = h(
    "details",
    { class: "drift" },
    h("summary", {}, h("h3", {}, "Drift: the good parts of each camera by day")),
    h(
      "p",
      { class: "hint" },
      "Without drift a tenth of the good parts scores like the highest tenth of the training, and a tenth like the lowest. " +
        "A vertical line is a new version.",
    ),
    place,
  );
  const fill = async () => {
    const { since, until, cameras, more } = await getJson(
      `/v1/statistics/drift?${query({ product, window: WINDOW })}`,
      {
        signal,
      },
    );
    const domain = [at(since), at(until) + 43200e3];
    const shares = cameras.flatMap(({ days }) => days.flatMap(({ high, low, limit }) => [high, low, limit]));
    const max = Math.min(1, 1.08 * Math.max(0.2, ...shares)); // one scale for all, so that they can be compared
    place.replaceChildren(...cameras.map((one) => camera(one, domain, max)));
    if (!cameras.length) place.append(h("p", {}, "No part was judged good in the last 30 days."));
    if (more) place.append(h("p", {}, "More cameras have parts; these are the first ones."));
    if (cameras.some(({ days }) => drifting(days))) part.open = true;
  };
  fill().catch((error) => {
    if (!signal.aborted) place.replaceChildren(h("p", { class: "failure" }, error.message));
  });
  return part;
}
