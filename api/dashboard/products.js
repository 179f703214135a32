// Products: from no product to a verdict, without a terminal. A list, and a page per product.
import { h, notice } from "./dom.js";
import { live } from "./live.js";
import { getJson, LISTING_MS, sendJson, token } from "./net.js";
import { Grid } from "./product_grid.js";
import { Region } from "./product_region.js";
import { Training } from "./product_training.js";
import { tryZone } from "./product_try.js";
import { Uploads, zones } from "./product_upload.js";
import { countClasses, pictures } from "./product_words.js";

const STEPS = [
  "Name the part that the camera sees.",
  "Drop pictures of good parts, 20 or more. Pictures of defects help, but none is needed.",
  "Train. It takes a minute or two, beside the running line.",
  "Read how good it is, try a picture, and let it judge.",
];
const NAME = "[A-Za-z0-9][A-Za-z0-9._\\-]{0,63}";

function makeForm() {
  const name = h("input", { name: "product", required: true, pattern: NAME, autocomplete: "off", spellcheck: "false" });
  name.setAttribute("aria-describedby", "product-name-rule");
  const act = async (event) => {
    event.preventDefault();
    const button = event.submitter;
    button.disabled = true;
    try {
      await sendJson("PUT", `/v1/admin/products/${encodeURIComponent(name.value)}`);
      location.hash = `#/products/${name.value}`;
    } catch (error) {
      notice(error.message);
    } finally {
      button.disabled = false;
    }
  };
  return h(
    "form",
    { class: "make-product", "aria-label": "Make a product", onsubmit: act },
    h("label", {}, "Name ", name),
    h("button", { class: "primary" }, "Make the product"),
    h("small", { id: "product-name-rule", class: "hint" }, "Letters, digits, dot, dash, underscore."),
  );
}

const firstSteps = () =>
  h(
    "section",
    { class: "first-steps", "aria-label": "First steps" },
    h("h2", {}, "Teach inspectd your part"),
    h(
      "ol",
      {},
      STEPS.map((text) => h("li", {}, text)),
    ),
    makeForm(),
  );

// Joins the products with a model and the sets that images can be written into: [{product, serving, classes}].
function join(products, sets) {
  const all = new Map(products.map((item) => [item.product, { ...item, classes: null }]));
  for (const { dataset, own, classes } of sets) {
    if (!own) continue;
    all.set(dataset, { ...(all.get(dataset) ?? { product: dataset, active: null, versions: 0 }), classes });
  }
  return [...all.values()].sort((a, b) => (a.product < b.product ? -1 : 1));
}

function entry({ product, active, versions, classes }) {
  const { good, defective } = countClasses(classes ?? {});
  const images = classes ? `${pictures(good)} of good parts, ${defective} of defects` : "pictures: sign in to see them";
  const model = active ? `version ${active} is active` : versions ? "no version is active" : "not trained yet";
  return h(
    "li",
    {},
    h("a", { href: `#/products/${product}` }, h("strong", {}, product)),
    h("span", {}, images),
    h("span", {}, model),
  );
}

async function showList(view, signal) {
  const [{ items: products }, { items: sets }] = await Promise.all([
    getJson("/v1/products", { signal }),
    // no question for a token before it is needed
    token() ? getJson("/v1/admin/datasets", { signal, wait: LISTING_MS }) : { items: [] },
  ]);
  const all = join(products, sets);
  if (!all.length) return view.replaceChildren(firstSteps());
  view.replaceChildren(
    h("section", { "aria-label": "Products" }, h("h2", {}, "Products"), h("ul", { class: "products" }, all.map(entry))),
    h("section", { "aria-label": "Another product" }, h("h2", {}, "Another product"), makeForm()),
  );
}

class Product {
  #turn = 0;

  constructor(view, product, signal) {
    Object.assign(this, { product, signal });
    const changed = () => this.read();
    const failed = (error) => signal.aborted || notice(error.message);
    this.uploads = new Uploads(product, changed);
    this.grid = new Grid(product, changed, signal);
    this.region = new Region(product, signal);
    this.training = new Training(product, () => this.#ended().catch(failed), signal);
    this.zones = h("div", {});
    this.attempt = h("div", {});
    this.shownZones = null;
    view.replaceChildren(
      h("p", { class: "crumbs" }, h("a", { href: "#/products" }, "All products")),
      h("h2", {}, product),
      h(
        "section",
        { "aria-label": "Pictures" },
        h("h3", {}, "1. Pictures"),
        this.zones,
        this.uploads.element,
        this.grid.element,
      ),
      this.region.element,
      this.training.element,
      this.attempt,
    );
    signal.addEventListener("abort", () => this.uploads.stop());
    live.addEventListener("model", () => this.#modelChanged().catch(failed), { signal });
  }

  async read() {
    const turn = ++this.#turn;
    try {
      const [{ counts }, { items: trunks }] = await Promise.all([
        getJson(`/v1/admin/products/${this.product}/dataset?limit=1`, { signal: this.signal, wait: LISTING_MS }),
        getJson("/v1/admin/trunks", { signal: this.signal }),
      ]);
      if (turn !== this.#turn) return;
      const classes = {};
      for (const split of Object.values(counts))
        for (const [name, count] of Object.entries(split)) {
          const label = /^(good|ok)$/i.test(name) ? "good" : name;
          classes[label] = (classes[label] ?? 0) + count;
        }
      this.#showZones(Object.keys(classes).filter((name) => name !== "good"));
      this.training.show(classes, trunks);
      await this.region.read();
      await this.grid.show(classes);
    } catch (error) {
      if (!this.signal.aborted) notice(error.message);
    }
  }

  // Keeps the zones while nothing changes, so that a name that is being typed stays.
  #showZones(defects) {
    const text = JSON.stringify(defects);
    if (text !== this.shownZones) this.zones.replaceChildren(zones(this.uploads, defects));
    this.shownZones = text;
  }

  async #modelChanged() {
    await this.#showTry();
    await this.region.read();
  }

  async #showTry() {
    const { items } = await getJson("/v1/products", { signal: this.signal });
    const active = items.find((item) => item.product === this.product)?.active;
    if (active && !this.attempt.childElementCount) this.attempt.append(tryZone(this.product));
  }

  // The first training has installed a trunk.
  async #ended() {
    const { items } = await getJson("/v1/admin/trunks", { signal: this.signal });
    this.training.show(this.training.classes, items);
    await this.#showTry();
    await this.region.read();
  }

  async open() {
    await this.read();
    await this.training.open();
    await this.#showTry();
  }
}

export function open(view, { id }) {
  const stop = new AbortController();
  const failed = (error) => stop.signal.aborted || notice(error.message);
  if (id) {
    new Product(view, decodeURIComponent(id), stop.signal).open().catch(failed);
  } else {
    const show = () => showList(view, stop.signal).catch(failed);
    live.addEventListener("model", show, { signal: stop.signal });
    show();
  }
  return () => stop.abort();
}
