// The versions of each product: compare, activate, roll back, and set the threshold with a view of what it would
// have done.
import { lineChart } from "./charts.js";
import { dateTime, h, notice, percent } from "./dom.js";
import { live } from "./live.js";
import { getJson, query, sendJson } from "./net.js";
import { metricsTables } from "./report.js";

const LOOK_BACK = 500;
const value = (rate) => (rate !== null && typeof rate === "object" ? rate.value : rate);

// What threshold t would have said of `items`; where there are labels, how well.
export function whatIf(items, t) {
  const anomaly = items.filter((item) => item.probability >= t);
  const labelled = items.filter((item) => item.label);
  const wrong = labelled.filter((item) => (item.probability >= t) !== (item.label.label === "anomaly"));
  return { anomaly: anomaly.length, good: items.length - anomaly.length, changed: items.filter((item) => (item.probability >= t) !== (item.verdict === "anomaly")).length, labelled: labelled.length, wrong: wrong.length };
}

function thresholdForm(model, changed) {
  const path = `/v1/admin/products/${model.product}/models/${model.version}`;
  const output = h("output", {}, percent(model.threshold, 0)), effect = h("p", { class: "effect", "aria-live": "polite" }, "Reading the last inspections");
  let items = [];
  const show = () => {
    output.textContent = percent(input.valueAsNumber, 0);
    const would = whatIf(items, input.valueAsNumber);
    effect.textContent = items.length ? `Of its last ${items.length} inspections: ${would.anomaly} anomalies, ${would.good} good, ${would.changed} verdicts change${would.labelled ? `; ${would.wrong} of ${would.labelled} labelled ones would be wrong` : ""}.` : "This version has no inspections to try it on.";
  };
  const input = h("input", { type: "range", min: 0, max: 1, step: 0.01, value: model.threshold, oninput: show });
  getJson(`/v1/inspections?${query({ product: model.product, model: model.version, limit: LOOK_BACK })}`).then((page) => { ({ items } = page); show(); }, (error) => { effect.textContent = error.message; });
  const save = () => sendJson("PATCH", path, { threshold: input.valueAsNumber }).then(() => { notice("Threshold set."); changed(); }, (error) => notice(error.message));
  return h("div", { class: "threshold" }, h("label", { class: "slider" }, h("span", {}, "Anomaly from"), input, output), effect, h("p", { class: "buttons" }, h("button", { type: "button", onclick: save }, "Set threshold")));
}

function modelCard(model, changed) {
  if (model.failure) return h("article", { class: "model" }, h("h3", {}, model.version), h("p", { class: "failure" }, model.failure));
  const path = `/v1/admin/products/${model.product}/models/${model.version}`;
  const act = (method, url, words) => () => confirm(`${words} ${model.product} ${model.version}?`) && sendJson(method, url).then(() => { notice(`${words}: done.`); changed(); }, (error) => notice(error.message));
  const curve = (field) => [{ name: field, points: (model.curve ?? []).map((e) => [e.epoch, e[field]]) }];
  const buttons = model.active ? [h("button", { type: "button", onclick: act("POST", `${path}/rollback`, "Roll back from") }, "Roll back")]
    : [h("button", { type: "button", class: "primary", onclick: act("POST", `${path}/activate`, "Activate") }, "Activate"), h("button", { type: "button", onclick: act("DELETE", path, "Delete") }, "Delete")];
  return h("article", { class: `model${model.active ? " active" : ""}` }, h("h3", {}, model.version, model.active && h("span", { class: "tag" }, "active")),
    h("p", { class: "hint" }, `${dateTime(model.created)} · ${model.dataset?.images ?? "?"} images · trunk ${model.trunk.sha256.slice(0, 12)}`), h("p", { class: "buttons" }, buttons), thresholdForm(model, changed),
    h("details", {}, h("summary", {}, "Training and metrics"), h("div", { class: "curves" }, lineChart({ title: "Loss", series: curve("loss"), format: (v) => v.toFixed(3), formatX: (v) => `epoch ${v}` })), model.metrics?.confusion ? metricsTables(model.metrics) : h("p", {}, "No metrics are kept with this version.")));
}

function comparison(models) {
  const known = models.filter((m) => m.metrics?.confusion);
  if (known.length < 2) return null;
  const rows = [["Accuracy", (m) => percent(value(m.metrics.accuracy))], ["Balanced accuracy", (m) => percent(m.metrics.balanced_accuracy)], ["Missed anomalies", (m) => `${m.metrics.missed}`], ["False alarms", (m) => `${m.metrics.false_alarms}`], ["Threshold", (m) => percent(m.threshold, 0)], ["Same data", (m) => m.dataset?.digest?.slice(0, 8) ?? "–"]];
  const place = h("div", {});
  const choice = (first) => h("select", { onchange: () => show() }, known.map((m, i) => h("option", { value: i, selected: i === first }, m.version)));
  const left = choice(0), right = choice(1);
  const show = () => {
    const pair = [known[left.value], known[right.value]];
    place.replaceChildren(h("table", {}, h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Figure"), pair.map((m) => h("th", { scope: "col" }, m.version)))), h("tbody", {}, rows.map(([name, read]) => h("tr", {}, h("th", { scope: "row" }, name), pair.map((m) => h("td", {}, read(m))))))));
  };
  show();
  return h("section", { class: "compare", "aria-label": "Compare" }, h("h3", {}, "Compare"), h("p", {}, h("label", {}, "Version ", left), " ", h("label", {}, "with ", right)), place);
}

export function open(view, { product }) {
  const stop = new AbortController(), { signal } = stop;
  const read = async () => {
    try {
      const products = (await getJson("/v1/products", { signal })).items.filter((item) => !product || item.product === product);
      const lists = await Promise.all(products.map((item) => getJson(`/v1/products/${item.product}/models`, { signal })));
      view.replaceChildren(...products.map((item, i) => h("section", { "aria-label": item.product }, h("h2", {}, item.product), item.serving?.failure && h("p", { class: "failure" }, item.serving.failure),
        comparison(lists[i].items), h("div", { class: "models-grid" }, lists[i].items.map((model) => modelCard(model, read))))));
      if (!products.length) view.replaceChildren(h("p", { class: "empty" }, "No product has a model yet. Start a training under Jobs."));
    } catch (error) { if (!signal.aborted) notice(error.message); }
  };
  live.addEventListener("model", read, { signal });
  read();
  return () => stop.abort();
}
