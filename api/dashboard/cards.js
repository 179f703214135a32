// Cards: one inspection each, with its picture under the heat, verdict, probability, place and time.
import { age, h, labelTag, meter, milliseconds, suspicion, verdict } from "./dom.js";
import { drawnSize, heatCanvas, imagePath, isCold, loadMap } from "./heat.js";
import { showPicture } from "./net.js";

const WIDTHS = { large: 960, small: 320, pin: 320, try: 640 }; // width of the requested picture in pixels
const HEAT_PIXELS = 160; // of the heat's canvas over it

export function picture(item, width) {
  const image = h("img", { class: "image", alt: `${item.product}${item.part ? `, part ${item.part}` : ""}` });
  if (item.image.kept) showPicture(image, imagePath(item, width));
  const { threshold, max } = item.heatmap;
  const hot = max >= threshold && !isCold(item); // the heat of the others would be transparent
  const heat = hot && heatCanvas(drawnSize(item.image, HEAT_PIXELS), loadMap(item), threshold);
  return h("div", { class: "picture" }, image, heat);
}

export const placeText = (item) =>
  [item.product, item.camera && `camera ${item.camera}`, item.part && `part ${item.part}`].filter(Boolean).join(" · ");

// buttons: elements for the foot of the card
export function card(item, size, buttons) {
  return h(
    "article",
    { class: `card ${size} ${item.verdict}`, "data-id": item.id },
    h(
      "a",
      { href: `#/inspection/${item.id}`, "aria-label": `${item.verdict}, ${placeText(item)}: open` },
      picture(item, WIDTHS[size]),
    ),
    h(
      "div",
      { class: "facts" },
      verdict(item),
      suspicion(item) ? h("p", { class: "suspicion" }, suspicion(item)) : null,
      meter(item),
      h("p", { class: "place" }, placeText(item)),
      h(
        "p",
        { class: "times" },
        age(item.received_at),
        ` · ${milliseconds(item.timing_ms.total)}`,
        labelTag(item.label),
      ),
      buttons?.length ? h("p", { class: "buttons" }, buttons) : null,
    ),
  );
}

// Shows the cards of `items` in `list` in their order. Keeps existing elements, so that a focused button stays focused.
export function fill(list, items, make) {
  const had = new Map([...list.children].map((element) => [element.dataset.id, element]));
  const wanted = items.map((item) => had.get(item.id) ?? make(item));
  for (const element of [...list.children]) if (!wanted.includes(element)) element.remove();
  wanted.forEach((element, place) => {
    if (list.children[place] !== element) list.insertBefore(element, list.children[place] ?? null);
  });
}
