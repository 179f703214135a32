// The stages of an inspection and the time that each takes.
import { h, milliseconds } from "./dom.js";

// timing_ms' members, in the order in which they happen, and what each is.
const STAGES = {
  receive: "from the headers to the end of the image",
  wait: "for a free thread, and for the commit of the inspections before",
  decode: "hash, decode and resize the image",
  queue: "for the device",
  inference: "the pass that the image was part of",
  store: "verdict, boxes and the image file",
};

function median(numbers) {
  const sorted = numbers.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}

// The median of each stage over items. A stage is left out where no item has it: old records lack some.
export function stageMedians(items) {
  const medians = {};
  for (const stage of Object.keys(STAGES)) {
    const known = items.map(({ timing_ms: timing }) => timing[stage]).filter((ms) => typeof ms === "number");
    if (known.length) medians[stage] = median(known);
  }
  return medians;
}

// A bar for each stage that timing has, all on one scale.
export function stageBars(timing) {
  const known = Object.entries(STAGES).filter(([stage]) => typeof timing[stage] === "number");
  const longest = Math.max(...known.map(([stage]) => timing[stage]), 1e-9);
  const rows = known.map(([stage, what]) => {
    const bar = h("span", { class: "bar", "aria-hidden": "true" });
    bar.style.setProperty("--share", timing[stage] / longest);
    return [
      h("dt", { title: what }, stage),
      h("dd", {}, h("span", { class: "track" }, bar), milliseconds(timing[stage])),
    ];
  });
  return h("dl", { class: "stages" }, rows);
}
