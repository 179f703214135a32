// The pictures that a version was trained on, wherever they are now.
import { doing, h } from "./dom.js";
import { getJson, LISTING_MS, query, showPicture } from "./net.js";

const PAGE = 48;
const WIDTH = 200;

function cell({ place, class: label, held_out: held, now }) {
  const image = h("img", { alt: "", loading: "lazy" });
  if (now) showPicture(image, `${now.href}${now.href.includes("?") ? "&" : "?"}width=${WIDTH}`);
  const moved = now && now.class !== label ? `now ${now.class}` : now ? null : "no longer in the set";
  const notes = [held && "held out", moved].filter(Boolean).join(", ");
  return h(
    "li",
    { title: place },
    h(
      "div",
      { class: "frame" },
      image,
      h("span", { class: `tag ${label === "good" ? "good" : "anomaly"}` }, label),
      h("span", { class: "name" }, h("span", {}, (place ?? "from the line").split("/").at(-1))),
      notes ? h("span", { class: "note" }, notes) : null,
    ),
  );
}

export async function trainedPictures({ product, version }) {
  const path = `/v1/admin/products/${product}/models/${version}/images`;
  const list = h("ul", { class: "grid" });
  const more = h("button", { type: "button" }, "Show more");
  let cursor = "";
  const page = async () => {
    const options = { asked: true, wait: LISTING_MS };
    const { items, next } = await getJson(`${path}?${query({ limit: PAGE, cursor })}`, options);
    list.append(...items.map(cell));
    cursor = next;
    more.hidden = !next;
  };
  more.onclick = doing(page);
  await page();
  return [
    h(
      "div",
      { class: "shelf", tabindex: 0, role: "region", "aria-label": `Pictures of ${version}` },
      list,
      h("p", { class: "buttons" }, more),
    ),
  ];
}
