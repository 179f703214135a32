// The pictures of a product's dataset as thumbnails: filter, select, relabel, delete, undo.
import { bytes, confirmed, doing, h, notice } from "./dom.js";
import { getJson, LISTING_MS, query, sendJson, showPicture } from "./net.js";
import { pictures } from "./product_words.js";

const PAGE = 60;
const WIDTH = 200;
const AT_ONCE = 500; // places of one change
const SOURCES = [
  ["", "all sources"],
  ["file", "files"],
  ["inspection", "labelled inspections"],
];
const placeOf = ({ split, class: name, name: file }) => `${split}/${name}/${file}`;

export class Grid {
  #selected = new Map(); // place: checkbox
  #next = null;
  #turn = 0;

  // changed() is called after each change of the dataset.
  constructor(product, changed, signal) {
    this.path = `/v1/admin/products/${product}/dataset`;
    this.changed = changed;
    this.signal = signal;
    const read = () => this.read().catch((error) => signal.aborted || notice(error.message));
    this.label = h("select", { onchange: read }, h("option", { value: "" }, "all labels"));
    this.source = h(
      "select",
      { onchange: read },
      SOURCES.map(([value, text]) => h("option", { value }, text)),
    );
    this.target = h("select", { "aria-label": "New label" });
    this.count = h("p", { role: "status" });
    this.move = h("button", { type: "button", onclick: doing(() => this.#change("move")) }, "Relabel");
    this.remove = h(
      "button",
      { type: "button", class: "danger", onclick: doing(() => this.#change("delete")) },
      "Delete",
    );
    this.undo = h("button", { type: "button", onclick: doing(() => this.#undo()) }, "Undo");
    this.empty = h("button", { type: "button", onclick: doing(() => this.#empty()) }, "Empty the trash");
    this.all = h("button", { type: "button", onclick: () => this.#selectAll() }, "Select all shown");
    this.more = h("button", { type: "button", onclick: doing(() => this.#page()) }, "Show more");
    this.list = h("ul", { class: "grid" });
    this.element = h(
      "section",
      { "aria-label": "Pictures of the product" },
      h(
        "p",
        { class: "buttons" },
        h("label", {}, "Label ", this.label),
        h("label", {}, "Source ", this.source),
        this.all,
        this.undo,
        this.empty,
        h("button", { type: "button", onclick: doing(() => this.#import()) }, "Import labelled inspections"),
      ),
      h("p", { class: "buttons selection" }, this.count, h("label", {}, "as ", this.target), this.move, this.remove),
      h(
        "div",
        { class: "shelf", tabindex: 0, role: "region", "aria-label": "Thumbnails" },
        this.list,
        h("p", { class: "buttons" }, this.more),
      ),
    );
  }

  // classes: {good: 24, scratch: 6}
  async show(classes) {
    const names = ["good", ...Object.keys(classes).filter((name) => name !== "good")];
    const kept = this.label.value;
    this.label.replaceChildren(
      h("option", { value: "" }, "all labels"),
      ...names.map((name) => h("option", { value: name }, name)),
    );
    this.label.value = names.includes(kept) ? kept : "";
    const target = this.target.value;
    this.target.replaceChildren(...[...new Set([...names, "defect"])].map((name) => h("option", {}, name)));
    if (target) this.target.value = target;
    this.element.hidden = !Object.keys(classes).length && !(await this.#readUndo());
    await this.read();
  }

  async #readUndo() {
    const { items } = await getJson(`${this.path}/changes`, { signal: this.signal });
    const [last] = items;
    this.last = last ?? null;
    this.undo.disabled = !last;
    this.empty.hidden = !items.some(({ action }) => action === "delete");
    this.undo.textContent = last
      ? `Undo: ${last.action === "delete" ? "delete" : "relabel"} ${pictures(last.images)}`
      : "Undo";
    return items.length;
  }

  async read() {
    const turn = ++this.#turn;
    this.#next = null;
    await this.#readUndo();
    const page = await this.#fetch("");
    if (turn !== this.#turn) return;
    this.#selected.clear();
    this.list.replaceChildren();
    this.#take(page);
  }

  #fetch(cursor) {
    const filter = { class: this.label.value, source: this.source.value, limit: PAGE, cursor };
    return getJson(`${this.path}?${query(filter)}`, { signal: this.signal, wait: LISTING_MS });
  }

  async #page() {
    const turn = this.#turn;
    const page = await this.#fetch(this.#next);
    if (turn === this.#turn) this.#take(page);
  }

  #take({ items, next }) {
    this.#next = next;
    this.more.hidden = !next;
    this.list.append(...items.map((item) => this.#cell(item)));
    this.#showSelection();
  }

  #cell(item) {
    const place = placeOf(item);
    const image = h("img", { alt: "", loading: "lazy" });
    const box = h("input", { type: "checkbox" });
    box.onchange = () => {
      if (box.checked) this.#selected.set(place, box);
      else this.#selected.delete(place);
      this.#showSelection();
    };
    showPicture(image, `${item.href}?width=${WIDTH}`);
    const source = item.source === "inspection" ? " · from the line" : "";
    return h(
      "li",
      {},
      h(
        "label",
        { title: `${place}, ${bytes(item.bytes)}` },
        image,
        h("span", { class: `tag ${item.class === "good" ? "good" : "anomaly"}` }, item.class),
        h("span", { class: "name" }, box, h("span", {}, item.name, source)),
      ),
    );
  }

  #selectAll() {
    const boxes = [...this.list.querySelectorAll("input")];
    const on = boxes.some((box) => !box.checked);
    for (const box of boxes)
      if (box.checked !== on) {
        box.checked = on;
        box.onchange();
      }
  }

  #showSelection() {
    const { size } = this.#selected;
    this.count.textContent = size ? `${pictures(size)} selected` : "Select pictures to relabel or delete them.";
    this.move.disabled = this.remove.disabled = this.target.disabled = !size;
  }

  async #change(action) {
    const images = [...this.#selected.keys()].slice(0, AT_ONCE);
    const body = action === "move" ? { images, class: this.target.value } : { images };
    const { done, items } = await sendJson("POST", `${this.path}/${action}`, body);
    const refused = items.filter(({ outcome }) => outcome === "refused" || outcome === "gone");
    const what = action === "move" ? `labelled ${this.target.value}` : "deleted; Undo brings them back";
    notice(
      `${pictures(done)} ${what}.${refused.length ? ` ${refused.length} not: ${refused[0].detail ?? "no longer there"}.` : ""}`,
    );
    this.changed();
  }

  async #empty() {
    if (!(await confirmed("Remove the deleted pictures for good? No change so far can be undone then.", "Remove")))
      return;
    await sendJson("DELETE", `${this.path}/changes`);
    await this.#readUndo();
    notice("The trash is empty.");
  }

  // Pages of the line's labels, until all are in the dataset.
  async #import() {
    let added = 0,
      moved = 0,
      cursor = null;
    do {
      const page = await sendJson("POST", `${this.path}/from-labels`, cursor ? { cursor } : {});
      added += page.added;
      moved += page.moved;
      cursor = page.next;
    } while (cursor && !this.signal.aborted);
    notice(`${pictures(added)} added from labels, ${moved} moved to another label.`);
    this.changed();
  }

  async #undo() {
    const { done, items } = await sendJson("POST", `${this.path}/undo`, { change: this.last.id });
    const gone = items.filter(({ outcome }) => outcome === "gone" || outcome === "refused").length;
    notice(`${pictures(done)} back.${gone ? ` ${gone} had been moved or removed since.` : ""}`);
    this.changed();
  }
}
