// Stores acknowledgements in local storage, so that they hold in every tab of this browser; per product, because a
// person who watches one line has not seen the parts of another.
import { readStored, removeStored, writeStored } from "./stored.js";

export const DAY_MS = 86400e3; // older parts are no longer pinned
const OLD_KEY = "acknowledged"; // one value for all products, from earlier versions of this page
const IDS_MAX = 2000;
const OVERTAKE_MS = 30000; // a part gets its id when its image arrives; its event may follow that of a newer part

// Converts between ids and times: the first 48 bits of a UUIDv7 are milliseconds since 1970.
export const timeOf = (id) => parseInt(id.slice(0, 8) + id.slice(9, 13), 16);
export function idBefore(ms) {
  const digits = Math.max(0, Math.floor(ms)).toString(16).padStart(12, "0");
  return `${digits.slice(0, 8)}-${digits.slice(8)}-7000-8000-000000000000`;
}

const keyOf = (product) => `${OLD_KEY}:${product}`;
const nothing = { upTo: "", ids: [] }; // all parts up to the id `upTo`, and each of `ids`
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const valid = ({ upTo, ids }) =>
  (upTo === "" || UUID.test(upTo)) && Array.isArray(ids) && ids.every((id) => UUID.test(id));
const held = new Map(); // values that the storage refused; they hold until this tab is closed

function read(product) {
  const own = held.get(product) ?? readStored(keyOf(product), valid);
  if (own) return own;
  const old = readStored(OLD_KEY, valid);
  return old ? { upTo: old.product === product ? old.upTo : "", ids: old.ids } : nothing;
}

function write(product, upTo, ids) {
  const newest = [...new Set(ids)].filter((id) => id > upTo).sort((a, b) => (a < b ? 1 : -1));
  const value = { upTo, ids: newest.slice(0, IDS_MAX) };
  if (writeStored(keyOf(product), value)) held.delete(product);
  else held.set(product, value);
}

// Returns a function that says whether an item is acknowledged, by the values stored now.
export function acknowledgements() {
  const known = new Map();
  return ({ product, id }) => {
    if (!known.has(product)) {
      const { upTo, ids } = read(product);
      known.set(product, { upTo, ids: new Set(ids) });
    }
    const { upTo, ids } = known.get(product);
    return id <= upTo || ids.has(id);
  };
}

export function acknowledge({ product, id }) {
  const { upTo, ids } = read(product);
  write(product, upTo, [id, ...ids]);
}

// Acknowledges items [{product, id}] and all older parts of their products, except parts that began before the newest
// item and have not been reported yet.
export function acknowledgeAll(items) {
  for (const product of new Set(items.map((item) => item.product))) {
    const ids = items.filter((item) => item.product === product).map(({ id }) => id);
    const old = read(product);
    const newest = ids.reduce((a, b) => (a > b ? a : b));
    const upTo = idBefore(timeOf(newest) - OVERTAKE_MS);
    write(product, upTo > old.upTo ? upTo : old.upTo, [...ids, ...old.ids]);
  }
}

// Returns the id up to which all parts of `product` are acknowledged; "" for none.
export const acknowledgedUpTo = (product) => read(product).upTo;

// Converts the old value, which has an id but no product: find(id) resolves to the product of that part, or to null if
// the part is gone. The single ids in the value are unique and hold for any product.
export async function migrate(now, find) {
  const old = readStored(OLD_KEY, valid);
  const newest = old && [old.upTo, ...old.ids].reduce((a, b) => (a > b ? a : b));
  if (!newest || timeOf(newest) < now - DAY_MS) removeStored(OLD_KEY);
  else if (old.upTo && old.product === undefined) writeStored(OLD_KEY, { ...old, product: await find(old.upTo) });
}
