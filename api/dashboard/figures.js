// Counters and charts of the shift.
import { Chart } from "./charts.js";
import { dayOrTime, h, milliseconds, percent } from "./dom.js";
import { metric, unusualRate } from "./judge.js";
import { getJson, query, request } from "./net.js";
import { Shift } from "./shift.js";
import { stageBars, stageMedians } from "./stages.js";
import { sayTrouble } from "./trouble.js";

const USUAL_WINDOW = "7d"; // the newest verdicts are compared with this period
const USUAL_MS = 60000;
const NEWEST = 100;

const shortPercent = (share) => percent(share, share > 0 && share < 0.1 ? 1 : 0);
const perMinute = (count) => (count < 10 ? count.toFixed(1) : count.toFixed(0));

// Lists all steps of the window, also those without inspections, with their seconds inside the window.
function steps(s) {
  const length = s.bucket_s * 1000;
  const [since, until] = [Date.parse(s.since), Date.parse(s.until)];
  const found = new Map(s.buckets.map((bucket) => [Date.parse(bucket.start), bucket]));
  const all = [];
  for (let at = Math.floor(since / length) * length; at < until; at += length) {
    const seconds = (Math.min(at + length, until) - Math.max(at, since)) / 1000;
    all.push({ at, seconds, bucket: found.get(at) ?? null });
  }
  return all;
}

export class Figures {
  #usual = null;
  #usualAt = -Infinity;
  #turn = 0;

  // newest() returns the newest inspections, newest first.
  constructor(product, newest) {
    this.product = product;
    this.newest = newest;
    this.shift = new Shift(() => this.read());
    this.counters = h("dl", { class: "counters" });
    const time = { time: true, formatX: (at) => dayOrTime(at, this.span) };
    this.rate = new Chart({ title: "Anomaly rate", format: shortPercent, ...time });
    this.throughput = new Chart({ title: "Inspections per minute", format: perMinute, ...time });
    this.latency = new Chart({ title: "Latency", format: milliseconds, ...time });
    const charts = [this.rate, this.throughput, this.latency].map(({ element }) => element);
    this.stages = h("div", {});
    const stages = h("figcaption", {}, `Median time by stage, last ${NEWEST} inspections`);
    charts.push(h("figure", { class: "chart" }, stages, this.stages));
    this.element = h(
      "section",
      { class: "shift", "aria-label": "Figures" },
      this.shift.element,
      this.counters,
      h("div", { class: "charts" }, charts),
    );
  }

  async read() {
    const { product } = this;
    const turn = ++this.#turn;
    try {
      const [s, text] = await Promise.all([
        getJson(`/v1/statistics?${query({ product, window: this.shift.window })}`),
        request("/metrics").then((answer) => answer.text()),
      ]);
      if (performance.now() - this.#usualAt > USUAL_MS) {
        this.#usual = await getJson(`/v1/statistics?${query({ product, window: USUAL_WINDOW })}`);
        this.#usualAt = performance.now();
      }
      if (turn === this.#turn) this.#show(s, text); // otherwise the shift was changed meanwhile
    } catch {
      // The top of the page shows the state of the connection.
    }
  }

  #show(s, text) {
    const inFlight = metric(text, "inspectd_in_flight");
    const limit = metric(text, "inspectd_in_flight_limit");
    const unusual = unusualRate(this.newest().slice(0, NEWEST), this.#usual);
    sayTrouble(
      "rate",
      unusual &&
        `Anomaly rate is unusually ${unusual.high ? "high" : "low"}: ${unusual.found} of the last ${unusual.of}, usually ${percent(unusual.usual)}`,
    );
    sayTrouble(
      "queue",
      limit && inFlight >= 0.9 * limit ? `The queue is nearly full: ${inFlight} of ${limit} inspections in flight` : "",
    );
    this.#count(s, metric(text, "inspectd_queue_depth"), inFlight, limit);
    this.#draw(s);
    this.stages.replaceChildren(stageBars(stageMedians(this.newest().slice(0, NEWEST))));
  }

  #count(s, depth, inFlight, limit) {
    const total = s.good + s.anomaly + s.review;
    const figure = (name, value, kind) => h("div", { class: kind }, h("dt", {}, name), h("dd", {}, value));
    this.counters.replaceChildren(
      figure("Inspected", total.toLocaleString()),
      figure("Good", s.good.toLocaleString(), "good"),
      figure("Anomalies", s.anomaly.toLocaleString(), "anomaly"),
      figure("To review", s.review.toLocaleString(), "review"),
      figure("Anomaly rate", percent(s.anomaly_rate)),
      figure("Queue, in flight", `${depth ?? "–"}, ${inFlight ?? "–"} of ${limit ?? "–"}`),
      figure("Latency p50", total ? milliseconds(s.latency_ms.p50) : "–"),
      figure("Latency p99", total ? milliseconds(s.latency_ms.p99) : "–"),
    );
  }

  #draw(s) {
    const domain = [Date.parse(s.since), Date.parse(s.until)];
    this.span = domain[1] - domain[0];
    const all = steps(s);
    // Leaves out steps that have just begun or are mostly outside the window: their rates would be noise.
    const rateOf = ({ seconds, bucket }) =>
      seconds < s.bucket_s / 5
        ? null
        : (((bucket?.good ?? 0) + (bucket?.anomaly ?? 0) + (bucket?.review ?? 0)) * 60) / seconds;
    const line = (name, read) => ({ name, points: all.map((step) => [Math.max(step.at, domain[0]), read(step)]) });
    this.rate.show([line("rate", ({ bucket }) => bucket?.anomaly_rate ?? null)], { domain });
    this.throughput.show([line("throughput", rateOf)], { domain });
    this.latency.show(
      ["p50", "p99"].map((name) => line(name, ({ bucket }) => bucket?.latency_ms[name] ?? null)),
      { domain },
    );
  }
}
