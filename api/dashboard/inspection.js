// One inspection: picture with heat, facts, neighbours and label.
import {
  bytes,
  dateTime,
  doing,
  h,
  limitText,
  meter,
  milliseconds,
  notice,
  percent,
  probability,
  suspicion,
  verdict,
} from "./dom.js";
import { filterOf } from "./filter.js";
import { labelForm } from "./label_form.js";
import { newer, older } from "./neighbours.js";
import { getJson, query } from "./net.js";
import { Stage } from "./stage.js";
import { stageBars } from "./stages.js";

const KEYS = { ArrowLeft: "newer", k: "newer", ArrowRight: "older", j: "older" };

function heatText({ max, area, threshold, scale }) {
  return `highest ${probability(max, threshold)}; ${percent(area)} of the image is at or above ${limitText(threshold)}; scale ${scale.replace("_", " ")}`;
}

// model: the manifest, or null if the version was deleted.
// Says how unlike good parts a picture is, in words that need no scale.
function distanceText(good) {
  if (!good) return "–";
  const { score, threshold, percentile } = good;
  return `${score.toFixed(1)}, anomaly from ${threshold.toFixed(1)}; ${percentile.toFixed(0)} % of good parts are nearer`;
}

function facts(item, model) {
  const { image, heatmap, timing_ms: timing } = item;
  const boxes = heatmap.boxes.map(
    (b) => `${b.width} × ${b.height} at ${b.x}, ${b.y}, highest ${probability(b.max, heatmap.threshold)}`,
  );
  const rows = [
    ["Product", item.product],
    ["Model", h("a", { href: `#/models?version=${item.model}` }, item.model)],
    ["Camera", item.camera ?? "–"],
    ["Part", item.part ?? "–"],
    ["Received", dateTime(item.received_at)],
    ["Heat", heatText(heatmap)],
    ["Heat of", heatmap.map.replaceAll("_", " ")],
    ["Decided by", item.decided_by === "good_only" ? "the model of good parts" : "the trained model"],
    ["Unlike good", distanceText(item.good_only)],
    ["Boxes", boxes.length ? boxes.join("; ") : "none"],
    [
      "Image",
      `${image.width} × ${image.height}, ${image.media_type}, ${bytes(image.bytes)}${image.kept ? "" : ", removed by retention"}`,
    ],
    ["Time", [milliseconds(timing.total), stageBars(timing)]],
    ["Image SHA-256", h("code", {}, image.sha256)],
    [
      "Weights SHA-256",
      model ? h("code", {}, (model.weights ?? model.good_only).sha256) : "this version has been deleted",
    ],
    ["Trunk SHA-256", model ? h("code", {}, model.trunk.sha256) : "–"],
    ["Id", h("code", {}, item.id)],
  ];
  return h(
    "dl",
    { class: "details" },
    rows.map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]),
  );
}

async function copyLink() {
  try {
    await navigator.clipboard.writeText(location.href);
    notice("Link copied.");
  } catch {
    notice(location.href); // without TLS a page may not write to the clipboard
  }
}

// Makes buttons and keys for the newer and the older inspection. Returns the element.
function neighbours(item, filter, signal) {
  const near = { newer: null, older: null };
  const go = (direction) => {
    const suffix = query(filter) ? `?${query(filter)}` : "";
    if (near[direction]) location.hash = `#/inspection/${near[direction].id}${suffix}`;
  };
  const button = (direction, text) =>
    h("button", { type: "button", disabled: true, onclick: () => go(direction) }, text);
  const buttons = { newer: button("newer", "← Newer"), older: button("older", "Older →") };
  const find = async (direction, search) => {
    try {
      near[direction] = await search(item, filter);
      buttons[direction].disabled = !near[direction];
    } catch (error) {
      if (!signal.aborted) notice(error.message);
    }
  };
  const press = (event) => {
    if (event.target.closest("input, select, textarea, dialog") || event.ctrlKey || event.metaKey || event.altKey)
      return;
    if (!KEYS[event.key]) return;
    event.preventDefault();
    go(KEYS[event.key]);
  };
  document.addEventListener("keydown", press, { signal });
  const hint = h("span", { class: "hint" }, "The arrow keys move to the next part");
  const label = { class: "neighbours", "aria-label": "Neighbours", "aria-busy": "true" };
  const element = h("nav", label, buttons.newer, hint, buttons.older);
  Promise.all([find("newer", newer), find("older", older)]).then(() => element.setAttribute("aria-busy", "false"));
  return element;
}

function show(view, item, filter, signal) {
  const stage = new Stage(item, signal);
  const form = h("div", {});
  const details = h("div", {}, facts(item, null));
  let defects = [];
  let shown = item;
  const renew = (fresh) => {
    shown = fresh;
    form.replaceChildren(labelForm(fresh, defects, renew));
  };
  renew(item);
  const button = (text, act, disabled) => h("button", { type: "button", disabled, onclick: act }, text);
  const actions = [
    button("Copy link", copyLink),
    button("Full screen", () => stage.fullScreen()),
    button(
      "Download image",
      doing(() => stage.saveImage()),
      !item.image.kept,
    ),
    button(
      "Download heatmap",
      doing(() => stage.saveHeatmap()),
    ),
  ];
  const side = h(
    "section",
    { class: "side", "aria-label": "Facts" },
    verdict(item),
    suspicion(item) ? h("p", { class: "suspicion" }, suspicion(item)) : null,
    meter(item),
    form,
    h("p", { class: "buttons" }, actions),
    details,
  );
  view.replaceChildren(h("div", { class: "inspection" }, neighbours(item, filter, signal), stage.element, side));
  readModel(item, signal).then((model) => {
    details.replaceChildren(facts(item, model));
    defects = Object.keys(model?.dataset?.counts ?? {}).filter((name) => name !== "good");
    if (!form.contains(document.activeElement)) renew(shown); // not while a person types
  });
}

async function readModel(item, signal) {
  try {
    const { items } = await getJson(`/v1/products/${item.product}/models`, { signal });
    return items.find(({ version, failure }) => version === item.model && !failure) ?? null;
  } catch {
    return null;
  }
}

export function open(view, { id, parameters }) {
  const filter = filterOf(parameters);
  const stop = new AbortController();
  view.append(h("p", { class: "empty" }, "Loading"));
  getJson(`/v1/inspections/${id}`, { signal: stop.signal })
    .then((item) => show(view, item, filter, stop.signal))
    .catch((error) => {
      if (!stop.signal.aborted) view.replaceChildren(h("p", { class: "empty" }, error.message));
    });
  return () => stop.abort();
}
