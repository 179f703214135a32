// The banner: everything that is wrong now, each under a key of its own.
import { byId, h } from "./dom.js";

const troubles = new Map();

export function sayTrouble(key, text) {
  if ((troubles.get(key) ?? "") === (text || "")) return; // not said again by a screen reader
  if (text) troubles.set(key, text);
  else troubles.delete(key);
  const banner = byId("banner");
  banner.hidden = !troubles.size;
  banner.replaceChildren(...[...troubles.values()].map((line) => h("p", {}, line)));
}
