// The list of pinned parts, newest first. There may be thousands after a bad night, so it keeps the newest complete and
// of the others only id and product, to count them.

export class PinList {
  #items = [];
  #ids = new Set(); // ids of all items, also of those beyond
  #beyond = new Map(); // id -> product
  #kept;
  #counted;
  uncounted = false; // there are more items than `count`

  // kept: number of complete items; counted: number of further items that are counted one by one
  constructor(kept = 200, counted = 10000) {
    this.#kept = kept;
    this.#counted = counted;
  }

  get items() {
    return this.#items;
  }

  get beyond() {
    return this.#beyond.size;
  }

  get count() {
    return this.#items.length + this.#beyond.size;
  }

  // Lists all items as {id, product}.
  get all() {
    return [...this.#items, ...[...this.#beyond].map(([id, product]) => ({ id, product }))];
  }

  has(id) {
    return this.#ids.has(id);
  }

  add(item) {
    if (this.#ids.has(item.id)) return;
    const place = this.#placeOf(item.id);
    if (place < this.#kept) {
      this.#ids.add(item.id);
      this.#items.splice(place, 0, item);
      if (this.#items.length > this.#kept) this.#count(this.#items.pop());
    } else this.#count(item);
  }

  #placeOf(id) {
    let low = 0;
    let high = this.#items.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#items[middle].id > id) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #count({ id, product }) {
    if (this.#beyond.size < this.#counted) {
      this.#beyond.set(id, product);
      this.#ids.add(id);
    } else {
      this.#ids.delete(id);
      this.uncounted = true;
    }
  }

  // Removes the items for which test({id, product}) is true.
  drop(test) {
    this.#items = this.#items.filter((item) => !test(item) || !this.#ids.delete(item.id));
    for (const [id, product] of this.#beyond)
      if (test({ id, product })) {
        this.#beyond.delete(id);
        this.#ids.delete(id);
      }
  }

  clear() {
    this.#items = [];
    this.#beyond.clear();
    this.#ids.clear();
    this.uncounted = false;
  }
}
