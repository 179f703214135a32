// Compares two versions of a product: figures, parameters and curves.
import { chart } from "./charts.js";
import { dateTime, h, limitText, percent, table } from "./dom.js";
import { rateValue } from "./report.js";

const metric = (read) => (model) => (model.metrics?.confusion ? read(model.metrics) : "–");
const rate = (key) => metric((metrics) => percent(rateValue(metrics[key])));
const ROWS = [
  ["Created", (model) => dateTime(model.created)],
  ["Accuracy", rate("accuracy")],
  ["Balanced accuracy", rate("balanced_accuracy")],
  ["Recall", rate("recall")],
  ["ROC AUC", rate("roc_auc")],
  ["Missed anomalies", metric(({ missed }) => `${missed}`)],
  ["False alarms", metric((metrics) => `${metrics.false_alarms}`)],
  ["Threshold", (model) => limitText(model.threshold)],
  ["Review band", ({ review }) => (review ? `${limitText(review.low)} to ${limitText(review.high)}` : "none")],
  ["Training images", (model) => `${model.dataset?.images ?? "–"}`],
  ["Dataset digest", (model) => model.dataset?.digest?.slice(0, 12) ?? "–"],
  ["Trunk", (model) => model.trunk.sha256.slice(0, 12)],
];
// Prints a number in single precision, as the daemon computes: 0.7, not 0.699999988.
const plain = (value) => (typeof value === "number" ? Number(value.toPrecision(7)) : value);
const text = (value) =>
  value === undefined ? "–" : typeof value === "object" ? JSON.stringify(value) : `${plain(value)}`;

function side(pair) {
  const names = [...new Set(pair.flatMap(({ training }) => Object.keys(training ?? {})))];
  const parameters = names.map((name) => [name, (model) => text(model.training?.[name])]);
  const head = ["Figure", ...pair.map(({ version, active }) => `${version}${active ? " (active)" : ""}`)];
  const rows = [...ROWS, ...parameters].map(([name, read]) => {
    const cells = pair.map(read);
    return [cells[0] === cells[1] ? name : h("strong", { title: "differs" }, name, " ≠"), ...cells];
  });
  return table("Side by side; differences are marked ≠", head, rows);
}

function curves(pair, field, options) {
  const series = pair.map(({ version, curve }) => ({
    name: version,
    points: (curve ?? []).map((epoch) => [epoch.epoch, epoch[field]]),
  }));
  return chart({ kind: "epochs", formatX: (epoch) => `${Math.round(epoch)}`, ...options }, series);
}

export function comparison(models) {
  const known = models.filter(({ failure }) => !failure);
  if (known.length < 2) return null;
  const place = h("div", { class: "compared" });
  const choice = (first) =>
    h(
      "select",
      { onchange: () => show() },
      known.map(({ version, active }, i) =>
        h("option", { value: i, selected: i === first }, `${version}${active ? " (active)" : ""}`),
      ),
    );
  const active = Math.max(
    0,
    known.findIndex((model) => model.active),
  );
  const left = choice(active);
  const right = choice(active === 0 ? 1 : 0);
  const show = () => {
    const pair = [known[left.value], known[right.value]];
    const charts = [
      curves(pair, "loss", { title: "Loss by epoch", format: (value) => value.toFixed(3) }),
      curves(pair, "accuracy", {
        title: "Training accuracy by epoch",
        format: (value) => percent(value, 0),
        max: 1.02,
      }),
    ];
    place.replaceChildren(side(pair), h("div", { class: "curves" }, charts));
  };
  show();
  return h(
    "details",
    { class: "compare" },
    h("summary", {}, "Compare two versions"),
    h("p", { class: "choices" }, h("label", {}, "Version ", left), h("label", {}, "with ", right)),
    place,
  );
}
