// The stages of an inspection and their times.
import { h, milliseconds } from "./dom.js";

// The members of timing_ms in the order of time, with explanations.
const STAGES = {
  receive: "receiving, from the headers to the end of the image",
  wait: "waiting for a thread, and for the commit of the inspections before",
  decode: "hashing, decoding and resizing the image",
  queue: "waiting for the device",
  inference: "the forward pass with this image",
  store: "computing verdict and boxes, writing the image file",
};

function median(numbers) {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}

// Computes the median of each stage over items. Leaves out stages that no item has: old records lack some.
export function stageMedians(items) {
  const medians = {};
  for (const stage of Object.keys(STAGES)) {
    const known = items.map(({ timing_ms: timing }) => timing[stage]).filter((ms) => typeof ms === "number");
    if (known.length) medians[stage] = median(known);
  }
  return medians;
}

// Makes a bar for each stage in `timing`, all on one scale.
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
