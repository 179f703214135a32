// What a training, cross-validation or evaluation found: in words, as a confusion matrix, per fold and per defect.
import { lineChart } from "./charts.js";
import { h, percent } from "./dom.js";

const value = (rate) => (rate !== null && typeof rate === "object" ? rate.value : rate);
const interval = (rate) => (rate?.low !== null && rate?.low !== undefined ? ` (${percent(rate.low, 0)} to ${percent(rate.high, 0)})` : "");
const RATES = [["accuracy", "Accuracy"], ["balanced_accuracy", "Balanced accuracy"], ["recall", "Anomalies found (recall)"], ["precision", "Alarms that were right (precision)"], ["specificity", "Good parts passed"], ["f1", "F1"], ["roc_auc", "ROC AUC"]];

function table(caption, head, rows) {
  return h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": caption }, h("table", {}, h("caption", {}, caption), h("thead", {}, h("tr", {}, head.map((t) => h("th", { scope: "col" }, t)))),
    h("tbody", {}, rows.map(([first, ...rest]) => h("tr", {}, h("th", { scope: "row" }, first), rest.map((t) => h("td", {}, t)))))));
}

export function metricsTables(m) {
  const { actual_anomaly: a, actual_good: g } = m.confusion;
  return [h("p", { class: "summary" }, m.summary),
    table("Confusion matrix (positive is anomaly)", ["", "said anomaly", "said good"], [["really anomaly", `${a.predicted_anomaly} found`, `${a.predicted_good} missed`], ["really good", `${g.predicted_anomaly} false alarms`, `${g.predicted_good} passed`]]),
    table("Rates with 95 % intervals", ["Rate", "Value"], RATES.map(([key, name]) => [name, percent(value(m[key])) + interval(m[key])])),
    table("Right verdicts by defect type", ["Type", "Right", "Of"], Object.entries(m.by_type).map(([type, r]) => [type, `${percent(r.value)}${interval(r)}`, `${r.hits} of ${r.of}`]))];
}

function foldTable(result) {
  const rows = result.folds.map((f) => [`${f.fold}`, percent(value(f.metrics.accuracy)), percent(f.metrics.balanced_accuracy), percent(value(f.metrics.recall)), `${f.metrics.missed}`, `${f.metrics.false_alarms}`]);
  if (result.mean) rows.push(["mean ± std", ...["accuracy", "balanced_accuracy", "recall"].map((k) => `${percent(result.mean[k])} ± ${percent(result.std[k])}`), "", ""]);
  return table("Folds", ["Fold", "Accuracy", "Balanced", "Recall", "Missed", "False alarms"], rows);
}

function worst(images) {
  const wrong = images.filter((image) => image.wrong).slice(0, 30);
  return wrong.length ? table("Wrong verdicts", ["Image", "Really", "Said", "Probability"], wrong.map((i) => [i.path, i.type, i.verdict, percent(i.probability)])) : h("p", {}, "No image was judged wrongly.");
}

export function report(result) {
  const metrics = result.pooled ?? result.metrics;
  return h("section", { class: "report", "aria-label": "Report" }, h("h3", {}, "Report"),
    result.version && h("p", {}, `Version ${result.version}${result.activated === undefined ? "" : result.activated ? ", now active" : `, ${result.reason ?? "not activated"}`}`),
    metrics && metricsTables(metrics), result.folds?.length ? foldTable(result) : null,
    result.roc && lineChart({ title: "ROC curve", series: [{ name: "anomalies found", points: result.roc.map(([x, y]) => [x, y]) }], format: (v) => percent(v, 0), formatX: (v) => `${percent(v, 0)} false alarms`, max: 1, domain: [0, 1] }),
    result.images && worst(result.images));
}
