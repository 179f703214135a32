// The banner: lists the present troubles, each under its key.
import { byId, h } from "./dom.js";

const troubles = new Map();

// Sets the text of a trouble; "" or null ends it. kind: "alarm" or "warning", shown by colour and mark.
export function sayTrouble(key, text, kind = "alarm") {
  if ((troubles.get(key)?.text ?? "") === (text || "")) return; // unchanged, so that a screen reader does not repeat it
  if (text) troubles.set(key, { text, kind });
  else troubles.delete(key);
  const banner = byId("banner");
  banner.hidden = !troubles.size;
  banner.replaceChildren(...[...troubles.values()].map((trouble) => h("p", { class: trouble.kind }, trouble.text)));
}
