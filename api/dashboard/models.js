// Models: the versions of each product.
import { comparison } from "./compare.js";
import { bytes, doing, h, notice, table } from "./dom.js";
import { driftPart } from "./drift.js";
import { live } from "./live.js";
import { modelCard } from "./model_card.js";
import { getJson, sendJson } from "./net.js";
import { shadowPart } from "./shadow.js";

// Keeps opened details open when the list is drawn again.
const openParts = (view) =>
  [...view.querySelectorAll("details[open]")].map((part) => [
    part.closest("[data-version]")?.dataset.version,
    part.querySelector("summary").textContent.split(":")[0],
  ]);

function reopen(view, parts) {
  for (const part of view.querySelectorAll("details")) {
    const version = part.closest("[data-version]")?.dataset.version;
    const name = part.querySelector("summary").textContent.split(":")[0];
    if (parts.some(([v, n]) => v === version && n === name)) part.open = true;
  }
}

function section({ product, serving }, models, changed, { version, signal }) {
  return h(
    "section",
    { "aria-label": product },
    h("h2", {}, product),
    serving?.failure ? h("p", { class: "failure" }, serving.failure) : null,
    driftPart(product, signal),
    shadowPart(product, changed, signal),
    comparison(models),
    h(
      "div",
      { class: "models-grid" },
      models.map((model) => modelCard(model, changed, model.version === version)),
    ),
  );
}

// The first layers that all products share: an admin may fetch the recommended ones.
function trunkPart() {
  const place = h("div", {});
  const fetched = doing(async () => {
    const job = await sendJson("POST", "/v1/admin/trunks/fetch");
    location.hash = `#/jobs/${job.id}`;
  });
  const button = h("button", { type: "button", onclick: fetched }, "Fetch ImageNet's trunk");
  const show = async ({ target }) => {
    if (!target.open) return;
    try {
      const { items, source } = await getJson("/v1/admin/trunks", { asked: true });
      const origins = { fetched: "ImageNet's", bank: "filter bank, built from pictures of a product" };
      const rows = items.map((one) => [
        one.sha256.slice(0, 12),
        origins[one.origin] ?? "imported",
        bytes(one.bytes),
        [one.default && "new trainings use it", one.loaded && "loaded"].filter(Boolean).join(", "),
      ]);
      place.replaceChildren(
        items.length ? table("Trunks", ["Trunk", "Origin", "Size", ""], rows) : h("p", {}, "No trunk is installed."),
        h("p", { class: "hint" }, `From ${source}: some 500 MB, verified before they are installed.`),
        h("p", { class: "hint" }, "Products keep the trunk that they were trained on: train each again, then restart."),
        h("p", { class: "buttons" }, button),
      );
    } catch (error) {
      place.replaceChildren(h("p", { class: "failure" }, error.message));
    }
  };
  return h(
    "details",
    { class: "trunks", ontoggle: show },
    h("summary", {}, h("h3", {}, "Trunk: the network's first layers, shared by all products")),
    place,
  );
}

export function open(view, { product, parameters }) {
  const stop = new AbortController();
  const { signal } = stop;
  const version = parameters.get("version");
  const trunk = trunkPart();
  let turn = 0;
  const read = async () => {
    const own = ++turn;
    try {
      const { items } = await getJson("/v1/products", { signal });
      const products = items.filter((item) => !product || item.product === product);
      const lists = await Promise.all(
        products.map((item) => getJson(`/v1/products/${item.product}/models`, { signal })),
      );
      if (own !== turn) return; // a newer read has begun
      const parts = openParts(view);
      view.replaceChildren(
        ...products.map((item, i) => section(item, lists[i].items, read, { version, signal })),
        trunk,
      );
      if (!products.length)
        view.replaceChildren(
          h("p", { class: "empty" }, "No product has a model yet: ", h("a", { href: "#/products" }, "teach one"), "."),
          trunk,
        );
      reopen(view, parts);
    } catch (error) {
      if (!signal.aborted) notice(error.message);
    }
  };
  live.addEventListener("model", read, { signal });
  read().then(() => view.querySelector(".model.shown")?.scrollIntoView());
  return () => stop.abort();
}
