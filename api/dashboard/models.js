// Models: the versions of each product.
import { comparison } from "./compare.js";
import { h, notice } from "./dom.js";
import { live } from "./live.js";
import { modelCard } from "./model_card.js";
import { getJson } from "./net.js";

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

function section({ product, serving }, models, changed, version) {
  return h(
    "section",
    { "aria-label": product },
    h("h2", {}, product),
    serving?.failure ? h("p", { class: "failure" }, serving.failure) : null,
    comparison(models),
    h(
      "div",
      { class: "models-grid" },
      models.map((model) => modelCard(model, changed, model.version === version)),
    ),
  );
}

export function open(view, { product, parameters }) {
  const stop = new AbortController();
  const { signal } = stop;
  const version = parameters.get("version");
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
      view.replaceChildren(...products.map((item, i) => section(item, lists[i].items, read, version)));
      if (!products.length)
        view.replaceChildren(h("p", { class: "empty" }, "No product has a model yet. Start a training under Jobs."));
      reopen(view, parts);
    } catch (error) {
      if (!signal.aborted) notice(error.message);
    }
  };
  live.addEventListener("model", read, { signal });
  read().then(() => view.querySelector(".model.shown")?.scrollIntoView());
  return () => stop.abort();
}
