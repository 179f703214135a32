// One inspection: the picture with its heat, all facts, its neighbours and the operator's word.
import { placeText } from "./cards.js";
import { bytes, dateTime, h, meter, milliseconds, notice, percent, verdict } from "./dom.js";
import { drawHeat, loadHeat } from "./heat.js";
import { newer, older } from "./neighbours.js";
import { download, getJson, query, sendJson } from "./net.js";

const DEFECT = "[A-Za-z0-9._\\-]{1,64}";
const VIEWS = [["overlay", "Overlay"], ["threshold", "Heat only"], ["raw", "Raw map"], ["image", "Image"]];
const settings = { view: "overlay", opacity: 0.6, boxes: true }; // kept from one inspection to the next

function boxes(item) {
  const { width, height } = item.image;
  const layer = h("div", { class: "boxes", "aria-hidden": "true" });
  for (const box of item.heatmap.boxes) {
    const element = h("span", {});
    Object.assign(element.style, { left: `${(100 * box.x) / width}%`, top: `${(100 * box.y) / height}%`,
      width: `${(100 * box.width) / width}%`, height: `${(100 * box.height) / height}%` });
    layer.append(element);
  }
  return layer;
}

function slider(name, value, act) {
  const output = h("output", {}, percent(value, 0));
  const input = h("input", { type: "range", min: 0, max: 1, step: 0.01, value, name: name.toLowerCase(), oninput: () => {
    output.textContent = percent(input.valueAsNumber, 0);
    act(input.valueAsNumber);
  } });
  return h("label", { class: "slider" }, h("span", {}, name), input, output);
}

function facts(item) {
  const rows = [
    ["Product", item.product], ["Model", item.model], ["Camera", item.camera ?? "–"], ["Part", item.part ?? "–"],
    ["Received", dateTime(item.received_at)], ["Heat", `highest ${percent(item.heatmap.max, 0)}, ${percent(item.heatmap.area)} of the image from ${percent(item.heatmap.threshold, 0)} on, scale ${item.heatmap.scale.replace("_", " ")}`],
    ["Boxes", item.heatmap.boxes.length ? item.heatmap.boxes.map((b) => `${b.width} × ${b.height} at ${b.x}, ${b.y}`).join("; ") : "none"],
    ["Image", `${item.image.width} × ${item.image.height}, ${item.image.media_type}, ${bytes(item.image.bytes)}${item.image.kept ? "" : ", removed by retention"}`],
    ["SHA-256", item.image.sha256], ["Timing", ["decode", "queue", "inference", "store", "total"].map((s) => `${s} ${milliseconds(item.timing_ms[s])}`).join(", ")], ["Id", item.id],
  ];
  return h("dl", { class: "details" }, rows.map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]));
}

function labelForm(item, relabelled) {
  const defect = h("input", { name: "defect", list: "defects", pattern: DEFECT, autocomplete: "off", value: item.label?.defect ?? "" });
  const note = h("input", { name: "note", maxlength: 500, value: item.label?.note ?? "" });
  const put = async (label) => {
    if (!form.reportValidity()) return;
    const body = { label, ...(label === "anomaly" && defect.value && { defect: defect.value }), ...(note.value && { note: note.value }) };
    try {
      relabelled(await sendJson("PUT", `/v1/inspections/${item.id}/label`, body));
      notice(`Labelled ${label}.`);
    } catch (error) { notice(error.message); }
  };
  const said = item.label ? `${item.label.label}${item.label.defect ? ` (${item.label.defect})` : ""}, by ${item.label.by ?? "somebody"}, ${dateTime(item.label.at)}` : "No label yet";
  const pressed = (label) => (item.label?.label === label ? "true" : "false");
  const form = h("form", { class: "label-form", onsubmit: (event) => event.preventDefault() }, h("h3", {}, "Label"), h("p", { class: "said" }, said),
    h("label", {}, "Defect ", defect), h("datalist", { id: "defects" }, ["hole", "stain", "thread", "scratch"].map((value) => h("option", { value }))),
    h("label", {}, "Note ", note),
    h("p", { class: "buttons" }, h("button", { type: "button", class: "good", "aria-pressed": pressed("good"), onclick: () => put("good") }, "Good"),
      h("button", { type: "button", class: "anomaly", "aria-pressed": pressed("anomaly"), onclick: () => put("anomaly") }, "Anomaly")));
  return form;
}

function stage(item, signal) {
  const canvas = h("canvas", { role: "img", "aria-label": `${item.verdict}: ${placeText(item)} with its heatmap` });
  const layer = boxes(item), share = h("p", { class: "share", "aria-live": "polite" });
  const frame = h("div", { class: "stage" }, canvas, layer);
  frame.style.setProperty("--ratio", item.image.width / item.image.height);
  let heat = null, threshold = item.heatmap.threshold, due = false;
  const draw = () => {
    due = false;
    if (!heat) return;
    const area = drawHeat(canvas, item, heat, { ...settings, threshold });
    layer.hidden = !settings.boxes || settings.view === "image";
    share.textContent = `${percent(area)} of the image at or above ${percent(threshold, 0)}`;
  };
  const soon = () => { if (!due) { due = true; requestAnimationFrame(draw); } };
  loadHeat(item, signal).then((loaded) => { heat = loaded; draw(); canvas.dataset.ready = "true"; },
    (error) => { if (!signal.aborted) share.textContent = `No heatmap: ${error.message}`; });
  const views = h("fieldset", { class: "views" }, h("legend", {}, "View"), VIEWS.map(([value, text]) => h("label", {},
    h("input", { type: "radio", name: "view", value, checked: settings.view === value, onchange: () => { settings.view = value; soon(); } }), h("span", {}, text))));
  const showBoxes = h("label", { class: "check" }, h("input", { type: "checkbox", checked: settings.boxes, onchange: (event) => { settings.boxes = event.target.checked; soon(); } }), " Boxes");
  const controls = h("div", { class: "controls" }, views, slider("Opacity", settings.opacity, (v) => { settings.opacity = v; soon(); }),
    slider("Threshold", threshold, (v) => { threshold = v; soon(); }), showBoxes, share);
  return [frame, controls];
}

function keys(event, go) {
  if (event.target.closest("input, select, textarea, dialog") || event.ctrlKey || event.metaKey || event.altKey) return;
  const direction = { ArrowLeft: "newer", k: "newer", ArrowRight: "older", j: "older" }[event.key];
  if (direction) { event.preventDefault(); go(direction); }
}

function show(view, item, filter, signal) {
  const link = (other) => `#/inspection/${other.id}${query(filter) ? `?${query(filter)}` : ""}`;
  const near = { newer: null, older: null };
  const go = (direction) => { if (near[direction]) location.hash = link(near[direction]); };
  const button = (direction, text) => h("button", { type: "button", disabled: true, onclick: () => go(direction) }, text);
  const buttons = { newer: button("newer", "← Newer"), older: button("older", "Older →") };
  for (const [direction, find] of [["newer", newer], ["older", older]])
    find(item, filter).then((found) => { near[direction] = found; buttons[direction].disabled = !found; }, (error) => notice(error.message));
  const form = h("div", {});
  const renew = (fresh) => form.replaceChildren(labelForm(fresh, renew));
  renew(item);
  const save = (path, name) => () => download(path, name).catch((error) => notice(error.message));
  const extension = item.image.media_type.split(";")[0].split("/")[1];
  view.replaceChildren(h("div", { class: "inspection" },
    h("nav", { class: "neighbours", "aria-label": "Neighbours" }, buttons.newer, h("span", { class: "hint" }, "Arrow keys go on"), buttons.older),
    h("section", { class: "large", "aria-label": "Picture" }, stage(item, signal)),
    h("section", { class: "side", "aria-label": "Facts" }, verdict(item), meter(item), form, h("p", { class: "buttons" },
      h("button", { type: "button", onclick: () => navigator.clipboard.writeText(location.href).then(() => notice("Link copied."), () => notice(location.href)) }, "Copy link"),
      h("button", { type: "button", disabled: !item.image.kept, onclick: save(item.image.href, `${item.id}.${extension}`) }, "Download image"),
      h("button", { type: "button", onclick: save(`${item.heatmap.href}?view=${item.image.kept ? "overlay" : "raw"}`, `${item.id}-heatmap.png`) }, "Download heatmap")), facts(item))));
  document.addEventListener("keydown", (event) => keys(event, go), { signal });
}

export function open(view, { id, filter }) {
  const stop = new AbortController();
  view.append(h("p", { class: "empty" }, "Loading"));
  getJson(`/v1/inspections/${id}`, { signal: stop.signal })
    .then((item) => show(view, item, filter, stop.signal))
    .catch((error) => { if (!stop.signal.aborted) view.replaceChildren(h("p", { class: "empty" }, error.message)); });
  return () => stop.abort();
}
