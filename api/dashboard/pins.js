// Pins anomalies and parts to review until a person has acknowledged or labelled them.
import {
  DAY_MS,
  acknowledge,
  acknowledgeAll,
  acknowledgedUpTo,
  acknowledgements,
  idBefore,
  migrate,
} from "./acknowledged.js";
import { card, fill } from "./cards.js";
import { now } from "./clock.js";
import { h, notice } from "./dom.js";
import { getJson, query, sendJson } from "./net.js";
import { PinList } from "./pin_list.js";

const SHOWN = 24;
const PAGE = 100;
const PAGES = 20; // pages read per verdict; older parts are shown as "or more"
const VERDICTS = ["anomaly", "review"];

// Resolves to the product of an inspection, or to null if it is no longer stored.
async function productOf(id) {
  try {
    return (await getJson(`/v1/inspections/${id}`)).product;
  } catch (error) {
    if (error.status === 404) return null;
    throw error;
  }
}

export class Pins {
  #list = new PinList();
  #reading = null;
  #again = false;
  #arrived = []; // items of events during a read
  #labelled = new Set(); // ids labelled here, which a list read just before does not reflect

  constructor(product) {
    this.product = product;
    this.title = h("h2", { id: "pins-title" });
    this.more = h("p", { class: "hint" });
    this.strip = h("div", { class: "strip" });
    this.element = h(
      "section",
      { class: "pins", "aria-labelledby": "pins-title", hidden: true },
      h(
        "div",
        { class: "title" },
        this.title,
        this.more,
        h("button", { type: "button", onclick: () => this.#acknowledgeAll() }, "Acknowledge all"),
      ),
      this.strip,
    );
  }

  // Reads the daemon's lists, one read at a time; a call during a read starts another one afterwards.
  read() {
    this.#again = true;
    this.#reading ??= this.#readAll().finally(() => {
      this.#reading = null;
    });
    return this.#reading;
  }

  async #readAll() {
    await migrate(now(), productOf);
    while (this.#again) {
      this.#again = false;
      this.#arrived = [];
      const lists = await Promise.all(VERDICTS.map((verdict) => this.#readVerdict(verdict)));
      // An item that the list lacks was labelled elsewhere, unless it is older than the end of an incomplete list.
      const older = this.#list.items.filter(({ id, verdict }) => id < lists[VERDICTS.indexOf(verdict)].oldest);
      this.#list.clear();
      this.#list.uncounted = lists.some(({ oldest }) => oldest);
      this.#pin([...lists.flatMap(({ items }) => items), ...older, ...this.#arrived]);
    }
    this.render();
  }

  // Resolves to the unlabelled items of a verdict and, if there are older ones, the id of the oldest read, else "".
  async #readVerdict(verdict) {
    const { product } = this;
    const seen = acknowledgements();
    const upTo = product ? acknowledgedUpTo(product) : "";
    const since = new Date(now() - DAY_MS).toISOString();
    const items = [];
    let cursor = "";
    for (let page = 0; page < PAGES && items.length < PAGE; page++) {
      const filter = { product, verdict, label: "none", since, limit: PAGE, cursor };
      const answer = await getJson(`/v1/inspections?${query(filter)}`);
      items.push(...answer.items.filter((item) => !seen(item)));
      cursor = answer.next;
      if (!cursor || answer.items.at(-1).id <= upTo) return { items, oldest: "" };
    }
    return { items, oldest: items.at(-1)?.id ?? idBefore(now()) };
  }

  // Pins the anomalies and parts to review among `items`.
  add(items) {
    this.#pin(items);
    if (this.#reading) this.#arrived.push(...items);
  }

  #pin(items) {
    const seen = acknowledgements();
    for (const item of items)
      if (VERDICTS.includes(item.verdict) && !item.label && !this.#labelled.has(item.id) && !seen(item))
        this.#list.add(item);
  }

  // Removes items that were acknowledged, in this tab or another.
  recheck() {
    this.#drop(acknowledgements());
  }

  #acknowledgeAll() {
    acknowledgeAll(this.#list.all);
    this.recheck();
  }

  async #label(item, label) {
    await sendJson("PUT", `/v1/inspections/${item.id}/label`, { label });
    notice(`Labelled ${label}.`);
    this.#labelled.add(item.id);
    this.#drop(({ id }) => id === item.id);
  }

  #drop(test) {
    const list = this.#list;
    list.drop(test);
    this.render();
    if (list.items.length < SHOWN && (list.beyond || list.uncounted)) this.read().catch(() => {}); // older items move up
  }

  render() {
    const list = this.#list;
    const rest = list.count - SHOWN;
    const orMore = list.uncounted ? " or more" : "";
    this.element.hidden = !list.count;
    this.title.textContent = `To check: ${list.count.toLocaleString()}${orMore}`;
    this.more.textContent = rest > 0 ? `The newest ${SHOWN}, and ${rest.toLocaleString()}${orMore} more` : "";
    fill(this.strip, list.items.slice(0, SHOWN), (item) => card(item, "pin", this.#buttons(item)));
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
    const seen = async () => {
      acknowledge(item);
      this.recheck();
    };
    return [
      button("Seen", "Seen, acknowledge", seen),
      button("Anomaly", "Label as anomaly:", () => this.#label(item, "anomaly")),
      button("Good", "Label as good:", () => this.#label(item, "good")),
    ];
  }
}
