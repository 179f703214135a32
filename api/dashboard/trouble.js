// The banner: everything that is wrong now, each under a key of its own.
import { byId, h } from "./dom.js";

const troubles = new Map();

// text "" or null: it is over. kind: "alarm" or "warning", in colour and by its mark.
export function sayTrouble(key, text, kind = "alarm") {
  if ((troubles.get(key)?.text ?? "") === (text || "")) return; // not said again by a screen reader
  if (text) troubles.set(key, { text, kind });
  else troubles.delete(key);
  const banner = byId("banner");
  banner.hidden = !troubles.size;
  banner.replaceChildren(...[...troubles.values()].map((trouble) => h("p", { class: trouble.kind }, trouble.text)));
}
