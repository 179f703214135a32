// Training, cross-validation and evaluation: start, watch, cancel, read the report.
import { lineChart } from "./charts.js";
import { age, dateTime, duration, h, notice, percent } from "./dom.js";
import { live } from "./live.js";
import { getJson, sendJson } from "./net.js";
import { report } from "./report.js";

const POLL_MS = 3000; // beside the events, which do not come while polling
const NUMBERS = [["epochs", "Epochs", 10, 1, 1000, 1, "train cross-validate"], ["batch", "Batch", 10, 1, 256, 1, "train cross-validate"],
  ["learning_rate", "Learning rate", 0.0001, 1e-7, 1, "any", "train cross-validate"], ["target_accuracy", "Stop at accuracy", 0.98, 0.5, 1, "any", "train"],
  ["test_share", "Held out", 0.2, 0.01, 0.9, "any", "train evaluate"], ["folds", "Folds", 5, 2, 20, 1, "cross-validate"], ["seed", "Seed", 42, 0, 9007199254740991, 1, "train cross-validate evaluate"]];

function startForm(product, started) {
  const kind = h("select", { name: "kind", onchange: () => fit() }, [["train", "Training"], ["cross-validate", "Cross-validation"], ["evaluate", "Evaluation"]].map(([value, text]) => h("option", { value }, text)));
  const numbers = NUMBERS.map(([name, text, value, min, max, step, kinds]) => ({ kinds, element: h("label", {}, `${text} `, h("input", { type: "number", name, value, min, max, step, required: true })) }));
  const activate = { kinds: "train", element: h("label", {}, "Activate ", h("select", { name: "activate" }, [["if_better", "if better"], ["never", "never"], ["always", "always"]].map(([value, text]) => h("option", { value }, text)))) };
  const fields = [...numbers, activate];
  const fit = () => fields.forEach(({ kinds, element }) => {
    element.hidden = !kinds.split(" ").includes(kind.value);
    element.querySelector("input, select").disabled = element.hidden;
  });
  const start = async (event) => {
    event.preventDefault();
    const { kind: what, product: to, ...values } = Object.fromEntries(new FormData(event.target));
    const body = Object.fromEntries(Object.entries(values).map(([name, value]) => [name, NUMBERS.some((n) => n[0] === name) ? Number(value) : value]));
    try {
      started(await sendJson("POST", `/v1/admin/products/${encodeURIComponent(to)}/${what}`, body));
    } catch (error) { notice(error.message); }
  };
  const form = h("form", { class: "filter", "aria-label": "Start a job", onsubmit: start }, h("label", {}, "Job ", kind),
    h("label", {}, "Product ", h("input", { name: "product", required: true, value: product, pattern: "[A-Za-z0-9._\\-]{1,64}" })),
    h("label", {}, "Dataset folder ", h("input", { name: "dataset", required: true, value: product })), fields.map((f) => f.element), h("p", { class: "buttons" }, h("button", { class: "primary" }, "Start")));
  fit();
  return form;
}

const curves = (runs, field) => runs.map(({ name, epochs }) => ({ name, points: epochs.map((e) => [e.epoch, e[field]]) }));

function charts(job) {
  const runs = job.folds?.length ? job.folds.map((f) => ({ name: `fold ${f.fold}`, epochs: f.epochs ?? [] })) : [{ name: "training", epochs: job.epochs ?? [] }];
  const formatX = (v) => `epoch ${v}`;
  return h("div", { class: "curves" }, lineChart({ title: "Loss", series: curves(runs, "loss"), format: (v) => v.toFixed(3), formatX }),
    lineChart({ title: "Accuracy while training", series: curves(runs, "accuracy"), format: (v) => percent(v), formatX, max: 1 }));
}

function detail(job, changed) {
  const ended = !["queued", "running"].includes(job.state);
  const bar = h("progress", { value: job.progress, max: 1, "aria-label": "Progress" });
  const cancel = !ended && h("button", { type: "button", onclick: () => sendJson("DELETE", `/v1/admin/jobs/${job.id}`).then(changed, (error) => notice(error.message)) }, "Cancel");
  return h("article", { class: "job-detail" }, h("h2", {}, `${job.kind} of ${job.product}`),
    h("p", { class: `state ${job.state}` }, h("strong", {}, job.state), ` · ${job.stage} · ${percent(job.progress, 0)}${job.eta_s ? ` · about ${duration(job.eta_s)} to go` : ""}`),
    bar, h("p", { class: "hint" }, `Created ${dateTime(job.created_at)}${job.finished_at ? `, ended ${dateTime(job.finished_at)}` : ""}`), cancel && h("p", { class: "buttons" }, cancel),
    job.error && h("p", { class: "failure" }, `${job.error.code}: ${job.error.detail}`), charts(job), job.result && report(job.result),
    h("details", {}, h("summary", {}, "Parameters"), h("pre", { tabindex: 0 }, JSON.stringify(job.params, null, 2))));
}

const row = (job, open) => h("tr", { "aria-current": job.id === open ? "true" : null }, h("td", {}, h("a", { href: `#/jobs/${job.id}` }, job.kind)), h("td", {}, job.product),
  h("td", { class: `state ${job.state}` }, job.state), h("td", {}, percent(job.progress, 0)), h("td", {}, age(job.created_at)));

export function open(view, { id, product }) {
  const stop = new AbortController(), { signal } = stop;
  const list = h("tbody", {}), place = h("div", {});
  let shown = "", reading = false;
  const read = async () => {
    if (reading) return;
    reading = true;
    try {
      const [{ jobs }, job] = await Promise.all([getJson("/v1/jobs?limit=50", { signal }), id ? getJson(`/v1/jobs/${id}`, { signal }) : null]);
      list.replaceChildren(...jobs.map((each) => row(each, id)));
      const text = JSON.stringify(job);
      if (job && text !== shown) place.replaceChildren(detail(job, read)); // not under somebody's pointer for nothing
      shown = text;
    } catch (error) { if (!signal.aborted) notice(error.message); } finally { reading = false; }
  };
  const started = (job) => { notice(`${job.kind} of ${job.product} is ${job.state}.`); location.hash = `#/jobs/${job.id}`; };
  view.append(h("section", { "aria-label": "Start" }, h("h2", {}, "Start a job"), startForm(product, started)), h("div", { class: "split" }, h("section", { "aria-label": "Jobs" }, h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Jobs, newest first" },
    h("table", {}, h("thead", {}, h("tr", {}, ["Job", "Product", "State", "Progress", "Created"].map((t) => h("th", { scope: "col" }, t)))), list))), place));
  live.addEventListener("job", read, { signal });
  const timer = setInterval(() => document.hidden || read(), POLL_MS);
  signal.addEventListener("abort", () => clearInterval(timer));
  read();
  return () => stop.abort();
}
