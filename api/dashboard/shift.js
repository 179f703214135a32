// Selects the period of the counters: the running shift, or a time up to now.
import { now } from "./clock.js";
import { h } from "./dom.js";
import { readStored, writeStored } from "./stored.js";

const STORED = "shift"; // key in local storage, so that a screen at the line keeps its shift after a restart
const PERIODS = [
  ["shift", "this shift"],
  ["1h", "last hour"],
  ["8h", "last 8 hours"],
  ["24h", "last 24 hours"],
  ["7d", "last 7 days"],
];
const LENGTHS = [8, 12, 24];

const DEFAULTS = { period: "shift", start: "06:00", hours: 8 };
const valid = ({ period, start, hours }) =>
  PERIODS.some(([name]) => name === period) && /^([01]\d|2[0-3]):[0-5]\d$/.test(start) && LENGTHS.includes(hours);

// Returns the beginning of the shift that runs at `now` (a Date). Shifts of `hours` follow one another from `start`
// ("06:00", local time) on.
export function shiftStart(now, { start, hours }) {
  const [hour, minute] = start.split(":").map(Number);
  const begin = new Date(now);
  begin.setHours(hour, minute, 0, 0);
  if (begin > now) begin.setDate(begin.getDate() - 1);
  const length = hours * 3600e3;
  return new Date(begin.getTime() + Math.floor((now - begin) / length) * length);
}

export class Shift {
  #settings = { ...(readStored(STORED, valid) ?? DEFAULTS) };

  // changed() is called after each change.
  constructor(changed) {
    const period = h(
      "select",
      { name: "period", onchange: () => this.#set({ period: period.value }, changed) },
      PERIODS.map(([value, text]) => h("option", { value, selected: value === this.#settings.period }, text)),
    );
    const start = h("input", {
      type: "time",
      name: "shift-start",
      required: true,
      value: this.#settings.start,
      onchange: () => start.value && this.#set({ start: start.value }, changed),
    });
    const hours = h(
      "select",
      { name: "shift-hours", onchange: () => this.#set({ hours: Number(hours.value) }, changed) },
      LENGTHS.map((value) => h("option", { value, selected: value === this.#settings.hours }, `${value} h`)),
    );
    this.times = h("span", { class: "shift-times" }, h("label", {}, "from ", start), h("label", {}, "each ", hours));
    this.element = h("div", { class: "period" }, h("label", {}, "Count ", period), this.times);
    this.#set({}, () => {});
  }

  #set(values, changed) {
    Object.assign(this.#settings, values);
    writeStored(STORED, this.#settings);
    this.times.hidden = this.#settings.period !== "shift";
    changed();
  }

  // Returns the window for GET /v1/statistics; at least a minute, also for a shift that has just begun.
  get window() {
    if (this.#settings.period !== "shift") return this.#settings.period;
    return `${Math.max(60, Math.round((now() - shiftStart(new Date(now()), this.#settings)) / 1000))}s`;
  }
}
