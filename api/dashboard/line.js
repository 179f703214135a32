// The line: the newest inspection large, the recent ones, the pinned ones, and the figures of the shift.
import { card, fill } from "./cards.js";
import { now } from "./clock.js";
import { duration, h, notice } from "./dom.js";
import { Figures } from "./figures.js";
import { quiet } from "./judge.js";
import { live } from "./live.js";
import { getJson, query } from "./net.js";
import { Pins } from "./pins.js";
import { repeat } from "./repeat.js";
import { Sinks } from "./sinks.js";
import { sayTrouble } from "./trouble.js";

const RECENT = 12;
const REMEMBERED = 100;
const RENDER_MS = 200; // draws many parts per second together
const FIGURES_MS = 4000;
const QUIET_MS = 2000;

class Line {
  items = []; // newest first
  stopped = new AbortController();

  constructor(view, product) {
    this.product = product;
    this.hero = h("div", { class: "hero" });
    this.recent = h("div", { class: "recent" });
    this.pins = new Pins(product);
    this.figures = new Figures(product, () => this.items);
    this.sinks = new Sinks();
    this.figures.element.append(this.sinks.element);
    const now = h(
      "section",
      { class: "now", "aria-label": "Newest inspections" },
      this.hero,
      this.pins.element,
      this.recent,
    );
    view.append(h("div", { class: "line" }, now, this.figures.element));
  }

  async start() {
    const { signal } = this.stopped;
    live.addEventListener("inspection", ({ detail }) => this.take([detail]), { signal });
    live.addEventListener("state", () => this.readLists().catch(() => {}), { signal });
    addEventListener("storage", () => this.pins.recheck(), { signal });
    live.addEventListener("polled", () => this.pins.read().catch(() => {}), { signal });
    const timer = setInterval(() => this.listen(), QUIET_MS);
    signal.addEventListener("abort", () => {
      clearInterval(timer);
      clearTimeout(this.renderTimer);
    });
    try {
      await this.readLists(); // pictures first, then figures
    } finally {
      if (!signal.aborted) {
        repeat(() => document.hidden || this.figures.read(), FIGURES_MS, signal);
        repeat(() => document.hidden || this.sinks.read(), FIGURES_MS, signal);
      }
    }
  }

  stop() {
    this.stopped.abort();
    for (const key of ["rate", "queue", "quiet"]) sayTrouble(key, "");
  }

  // Adds items, newest first; keeps those that are known.
  take(items) {
    const known = new Set(this.items.map(({ id }) => id));
    const fresh = items.filter((item) => (!this.product || item.product === this.product) && !known.has(item.id));
    if (!fresh.length) return;
    this.items = [...fresh, ...this.items].sort((a, b) => (a.id < b.id ? 1 : -1)).slice(0, REMEMBERED);
    this.pins.add(fresh);
    this.renderTimer ??= setTimeout(() => this.render(), RENDER_MS);
  }

  async readLists() {
    const recent = await getJson(`/v1/inspections?${query({ product: this.product, limit: REMEMBERED })}`);
    if (this.stopped.signal.aborted) return;
    this.take(recent.items);
    this.render();
    await this.pins.read();
  }

  render() {
    clearTimeout(this.renderTimer);
    this.renderTimer = null;
    fill(this.hero, this.items.slice(0, 1), (item) => card(item, "large"));
    if (!this.items.length)
      this.hero.append(h("p", { class: "empty" }, "No inspections yet. Cameras post images to /v1/inspections."));
    fill(this.recent, this.items.slice(1, 1 + RECENT), (item) => card(item, "small"));
    this.pins.render();
    this.listen();
  }

  listen() {
    const silence = quiet(this.items, now());
    sayTrouble("quiet", silence && `No part inspected for ${duration(silence / 1000)}`, "warning");
  }
}

export function open(view, { product }) {
  const line = new Line(view, product);
  line.start().catch((error) => notice(error.message));
  return () => line.stop();
}
