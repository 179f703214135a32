// Builds the page: elements, and numbers and times for people.
import { now } from "./clock.js";

const SVG = "http://www.w3.org/2000/svg";

function build(element, properties, children) {
  for (const [name, value] of Object.entries(properties ?? {})) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(
    ...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false),
  );
  return element;
}

// h("p", {class: "x", onclick: f}, "text", element): texts become text nodes, never markup.
export const h = (tag, properties, ...children) => build(document.createElement(tag), properties, children);
export const svg = (tag, properties, ...children) => build(document.createElementNS(SVG, tag), properties, children);
export const byId = (id) => document.getElementById(id);

export const percent = (share, digits = 1) =>
  share === null || share === undefined ? "–" : `${(100 * share).toFixed(digits)} %`;

const DIGITS_MAX = 4;
// Says whether rounding turns a probability or threshold into 0 % or 100 %.
const certain = (shown, value) => (shown === 0 && value > 0) || (shown === 100 && value < 1);

function limitPercent(limit) {
  for (let digits = 2; digits <= DIGITS_MAX; digits++) {
    const shown = Number((100 * limit).toFixed(digits));
    if (!certain(shown, limit)) return shown;
  }
  return Number((100 * limit).toPrecision(7));
}
// Prints a threshold or the edge of a band with as many digits as it needs: 50 %, 12.5 %.
export const limitText = (limit) => (limit === null || limit === undefined ? "–" : `${limitPercent(limit)} %`);

// Prints a probability with enough digits to show on which side of its limits (a threshold, the edges of a band) it is.
export function probability(p, ...limits) {
  const known = limits.filter((limit) => typeof limit === "number");
  if (p > 0.999 && p < 1 && known.every((limit) => limit <= 0.999)) return "> 99.9 %";
  if (p > 0 && p < 0.001 && known.every((limit) => limit >= 0.001 || limit === 0)) return "< 0.1 %";
  let crossed;
  for (let digits = 1; digits <= DIGITS_MAX; digits++) {
    const text = (100 * p).toFixed(digits);
    crossed = known.find((limit) => p >= limit !== Number(text) >= limitPercent(limit));
    if (crossed === undefined && !certain(Number(text), p)) return `${text} %`;
  }
  return crossed === undefined ? `${100 * p} %` : `${p < crossed ? "<" : "≥"} ${limitText(crossed)}`;
}
export const milliseconds = (ms) =>
  ms === null || ms === undefined
    ? "–"
    : ms > 0 && ms < 10
      ? `${ms.toFixed(1)}\u00a0ms`
      : ms < 10000
        ? `${ms.toFixed(0)}\u00a0ms`
        : `${(ms / 1000).toFixed(1)}\u00a0s`;
export const dateTime = (time) => (time ? new Date(time).toLocaleString() : "–");
// Prints a time for an axis of `span` milliseconds.
export const dayOrTime = (time, span) =>
  span > 3 * 86400e3
    ? new Date(time).toLocaleDateString(undefined, { day: "numeric", month: "short" })
    : new Date(time).toLocaleTimeString(undefined, { hour: "2-digit", minute: "2-digit", hour12: false });

export function bytes(count) {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let i = 0;
  for (; count >= 1000 && i < units.length - 1; i++) count /= 1000;
  return `${count.toFixed(i && count < 10 ? 1 : 0)} ${units[i]}`;
}

export function duration(exact) {
  const seconds = Math.max(0, Math.round(exact)); // rounded first, so that it never prints 1 min 60 s
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  if (seconds < 86400) return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
  return `${Math.floor(seconds / 86400)} d ${Math.floor((seconds % 86400) / 3600)} h`;
}

// Makes an age ("3 s ago") that tickAges keeps up to date.
export const age = (time) => h("time", { class: "age", datetime: time, title: dateTime(time) }, agoText(time));
const COARSE_S = 600; // ages above this have no seconds
const agoText = (time) => {
  const seconds = (now() - Date.parse(time)) / 1000;
  return seconds >= COARSE_S && seconds < 3600 ? `${Math.floor(seconds / 60)} min ago` : `${duration(seconds)} ago`;
};
export function tickAges() {
  for (const element of document.querySelectorAll("time.age")) {
    const text = agoText(element.dateTime);
    if (element.textContent !== text) element.textContent = text;
  }
}

// Text and shape of each verdict: a tick in a disc, an exclamation mark in a triangle, an eye in a diamond.
const VERDICTS = {
  good: { word: "Good", shape: ["circle", { cx: 12, cy: 12, r: 11 }], mark: "M6.5 12.5l3.8 3.8 7.2-8" },
  anomaly: { word: "Anomaly", shape: ["path", { d: "M12 1.5L23.5 22.5H.5z" }], mark: "M12 9v6M12 18.2v.6" },
  review: {
    word: "Review",
    shape: ["path", { d: "M12 .5L23.5 12 12 23.5.5 12z" }],
    mark: "M6.5 12q5.5-6.5 11 0q-5.5 6.5-11 0M12 12v.1",
  },
};
export const verdictWord = (verdict) => VERDICTS[verdict]?.word ?? verdict;

export function verdict(item) {
  const { word, shape, mark } = VERDICTS[item.verdict];
  const icon = svg(
    "svg",
    { viewBox: "0 0 24 24", "aria-hidden": "true" },
    svg(...shape),
    svg("path", { class: "mark", d: mark }),
  );
  return h("p", { class: `verdict ${item.verdict}` }, icon, h("span", {}, word));
}

// The reasons of openapi.yaml. A reason that is missing here is shown by its name.
export const REASONS = {
  black: "black",
  white: "white",
  flat: "one level everywhere",
  saturated: "overexposed",
  bit_depth: "doubtful bit depth",
  alpha: "transparent",
  colour: "grey or coloured, unlike the training pictures",
  range: "darker, brighter or flatter than the training pictures",
  shape: "another aspect ratio than the training pictures",
  size: "too few pixels",
  unlike_good: "unlike every good part",
  out_of_focus: "out of focus",
  unlike_product: "another part, or the camera has moved",
  frozen: "the same bytes as the camera's last picture",
};

// Says why the picture is suspect; "" if it is not.
export const suspicion = ({ reasons }) =>
  reasons?.length ? `Doubtful picture: ${reasons.map((reason) => REASONS[reason] ?? reason).join("; ")}` : "";

// Makes the probability as a bar with a line at the threshold.
export function meter(item) {
  const shown = probability(item.probability, item.threshold);
  const from = `anomaly from ${limitText(item.threshold)}`;
  const bar = h(
    "div",
    {
      class: `meter ${item.verdict}`,
      role: "meter",
      "aria-label": "Probability of an anomaly",
      "aria-valuemin": 0,
      "aria-valuemax": 1,
      "aria-valuenow": item.probability,
      "aria-valuetext": `${shown}, ${from}`,
    },
    h("span", { class: "fill" }),
    h("span", { class: "limit" }),
  );
  bar.style.setProperty("--value", item.probability);
  bar.style.setProperty("--limit", item.threshold);
  return h("div", { class: "score" }, bar, h("p", {}, h("strong", {}, shown), " ", h("span", {}, from)));
}

export function labelTag(label) {
  if (!label) return null;
  return h("span", { class: "tag label" }, `labelled ${label.label}${label.defect ? `: ${label.defect}` : ""}`);
}

// Makes a table that scrolls on a narrow page, also by keyboard.
export function scrolledTable(label, columns, body) {
  const titles = columns.map((text) => h("th", { scope: "col" }, text));
  return h(
    "div",
    { class: "scroll", tabindex: 0, role: "region", "aria-label": label },
    h("table", {}, h("thead", {}, h("tr", {}, titles)), body),
  );
}

// Makes a table that scrolls like scrolledTable. rows: texts or elements; the first of each row is its header.
export function table(caption, head, rows) {
  const first = ([name, ...rest]) =>
    h(
      "tr",
      {},
      h("th", { scope: "row" }, name),
      rest.map((text) => h("td", {}, text)),
    );
  const titles = head.map((text) => (text ? h("th", { scope: "col" }, text) : h("td", {})));
  return h(
    "div",
    { class: "scroll", tabindex: 0, role: "region", "aria-label": caption },
    h("table", {}, h("caption", {}, caption), h("thead", {}, h("tr", {}, titles)), h("tbody", {}, rows.map(first))),
  );
}

let noticeTimer;
// Shows a line at the foot of the page for a while; screen readers read it.
export function notice(text) {
  const element = byId("notice");
  element.textContent = text;
  element.hidden = false;
  clearTimeout(noticeTimer);
  noticeTimer = setTimeout(() => {
    element.hidden = true;
  }, 6000);
}

// Asks before an action that cannot be undone. Resolves to true or false.
export function confirmed(question, yes) {
  const dialog = byId("confirm");
  byId("confirm-question").textContent = question;
  byId("confirm-yes").textContent = yes;
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) =>
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true }),
  );
}

// Runs the action of a button, which is disabled meanwhile. Shows `done` or the error.
export function doing(act, done) {
  return async (event) => {
    const button = event.currentTarget;
    button.disabled = true;
    try {
      await act();
      if (done) notice(done);
    } catch (error) {
      notice(error.message);
    } finally {
      button.disabled = false;
    }
  };
}
