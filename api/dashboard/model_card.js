// A card for a version: origin, metrics and actions.
import { chart } from "./charts.js";
import { confirmed, dateTime, doing, h, limitText, notice, percent, table } from "./dom.js";
import { trainedPictures } from "./model_pictures.js";
import { getJson, sendJson } from "./net.js";
import { metricsTables } from "./report.js";
import { shadowForm } from "./shadow.js";
import { ThresholdForm } from "./threshold.js";

const pathOf = (model) => `/v1/admin/products/${model.product}/models/${model.version}`;

function actions(model, changed) {
  const path = pathOf(model);
  const button = (text, question, method, url, kind) => {
    const act = async () => {
      if (!(await confirmed(question, text))) return;
      await sendJson(method, url);
      notice(`${text}: done.`);
      changed();
    };
    return h("button", { type: "button", class: kind, onclick: doing(act) }, text);
  };
  const name = `${model.product} ${model.version}`;
  const buttons = model.active
    ? [button("Roll back", `Take ${name} out of service and serve the version before it?`, "POST", `${path}/rollback`)]
    : [
        button("Activate", `Serve ${name} from now on?`, "POST", `${path}/activate`, "primary"),
        button("Delete", `Delete ${name}? This cannot be undone.`, "DELETE", path, "danger"),
      ];
  return h("p", { class: "buttons" }, buttons);
}

function lazy(summary, fill) {
  const place = h("div", { class: "lazy" });
  const show = async (event) => {
    if (!event.target.open || place.childElementCount) return;
    try {
      place.append(...[await fill()].flat().filter(Boolean));
    } catch (error) {
      place.replaceChildren(h("p", { class: "failure" }, error.message));
    }
  };
  return h("details", { ontoggle: show }, h("summary", {}, summary), place);
}

function training(model) {
  const formatX = (epoch) => `${Math.round(epoch)}`;
  const points = (field) => (model.curve ?? []).map((epoch) => [epoch.epoch, epoch[field]]);
  const curves = [
    chart({ title: "Loss by epoch", kind: "epochs", format: (value) => value.toFixed(3), formatX }, [
      { name: "loss", points: points("loss") },
    ]),
    chart(
      {
        title: "Training accuracy by epoch",
        kind: "epochs",
        format: (value) => percent(value, 0),
        formatX,
        max: 1.02,
      },
      [{ name: "accuracy", points: points("accuracy") }],
    ),
  ];
  const metrics = model.metrics?.confusion ? metricsTables(model.metrics) : h("p", {}, "This version has no metrics.");
  return [h("div", { class: "curves" }, curves), metrics].flat();
}

// The table of changes.
async function changes(model) {
  const { items } = await getJson(`${pathOf(model)}/changes`);
  if (!items.length) return h("p", {}, "No changes since the training.");
  const value = (one) =>
    one === null || one === undefined ? "–" : typeof one === "object" ? JSON.stringify(one) : `${one}`;
  const rows = items.map(({ at, who, field, from, to }) => [dateTime(at), who, field, value(from), value(to)]);
  return table(`Changes of ${model.version}`, ["When", "Who", "What", "From", "To"], rows);
}

function origin({ threshold_source: source, lineage, dataset, created, trunk }) {
  const from = source ? `threshold from ${source.from}${source.by ? ` by ${source.by}` : ""}` : null;
  const parent = lineage?.parent ? `trained while ${lineage.parent} served` : null;
  return [dateTime(created), `${dataset?.images ?? "?"} images`, `trunk ${trunk.sha256.slice(0, 12)}`, from, parent]
    .filter(Boolean)
    .join(" · ");
}

export function modelCard(model, changed, shown) {
  const marked = `model${model.active ? " active" : ""}${shown ? " shown" : ""}`;
  const title = h("h3", {}, model.version, model.active ? h("span", { class: "tag" }, "active") : null);
  if (model.failure)
    return h("article", { class: `${marked} broken` }, title, h("p", { class: "failure" }, model.failure));
  const { missed, false_alarms: alarms, summary } = model.metrics ?? {};
  return h(
    "article",
    { class: marked, "data-version": model.version },
    title,
    h("p", { class: "hint" }, origin(model)),
    h(
      "p",
      { class: "summary" },
      summary ?? (missed === undefined ? "This version has no metrics." : `${missed} missed, ${alarms} false alarms`),
    ),
    actions(model, changed),
    lazy(
      `Threshold: ${limitText(model.threshold)}${model.review ? `, review ${limitText(model.review.low)} to ${limitText(model.review.high)}` : ""}`,
      () => new ThresholdForm(model, changed).element,
    ),
    model.active ? null : lazy("Run as shadow", () => shadowForm(model, changed)),
    lazy("Training and metrics", () => training(model)),
    lazy("Pictures it was trained on", () => trainedPictures(model)),
    lazy("Changes", () => changes(model)),
  );
}
