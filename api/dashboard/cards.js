// One inspection as a card: picture under its heat, verdict, probability, where and when.
import { age, h, labelTag, meter, milliseconds, verdict } from "./dom.js";
import { imagePath } from "./heat.js";
import { showPicture } from "./net.js";

export function picture(item) {
  const image = h("img", { class: "image", alt: `${item.product}${item.part ? `, part ${item.part}` : ""}` });
  const heat = h("img", { class: "heat", alt: "" });
  if (item.image.kept) showPicture(image, imagePath(item));
  showPicture(heat, item.heatmap.href);
  return h("div", { class: "picture" }, image, heat);
}

export const placeText = (item) => [item.product, item.camera && `camera ${item.camera}`, item.part && `part ${item.part}`].filter(Boolean).join(" · ");

// buttons: elements for the foot of the card
export function card(item, size, buttons) {
  return h("article", { class: `card ${size} ${item.verdict}`, "data-id": item.id },
    h("a", { href: `#/inspection/${item.id}`, "aria-label": `${item.verdict}, ${placeText(item)}: open` }, picture(item)),
    h("div", { class: "facts" }, verdict(item), meter(item), h("p", { class: "place" }, placeText(item)),
      h("p", { class: "times" }, age(item.received_at), ` · ${milliseconds(item.timing_ms.total)}`, labelTag(item.label)),
      buttons?.length ? h("p", { class: "buttons" }, buttons) : null));
}
