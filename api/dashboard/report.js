// The report of a job: summary, confusion matrix, figures per fold and per defect, worst images, advice.
import { chart } from "./charts.js";
import { REASONS, doing, h, limitText, notice, percent, probability, table } from "./dom.js";
import { decodeMap, drawnSize, heatCanvas } from "./heat.js";
import { scanSection } from "./scan.js";
import { download, getJson, sendJson, showPicture, token } from "./net.js";

const WORST = 24;
const WORST_WIDTH = 480;
const HEAT_PIXELS = 160; // of the heat's canvas over a picture
const RATES = [
  ["accuracy", "Accuracy"],
  ["balanced_accuracy", "Balanced accuracy"],
  ["recall", "Anomalies found (recall)"],
  ["precision", "Correct alarms (precision)"],
  ["specificity", "Good parts passed"],
  ["f1", "F1"],
  ["roc_auc", "ROC AUC"],
];

// Prints a rate, given with its interval or as a plain number.
export const rateValue = (rate) => (rate !== null && typeof rate === "object" ? rate.value : rate);
const interval = (rate) =>
  rate?.low !== null && rate?.low !== undefined ? `${percent(rate.low, 0)} to ${percent(rate.high, 0)}` : "";

export function metricsTables(metrics) {
  const { actual_anomaly: anomaly, actual_good: good } = metrics.confusion;
  const confusion = [
    ["actually anomaly", `${anomaly.predicted_anomaly} found`, `${anomaly.predicted_good} missed`],
    ["actually good", `${good.predicted_anomaly} false alarms`, `${good.predicted_good} passed`],
  ];
  const types = Object.entries(metrics.by_type).map(([type, rate]) => [
    type,
    percent(rate.value),
    interval(rate),
    `${rate.hits} of ${rate.of}`,
  ]);
  return [
    h("p", { class: "summary" }, metrics.summary),
    table("Confusion matrix (positive is anomaly)", ["", "judged anomaly", "judged good"], confusion),
    table(
      "Rates with 95 % intervals",
      ["Rate", "Value", "Interval"],
      RATES.map(([key, name]) => [name, percent(rateValue(metrics[key])), interval(metrics[key])]),
    ),
    table("Correct verdicts by defect type", ["Type", "Correct", "Interval", "Of"], types),
  ];
}

function foldTable({ folds, mean, std }) {
  const rows = folds.map(({ fold, metrics }) => [
    `${fold}`,
    percent(rateValue(metrics.accuracy)),
    percent(metrics.balanced_accuracy),
    percent(rateValue(metrics.recall)),
    `${metrics.missed}`,
    `${metrics.false_alarms}`,
  ]);
  const spread = (key) => `${percent(mean[key])} ± ${percent(std[key])}`;
  if (mean) rows.push(["mean ± std", ...["accuracy", "balanced_accuracy", "recall"].map(spread), "", ""]);
  return table("Folds", ["Fold", "Accuracy", "Balanced", "Recall", "Missed", "False alarms"], rows);
}

const rocChart = (roc) =>
  chart(
    { title: "ROC curve", format: (value) => percent(value, 0), formatX: (value) => percent(value, 0), max: 1.02 },
    [
      { name: "anomalies found by share of false alarms", points: roc.map(([x, y]) => [x, y]) },
      { name: "by chance", points: roc.map(([x]) => [x, x]) },
    ],
    { domain: [0, 1] },
  );

// Draws good parts and anomalies by probability, with a line at the threshold.
export const histogramChart = (title, { good, anomaly }, marks) =>
  chart(
    { title, kind: "bars", format: (count) => `${Math.round(count)}`, formatX: (value) => percent(value, 0) },
    [
      { name: "actually good", points: good.map((count, i) => [(i + 0.5) / good.length, count]) },
      { name: "actually anomaly", points: anomaly.map((count, i) => [(i + 0.5) / anomaly.length, count]) },
    ],
    { domain: [0, 1], marks },
  );

// Shows the answers of the daemon by both models, and each score by itself.
function servedTables({ served }) {
  if (!served) return null;
  const verdicts = ({ good, review, anomaly }) => [`${good}`, `${review}`, `${anomaly}`];
  const score = (name, found) =>
    found && [name, percent(found.roc_auc), percent(rateValue(found.recall)), percent(rateValue(found.specificity))];
  const reasons = Object.entries(served.reasons).map(([reason, counts]) => [
    REASONS[reason] ?? reason,
    `${counts.anomalies}`,
    `${counts.good_parts}`,
  ]);
  return [
    table(
      `Answers of the daemon, decided by the ${served.decided_by === "good_only" ? "good-only" : "trained"} model`,
      ["", "good", "review", "anomaly"],
      [
        ["actually anomaly", ...verdicts(served.anomalies)],
        ["actually good", ...verdicts(served.good_parts)],
      ],
    ),
    reasons.length ? table("Reasons for doubt", ["Reason", "Anomalies", "Good parts"], reasons) : null,
    table(
      "Each score by itself",
      ["Score", "ROC AUC", "Anomalies found", "Good parts passed"],
      [score("trained model", served.scores.supervised), score("good-only model", served.scores.good_only)].filter(
        Boolean,
      ),
    ),
  ];
}

function localisation(found) {
  if (!found) return null;
  const hit = (rate) => `${rate.hits} of ${rate.of} (${percent(rate.value)})`;
  return table(
    `Localisation: heatmaps compared with the masks of ${found.images} images`,
    ["Measure", "Value"],
    [
      ["Pixel AUROC", percent(found.pixel_auroc)],
      ["Boxes that hit a defect", hit(found.boxes)],
      ["Defects hit by a box", hit(found.defects)],
    ],
  );
}

export function worstImage(image, job, brief) {
  const picture = h("img", { alt: `${image.path}`, loading: "lazy" });
  const parts = image.path.split("/");
  if (parts.length === 3) {
    const path = parts.map(encodeURIComponent).join("/");
    const dataset = encodeURIComponent(job.params.dataset);
    showPicture(
      picture,
      `/v1/admin/products/${encodeURIComponent(job.product)}/dataset/${path}?dataset=${dataset}&width=${WORST_WIDTH}`,
    );
  }
  const frame = h("div", { class: "picture" }, picture);
  const cover = () => {
    const size = drawnSize({ width: picture.naturalWidth, height: picture.naturalHeight }, HEAT_PIXELS);
    frame.append(heatCanvas(size, decodeMap(image.heat), job.result.heatmap.threshold));
  };
  if (image.heat) picture.addEventListener("load", cover, { once: true });
  return h(
    "figure",
    { class: `worst ${image.wrong ? "wrong" : "right"}` },
    frame,
    h(
      "figcaption",
      {},
      h("code", {}, brief ? parts.at(-1) : image.path),
      h("br"),
      `${brief ? "" : "actually "}${image.type}, judged ${image.verdict} at ${probability(image.probability, job.result.threshold)}`,
    ),
  );
}

// Datasets need an admin token: without a token their pictures are fetched on request only.
function worst(job) {
  const { images } = job.result;
  const wrong = images.filter((image) => image.wrong);
  const shown = (wrong.length ? wrong : images).slice(0, WORST);
  const title = wrong.length
    ? `Wrong verdicts: ${wrong.length}`
    : "No wrong verdicts; the images nearest to the threshold";
  const place = h("div", { class: "worst-images" });
  return h(
    "details",
    {
      class: "worst-list",
      ontoggle: (event) =>
        event.target.open && !place.children.length && place.append(...shown.map((image) => worstImage(image, job))),
    },
    h("summary", {}, title),
    place,
  );
}

function adviceText({ threshold, missed, false_alarms: alarms, max_missed: most, reachable, reason }) {
  const cost = `it misses ${missed.hits} of ${missed.of} and calls ${alarms.hits} of ${alarms.of} good parts anomalies (${percent(alarms.value)})`;
  if (!reachable)
    return `No threshold is certain to miss at most ${limitText(most)} of the anomalies: ${reason}. At ${limitText(threshold)}, ${cost}.`;
  return `To miss at most ${limitText(most)} of the anomalies, use the threshold ${limitText(threshold)}: ${cost}.`;
}

// Each candidate has a threshold of its own; the daemon takes the one of the candidate by which the version decides.
const adviceOf = ({ candidates }) =>
  candidates
    ? ` This is for a version that decides by ${candidates.taken.replaceAll("_", " ")}; a version that decides otherwise gets the threshold for that.`
    : "";

async function useAdvice(job, version) {
  const path = `/v1/admin/products/${job.product}/models/${version}`;
  const model = await sendJson("PATCH", path, { threshold_job: job.id });
  notice(`${version} now uses the threshold ${limitText(model.threshold)}.`);
}

// Offers the advised threshold: a training's for its own version, a cross-validation's for any version.
function advice(job) {
  const found = job.result.threshold_advice;
  if (!found) return null;
  const version = h("select", { "aria-label": "Version that gets the threshold" });
  const button = h(
    "button",
    { type: "button", onclick: doing(() => useAdvice(job, version.value)) },
    "Use this threshold",
  );
  const choice = h("p", { class: "buttons", hidden: true }, button, h("label", {}, "for version ", version));
  getJson(`/v1/products/${job.product}/models`).then(
    ({ items }) => {
      const known = items.filter(({ failure }) => !failure);
      version.append(
        ...known.map((model) =>
          h(
            "option",
            { value: model.version, selected: model.active },
            `${model.version}${model.active ? " (active)" : ""}`,
          ),
        ),
      );
      choice.hidden = !known.length || job.kind !== "cross-validate" || !found.reachable; // the daemon refuses the advice of other jobs
    },
    () => {},
  );
  return h("div", { class: "advice" }, h("p", {}, adviceText(found), adviceOf(job.result)), choice);
}

function outcome({ version, activated, reason }) {
  if (!version) return null;
  const what = activated === undefined ? "" : activated ? ", now active" : ", not activated";
  return h("p", {}, `Version ${version}${what}${reason ? `: ${reason}` : ""}`);
}

// A link cannot send a token, so with a token the page is fetched and saved.
function wholeReport(job) {
  const path = `/v1/jobs/${job.id}/report.html`;
  const fetched = doing(() => download(path, `${job.kind}-${job.product}-${job.id}.html`));
  const element = token()
    ? h("button", { type: "button", onclick: fetched }, "Save full report")
    : h("a", { class: "button", href: path, target: "_blank", rel: "noopener" }, "Full report");
  return h("p", { class: "buttons" }, element);
}

// Says which share of good parts a good-only model rejects at most.
function promise({ good_only: good }) {
  if (!good) return null;
  const share = (value) => `${Math.ceil(1000 * value) / 10}`;
  const more = good.more_needed
    ? ` ${good.more_needed} more good images are needed to promise ${share(good.max_rejected)}.`
    : "";
  return h(
    "p",
    { class: "summary" },
    `Model of ${good.images} good images: of 100 good parts at most ${share(good.alpha)} would be rejected.${more}`,
  );
}

// The ways to decide that were compared, and why one was taken.
function candidatesTable({ candidates }) {
  if (!candidates) return null;
  const hits = ({ hits, of }) => `${hits} of ${of}`;
  return [
    table(
      candidates.from === "folds"
        ? "Ways to decide, compared by images that the models had not seen"
        : "Ways to decide, compared by held-out images",
      ["", "Area under ROC", "Anomalies missed", "Good parts rejected", ""],
      candidates.list.map(({ name, auc, promise: { missed, rejected } }) => [
        name.replaceAll("_", " "),
        auc.toFixed(4),
        hits(missed),
        hits(rejected),
        name === candidates.taken ? "taken" : "",
      ]),
    ),
    h("p", {}, `Of these, ${candidates.reason}.`),
  ];
}

// The maps that were compared, and why one is shown.
function heatMapsTable({ heat_maps: maps }) {
  if (!maps) return null;
  const figure = (value) => (value === null ? "–" : value.toFixed(4));
  return [
    table(
      "Heat maps, compared by the held-out images",
      ["", "Pixel AUROC by masks", "AUROC of the hottest cell", "Good parts with heat", ""],
      maps.list.map(({ name, pixel_auroc: pixels, separation, good_shown: shown }) => [
        name.replaceAll("_", " "),
        figure(pixels),
        figure(separation),
        `${shown.hits} of ${shown.of}`,
        name === maps.taken ? "taken" : "",
      ]),
    ),
    h("p", {}, `Of these, ${maps.reason}.`),
  ];
}

// The threshold that keeps two promises, or why none does.
function bothPromises({ threshold_promise: promise, cpu_seconds: cost }) {
  if (!promise) return null;
  const spent =
    promise.from === "folds" && cost?.training
      ? `These scores took ${cost.threshold.toFixed(1)} s of processor time, ${(cost.threshold / cost.training).toFixed(2)} times the training's own.`
      : promise.from === "held_out_half"
        ? "Half of the held-out images chose it; the other half judges the version."
        : null;
  const row = (name, { hits, of, at_most: most, allowed, kept }) => [
    name,
    `${hits} of ${of}`,
    `at most ${percent(most)}`,
    percent(allowed),
    kept ? "kept" : "not kept",
  ];
  return [
    table(
      `Threshold for both promises: ${limitText(promise.threshold)}`,
      ["", "Images", "With 95 % confidence", "Asked for", ""],
      [row("anomalies missed", promise.missed), row("good parts rejected", promise.rejected)],
    ),
    spent ? h("p", {}, spent) : null,
    promise.reason ? h("p", {}, `To keep it: ${promise.reason}.`) : null,
    promise.preventing.length
      ? table(
          "Images that prevent it",
          ["Image", "Actual", "Probability"],
          promise.preventing.map(({ path, type, probability: value }) => [path, type, probability(value)]),
        )
      : null,
  ];
}

// job: the answer of GET /v1/jobs/{id}, with its result
export function report(job) {
  const { result } = job;
  const metrics = result.pooled ?? result.metrics;
  const charts = [
    result.roc?.length ? rocChart(result.roc) : null,
    result.histogram ? histogramChart("Probabilities", result.histogram, [result.threshold]) : null,
  ];
  return h(
    "section",
    { class: "report", "aria-label": "Report" },
    h("h3", {}, "Report"),
    outcome(result),
    promise(result),
    wholeReport(job),
    advice(job),
    scanSection(result.dataset?.scan),
    metrics ? metricsTables(metrics) : null,
    servedTables(result),
    candidatesTable(result),
    heatMapsTable(result),
    bothPromises(result),
    result.folds?.length ? foldTable(result) : null,
    h("div", { class: "curves" }, charts),
    localisation(result.localisation),
    result.images ? worst(job) : null,
  );
}
