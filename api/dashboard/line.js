// The line: the newest inspection large, those before it, anomalies pinned until somebody has dealt with them, and
// how the shift goes.
import { card } from "./cards.js";
import { lineChart } from "./charts.js";
import { clock, h, milliseconds, notice, percent } from "./dom.js";
import { metric, unusualRate } from "./judge.js";
import { live } from "./live.js";
import { getJson, query, request, sendJson } from "./net.js";
import { sayTrouble } from "./trouble.js";

const RECENT = 12, REMEMBERED = 200, PINS = 12, ACKNOWLEDGED_MAX = 500;
const RENDER_MS = 250, FIGURES_MS = 3000;
const ACKNOWLEDGED = "acknowledged"; // ids, in local storage: they are no secret and should outlive the tab

const acknowledged = () => JSON.parse(localStorage.getItem(ACKNOWLEDGED) ?? "[]");
const acknowledge = (ids) => localStorage.setItem(ACKNOWLEDGED, JSON.stringify([...ids, ...acknowledged()].slice(0, ACKNOWLEDGED_MAX)));

// Puts the cards of `items` into `list` in their order, keeping the elements that are there already.
function fill(list, items, make) {
  const had = new Map([...list.children].map((element) => [element.dataset.id, element]));
  const wanted = items.map((item) => had.get(item.id) ?? make(item));
  for (const element of had.values()) if (!wanted.includes(element)) element.remove();
  wanted.forEach((element, place) => { if (list.children[place] !== element) list.insertBefore(element, list.children[place] ?? null); });
}

class Line {
  items = []; // newest first
  pins = [];
  window = "8h";
  stopped = new AbortController();

  constructor(view, product) {
    this.product = product;
    this.hero = h("div", { class: "hero" });
    this.pinned = h("div", { class: "strip" });
    this.pinTitle = h("h2", { id: "pins-title" }, "Anomalies to look at");
    this.clearPins = h("button", { type: "button", onclick: () => this.acknowledge(this.pins) }, "Acknowledge all");
    this.pinSection = h("section", { class: "pins", "aria-labelledby": "pins-title", hidden: true }, h("div", { class: "title" }, this.pinTitle, this.clearPins), this.pinned);
    this.recent = h("div", { class: "recent" });
    this.figures = h("div", { class: "figures" });
    const windows = h("select", { onchange: (event) => { this.window = event.target.value; this.readFigures(); } },
      [["1h", "last hour"], ["8h", "last 8 hours"], ["24h", "last 24 hours"], ["7d", "last 7 days"]].map(([value, text]) => h("option", { value, selected: value === this.window }, text)));
    view.append(h("div", { class: "line" }, h("section", { class: "now", "aria-label": "Newest inspections" }, this.hero, this.pinSection, this.recent),
      h("section", { class: "shift", "aria-label": "Figures" }, h("label", { class: "window" }, "Shift ", windows), this.figures)));
  }

  wants = (item) => !this.product || item.product === this.product;

  async start() {
    const { signal } = this.stopped;
    live.addEventListener("inspection", ({ detail }) => this.take([detail]), { signal });
    live.addEventListener("state", () => this.readLists().catch(() => {}), { signal });
    const figures = setInterval(() => document.hidden || this.readFigures(), FIGURES_MS);
    signal.addEventListener("abort", () => { clearInterval(figures); clearTimeout(this.renderTimer); });
    await Promise.all([this.readLists(), this.readFigures()]);
  }

  stop() { this.stopped.abort(); }

  take(items) {
    const known = new Set(this.items.map((item) => item.id));
    const fresh = items.filter((item) => this.wants(item) && !known.has(item.id));
    if (!fresh.length) return;
    this.items = [...fresh, ...this.items].sort((a, b) => (a.id < b.id ? 1 : -1)).slice(0, REMEMBERED);
    this.pin(fresh);
    this.renderSoon();
  }

  pin(items) {
    const done = new Set(acknowledged());
    const fresh = items.filter((item) => item.verdict === "anomaly" && !item.label && !done.has(item.id) && !this.pins.some((pin) => pin.id === item.id));
    this.pins = [...fresh, ...this.pins].sort((a, b) => (a.id < b.id ? 1 : -1));
  }

  async readLists() {
    const { product } = this;
    const [recent, open] = await Promise.all([
      getJson(`/v1/inspections?${query({ product, limit: REMEMBERED })}`),
      getJson(`/v1/inspections?${query({ product, verdict: "anomaly", label: "none", limit: 100, since: new Date(Date.now() - 86400e3).toISOString() })}`),
    ]);
    this.items = [];
    this.pins = [];
    this.pin(open.items);
    this.take(recent.items);
    this.render();
  }

  acknowledge(items) {
    acknowledge(items.map((item) => item.id));
    this.pins = this.pins.filter((pin) => !items.includes(pin));
    this.render();
  }

  async label(item, label) {
    await sendJson("PUT", `/v1/inspections/${item.id}/label`, { label });
    notice(`Labelled ${label}.`);
    this.pins = this.pins.filter((pin) => pin !== item);
    this.render();
  }

  renderSoon() {
    this.renderTimer ??= setTimeout(() => { this.renderTimer = null; this.render(); }, RENDER_MS);
  }

  render() {
    fill(this.hero, this.items.slice(0, 1), (item) => card(item, "large"));
    if (!this.items.length) this.hero.replaceChildren(h("p", { class: "empty" }, "No inspection yet. Cameras post images to /v1/inspections."));
    fill(this.recent, this.items.slice(1, 1 + RECENT), (item) => card(item, "small"));
    this.pinSection.hidden = !this.pins.length;
    this.pinTitle.textContent = `Anomalies to look at: ${this.pins.length >= 100 ? "100 or more" : this.pins.length}`;
    const button = (text, name, act) => h("button", { type: "button", "aria-label": name, onclick: () => act().catch((error) => notice(error.message)) }, text);
    fill(this.pinned, this.pins.slice(0, PINS), (item) => card(item, "pin", [
      button("Seen", "Acknowledge", async () => this.acknowledge([item])),
      button("Really bad", "Label as anomaly", () => this.label(item, "anomaly")),
      button("Is good", "Label as good", () => this.label(item, "good")),
    ]));
  }

  async readFigures() {
    const { product } = this;
    try {
      const [s, text] = await Promise.all([
        getJson(`/v1/statistics?${query({ product, window: this.window })}`),
        request("/metrics").then((answer) => answer.text()),
      ]);
      this.showFigures(s, text);
    } catch { /* the connection's state is said at the top */ }
  }

  showFigures(s, text) {
    const total = s.good + s.anomaly, depth = metric(text, "inspectd_queue_depth");
    const inFlight = metric(text, "inspectd_in_flight"), limit = metric(text, "inspectd_in_flight_limit");
    const figure = (name, value, kind) => h("div", { class: kind }, h("dt", {}, name), h("dd", {}, value));
    const unusual = unusualRate(this.items.slice(0, 100), s);
    sayTrouble("rate", unusual && `Anomaly rate is unusually ${unusual.high ? "high" : "low"}: ${unusual.found} of the last ${unusual.of}, usual is ${percent(unusual.usual)}`);
    sayTrouble("queue", limit && inFlight >= 0.9 * limit ? `The queue is nearly full: ${inFlight} of ${limit} inspections under way` : "");
    this.figures.replaceChildren(h("dl", { class: "counters" },
      figure("Inspected", total.toLocaleString()), figure("Good", s.good.toLocaleString(), "good"), figure("Anomalies", s.anomaly.toLocaleString(), "anomaly"),
      figure("Anomaly rate", percent(s.anomaly_rate)), figure("Latency p50 / p99", total ? `${milliseconds(s.latency_ms.p50)} / ${milliseconds(s.latency_ms.p99)}` : "–"),
      figure("Queue", `${depth ?? "–"}`), figure("Under way", `${inFlight ?? "–"} of ${limit ?? "–"}`)), ...this.charts(s));
  }

  charts(s) {
    const at = (bucket) => Date.parse(bucket.start), domain = [Date.parse(s.since), Date.parse(s.until)];
    const rate = s.buckets.map((b) => [at(b), b.anomaly_rate]);
    const perMinute = s.buckets.map((b) => [at(b), ((b.good + b.anomaly) * 60) / s.bucket_s]);
    const newest = this.items.slice(0, 120).reverse().map((item, i, all) => [i + 1 - all.length, item.timing_ms.total]);
    const short = (v) => percent(v, v > 0 && v < 0.1 ? 1 : 0);
    return [
      lineChart({ title: "Anomaly rate", series: [{ name: "rate", points: rate }], format: short, formatX: clock, domain }),
      lineChart({ title: "Inspections a minute", series: [{ name: "throughput", points: perMinute }], format: (v) => (v < 10 ? v.toFixed(1) : v.toFixed(0)), formatX: clock, domain }),
      lineChart({ title: "Latency, newest 120", series: [{ name: "latency", points: newest }], format: milliseconds, formatX: (v) => (v ? `${v}` : "newest") }),
    ];
  }
}

export function open(view, { product }) {
  const line = new Line(view, product);
  line.start().catch((error) => notice(error.message));
  return () => { line.stop(); sayTrouble("rate", ""); sayTrouble("queue", ""); };
}
