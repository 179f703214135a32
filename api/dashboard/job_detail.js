// One job: progress, curves, log lines and, at the end, its report.
import { Chart } from "./charts.js";
import { dateTime, doing, duration, h, percent } from "./dom.js";
import { sendJson } from "./net.js";
import { report } from "./report.js";

const formatX = (epoch) => `${Math.round(epoch)}`;
const curve = (runs, field) =>
  runs.map(({ name, epochs }) => ({ name, points: epochs.map((epoch) => [epoch.epoch, epoch[field]]) }));

// The jobs that install a trunk have no report.
const installed = ({ trunk }) =>
  h("p", { class: "summary" }, `The trunk ${trunk.slice(0, 12)} is installed. New trainings use it.`);

function runsOf(job) {
  if (job.folds?.length) return job.folds.map(({ fold, epochs }) => ({ name: `fold ${fold}`, epochs: epochs ?? [] }));
  return [{ name: "training", epochs: job.epochs ?? [] }];
}

export class JobDetail {
  #ended = "";
  #lines = 0;

  // changed() is called after a cancellation.
  constructor(job, changed) {
    this.loss = new Chart({ title: "Loss by epoch", kind: "epochs", format: (value) => value.toFixed(3), formatX });
    this.accuracy = new Chart({
      title: "Training accuracy by epoch",
      kind: "epochs",
      format: (value) => percent(value, 0),
      formatX,
      max: 1.02,
    });
    this.state = h("p", {});
    this.bar = h("progress", { max: 1, "aria-label": "Progress" });
    this.times = h("p", { class: "hint" });
    this.failure = h("p", { class: "failure" });
    const cancel = doing(() => sendJson("DELETE", `/v1/admin/jobs/${job.id}`).then(changed));
    this.cancel = h("p", { class: "buttons" }, h("button", { type: "button", onclick: cancel }, "Cancel the job"));
    this.curves = h("div", { class: "curves" }, this.loss.element, this.accuracy.element);
    this.report = h("div", {});
    this.log = h("ol", { class: "log", role: "log", "aria-label": "Log", tabindex: 0 });
    this.element = h(
      "article",
      { class: "job-detail" },
      h("h2", {}, job.product ? `${job.kind} of ${job.product}` : job.kind),
      this.state,
      this.bar,
      this.times,
      this.cancel,
      this.failure,
      this.curves,
      this.report,
      h("details", { open: true }, h("summary", {}, "Log"), this.log),
      h("details", {}, h("summary", {}, "Parameters"), h("pre", { tabindex: 0 }, JSON.stringify(job.params, null, 2))),
    );
    this.show(job);
  }

  // Shows a JobBrief of the event stream, or a whole job.
  show(job) {
    const ended = !["queued", "running"].includes(job.state);
    const left = job.eta_s ? ` · about ${duration(job.eta_s)} left` : "";
    this.state.className = `state ${job.state}`;
    this.state.replaceChildren(
      h("strong", {}, job.state),
      ended ? "" : ` · ${job.stage} · ${percent(job.progress, 0)}${left}`,
    );
    this.bar.value = job.progress;
    this.bar.hidden = this.cancel.hidden = ended;
    if (!job.created_at) return; // a JobBrief has no more
    const end = job.finished_at ? `, ended ${dateTime(job.finished_at)}` : "";
    const took =
      job.finished_at && job.started_at
        ? ` after ${duration((Date.parse(job.finished_at) - Date.parse(job.started_at)) / 1000)}`
        : "";
    this.times.textContent = `Created ${dateTime(job.created_at)}${end}${took}`;
    this.failure.textContent = job.error ? `${job.error.code}: ${job.error.detail}` : "";
    const runs = runsOf(job);
    this.curves.hidden = job.kind === "evaluate";
    this.loss.show(curve(runs, "loss"));
    this.accuracy.show(curve(runs, "accuracy"));
    this.#append(job.log ?? []);
    if (job.result && this.#ended !== job.id) {
      this.#ended = job.id; // drawn once, because a report does not change
      this.report.replaceChildren(job.result.trunk && !job.product ? installed(job.result) : report(job));
    }
  }

  #append(log) {
    const follow = this.log.scrollTop + this.log.clientHeight >= this.log.scrollHeight - 8;
    const line = ({ at, text }) =>
      h("li", {}, h("time", { datetime: at }, new Date(at).toLocaleTimeString()), ` ${text}`);
    if (log.length < this.#lines) this.log.replaceChildren();
    this.log.append(...log.slice(this.log.children.length).map(line));
    this.#lines = log.length;
    if (follow) this.log.scrollTop = this.log.scrollHeight;
  }
}
