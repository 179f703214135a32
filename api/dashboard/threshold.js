// Sets the threshold and review band of a version, and previews them on its last inspections.
import { Chart } from "./charts.js";
import { doing, h, limitText, percent, probability } from "./dom.js";
import { getJson, query, sendJson } from "./net.js";

const COUNTS = [100, 500, 2000, 5000];
const PAGE = 500;
const BINS = 25;
const EXAMPLES = 8;

// Applies the daemon's rule (core/model/verdict.c) in its precision; tests/browser/test_models.mjs compares the two.
// band: {low, high}, or null for none.
export function verdictOf(probability, threshold, band) {
  const p = Math.fround(probability);
  if (band && p >= Math.fround(band.low) && p < Math.fround(band.high)) return "review";
  return p >= Math.fround(threshold) ? "anomaly" : "good";
}

// Applies threshold and band to `items`: returns counts by verdict, the items whose verdict changes, and the numbers of
// labelled and wrongly judged items. A verdict `review` is never wrong.
export function whatIf(items, threshold, band) {
  const counts = { good: 0, anomaly: 0, review: 0 };
  const changed = [];
  let labelled = 0;
  let wrong = 0;
  for (const item of items) {
    const judged = verdictOf(item.probability, threshold, band);
    const verdict = item.suspect && judged === "good" ? "review" : judged; // a suspect picture is never good
    counts[verdict]++;
    if (verdict !== item.verdict) changed.push({ item, verdict });
    if (!item.label) continue;
    labelled++;
    wrong += verdict !== "review" && verdict !== item.label.label;
  }
  return { counts, changed, labelled, wrong };
}

// Fetches up to `count` of the newest inspections of a version.
async function readItems(model, count) {
  const items = [];
  let cursor = "";
  do {
    const filter = {
      product: model.product,
      model: model.version,
      limit: Math.min(PAGE, count - items.length),
      cursor,
    };
    const page = await getJson(`/v1/inspections?${query(filter)}`);
    items.push(...page.items);
    cursor = page.next;
  } while (cursor && items.length < count);
  return items;
}

function histogram(items) {
  const bins = new Array(BINS).fill(0);
  for (const { probability: p } of items) bins[Math.min(BINS - 1, Math.floor(p * BINS))]++;
  return bins.map((count, i) => [(i + 0.5) / BINS, count]);
}

export class ThresholdForm {
  #items = [];
  #due = false;
  #moved = false; // by the user; a stored threshold may be between two steps of the slider
  #turn = 0;

  // changed() is called after the daemon has stored new values.
  constructor(model, changed) {
    this.model = model;
    this.output = h("output", {});
    this.input = h("input", {
      type: "range",
      name: "threshold",
      min: 0,
      max: 1,
      step: 0.01,
      value: model.threshold,
      oninput: () => {
        this.#moved = true;
        this.#soon();
      },
    });
    this.count = h(
      "select",
      { name: "count", onchange: () => this.#read() },
      COUNTS.map((count) => h("option", { value: count, selected: count === 500 }, count)),
    );
    this.effect = h("p", { class: "effect", "aria-live": "polite" }, "Reading the last inspections");
    this.examples = h("ul", { class: "examples" });
    this.chart = new Chart({
      title: "Probabilities of these",
      kind: "bars",
      format: (count) => `${Math.round(count)}`,
      formatX: (value) => percent(value, 0),
    });
    const save = doing(() => this.#save(changed), "Set.");
    this.element = h(
      "div",
      { class: "threshold" },
      h("label", { class: "slider" }, h("span", {}, "Anomaly from"), this.input, this.output),
      this.#band(),
      h("label", {}, "Try on the last ", this.count, " inspections of this version"),
      this.effect,
      this.chart.element,
      this.examples,
      h("p", { class: "buttons" }, h("button", { type: "button", onclick: save }, "Set threshold and band")),
    );
    this.#read();
  }

  #band() {
    const { review, threshold } = this.model;
    const rounded = (value) => Number(value.toFixed(4));
    const edge = (name, value) =>
      h("input", {
        type: "number",
        name,
        min: 0,
        max: 1,
        step: 0.01,
        value,
        oninput: () => this.#soon(),
      });
    this.low = edge("review-low", review?.low ?? rounded(Math.max(0, threshold - 0.1)));
    this.high = edge("review-high", review?.high ?? rounded(Math.min(1, threshold + 0.1)));
    this.banded = h("input", {
      type: "checkbox",
      name: "review",
      checked: Boolean(review),
      onchange: () => this.#soon(),
    });
    this.edges = h(
      "span",
      { class: "edges" },
      h("label", {}, "from ", this.low),
      h("label", {}, "to below ", this.high),
    );
    return h(
      "div",
      { class: "band" },
      h("label", { class: "check" }, this.banded, " Send close calls to review"),
      this.edges,
    );
  }

  get band() {
    return this.banded.checked ? { low: this.low.valueAsNumber, high: this.high.valueAsNumber } : null;
  }

  async #read() {
    const turn = ++this.#turn;
    try {
      const items = await readItems(this.model, Number(this.count.value));
      if (turn !== this.#turn) return; // the user has chosen another count meanwhile
      this.#items = items;
      this.#show();
    } catch (error) {
      if (turn === this.#turn) this.effect.textContent = error.message;
    }
  }

  get value() {
    return this.#moved ? this.input.valueAsNumber : this.model.threshold;
  }

  #save(changed) {
    const path = `/v1/admin/products/${this.model.product}/models/${this.model.version}`;
    return sendJson("PATCH", path, { threshold: this.value, review: this.band }).then(changed);
  }

  #soon() {
    if (this.#due) return;
    this.#due = true;
    requestAnimationFrame(() => this.#show());
  }

  #show() {
    this.#due = false;
    const { band, value } = this;
    this.output.textContent = limitText(value);
    this.edges.hidden = !band;
    const would = whatIf(this.#items, value, band);
    this.effect.textContent = this.#words(would);
    this.chart.element.hidden = !this.#items.length;
    this.chart.show([{ name: "inspections", points: histogram(this.#items) }], {
      domain: [0, 1],
      marks: band ? [value, band.low, band.high] : [value],
    });
    const example = ({ item, verdict }) =>
      h(
        "li",
        {},
        h("a", { href: `#/inspection/${item.id}` }, item.part ? `part ${item.part}` : item.id.slice(-12)),
        ` ${probability(item.probability, item.threshold, value, band?.low, band?.high)}: ${item.verdict} → ${verdict}`,
      );
    this.examples.replaceChildren(...would.changed.slice(0, EXAMPLES).map(example));
  }

  #words({ counts, changed, labelled, wrong }) {
    const { length } = this.#items;
    if (!length) return "This version has no inspections yet.";
    const review = this.band || counts.review ? `, ${counts.review} to review` : "";
    const labels = labelled ? `; ${wrong} of ${labelled} labelled inspections would be judged wrongly` : "";
    return `Of its last ${length} inspections: ${counts.anomaly} anomalies, ${counts.good} good${review}; ${changed.length} would change${labels}.`;
  }
}
