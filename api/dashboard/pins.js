// Anomalies and parts to review stay pinned until somebody has acknowledged or labelled them.
import { card, fill } from "./cards.js";
import { h, notice } from "./dom.js";
import { getJson, query, sendJson } from "./net.js";

const SHOWN = 24;
const READ = 100; // of each verdict
const BACK_MS = 86400e3;
const IDS_MAX = 2000;
const STORED = "acknowledged"; // in local storage: ids are no secret, and what was seen stays seen in every tab
const VERDICTS = ["anomaly", "review"];

const stored = () => ({ upTo: "", ids: [], ...JSON.parse(localStorage.getItem(STORED) ?? "{}") });

export class Pins {
  #items = []; // newest first

  constructor(product) {
    this.product = product;
    this.title = h("h2", { id: "pins-title" });
    this.strip = h("div", { class: "strip" });
    this.element = h(
      "section",
      { class: "pins", "aria-labelledby": "pins-title", hidden: true },
      h(
        "div",
        { class: "title" },
        this.title,
        h("button", { type: "button", onclick: () => this.#acknowledgeAll() }, "Acknowledge all"),
      ),
      this.strip,
    );
  }

  async read() {
    const since = new Date(Date.now() - BACK_MS).toISOString();
    const filter = { product: this.product, label: "none", limit: READ, since };
    const pages = await Promise.all(
      VERDICTS.map((verdict) => getJson(`/v1/inspections?${query({ ...filter, verdict })}`)),
    );
    this.#items = [];
    this.add(pages.flatMap(({ items }) => items));
    this.render();
  }

  // Takes those of `items` that somebody should look at.
  add(items) {
    const { upTo, ids } = stored();
    const had = new Set([...ids, ...this.#items.map(({ id }) => id)]);
    const fresh = items.filter(
      (item) => VERDICTS.includes(item.verdict) && !item.label && item.id > upTo && !had.has(item.id),
    );
    this.#items = [...fresh, ...this.#items].sort((a, b) => (a.id < b.id ? 1 : -1));
  }

  // Another tab has acknowledged.
  recheck() {
    const items = this.#items;
    this.#items = [];
    this.add(items);
    this.render();
  }

  #acknowledge(item) {
    const { upTo, ids } = stored();
    localStorage.setItem(STORED, JSON.stringify({ upTo, ids: [item.id, ...ids].slice(0, IDS_MAX) }));
    this.#drop(item);
  }

  // All up to the newest, the older ones that were never read included.
  #acknowledgeAll() {
    if (this.#items.length) localStorage.setItem(STORED, JSON.stringify({ upTo: this.#items[0].id, ids: [] }));
    this.#items = [];
    this.render();
  }

  async #label(item, label) {
    await sendJson("PUT", `/v1/inspections/${item.id}/label`, { label });
    notice(`Labelled ${label}.`);
    this.#drop(item);
  }

  #drop(item) {
    this.#items = this.#items.filter((pin) => pin !== item);
    this.render();
  }

  render() {
    const count = this.#items.length;
    this.element.hidden = !count;
    this.title.textContent = `To look at: ${count >= READ ? `${READ} or more` : count}`;
    fill(this.strip, this.#items.slice(0, SHOWN), (item) => card(item, "pin", this.#buttons(item)));
  }

  #buttons(item) {
    const part = item.part ? ` part ${item.part}` : "";
    const button = (text, name, act) =>
      h(
        "button",
        {
          type: "button",
          "aria-label": `${name}${part}`,
          onclick: () => act().catch((error) => notice(error.message)),
        },
        text,
      );
    return [
      button("Seen", "Acknowledge", async () => this.#acknowledge(item)),
      button("Really bad", "Label as anomaly:", () => this.#label(item, "anomaly")),
      button("Is good", "Label as good:", () => this.#label(item, "good")),
    ];
  }
}
