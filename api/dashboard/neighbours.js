// Finds the inspections before and after one, within a filter. Lists are newest first. The older neighbour is the first
// of the list up to this inspection. The newer one is the last of a period that begins here, so the period is widened
// or narrowed until it fits into one page.
import { now } from "./clock.js";
import { getJson, query } from "./net.js";

const PAGE = 500,
  TRIES = 14,
  FIRST_SPAN_MS = 60000;

const later = (time, ms) => new Date(Date.parse(time) + ms).toISOString();

export async function older(item, filter) {
  const { items } = await getJson(
    `/v1/inspections?${query({ ...filter, until: later(item.received_at, 1), limit: PAGE })}`,
  );
  return items.find((other) => other.id < item.id) ?? null;
}

export async function newer(item, filter) {
  let span = FIRST_SPAN_MS;
  for (let i = 0; i < TRIES; i++) {
    const until = later(item.received_at, span);
    const { items, next } = await getJson(
      `/v1/inspections?${query({ ...filter, since: item.received_at, until, limit: PAGE })}`,
    );
    const found = items.filter((other) => other.id > item.id).at(-1);
    if (next) span = Math.max(1, Math.floor(span / 8));
    else if (found) return found;
    else if (Date.parse(until) > now()) return null;
    else span *= 16;
  }
  return null;
}
