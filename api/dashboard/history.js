// History: the inspections that match a filter, as an endless list and as a file.
import {
  age,
  bytes,
  h,
  labelTag,
  milliseconds,
  notice,
  probability,
  scrolledTable,
  suspicion,
  verdict,
} from "./dom.js";
import { filterOf } from "./filter.js";
import { imagePath } from "./heat.js";
import { getJson, query, save, showPicture, stream } from "./net.js";

const PAGE = 50;
const THUMBNAIL = 96; // pixels
const COLUMNS = ["Image", "Verdict", "Probability", "Product", "Camera", "Part", "When", "Latency", "Model", "Label"];
const FILES = {
  csv: { type: "text/csv", name: "inspections.csv", text: "Export CSV" },
  ndjson: { type: "application/x-ndjson", name: "inspections.ndjson", text: "Export JSON lines" },
};

// Converts UTC for an input of local time.
const toLocal = (iso) => {
  if (!iso || Number.isNaN(Date.parse(iso))) return "";
  const time = new Date(iso);
  return new Date(time.getTime() - time.getTimezoneOffset() * 60000).toISOString().slice(0, 16);
};

function filterForm(filter, product, models) {
  const field = (text, element) => h("label", {}, `${text} `, element);
  const choice = (name, values) =>
    h(
      "select",
      { name },
      ["", ...values].map((value) => h("option", { value, selected: filter[name] === value }, value || "any")),
    );
  const text = (name) =>
    h("input", {
      name,
      value: filter[name] ?? (name === "product" ? product : "") ?? "",
      autocomplete: "off",
      list: name === "model" ? "versions" : null,
    });
  const time = (name) => h("input", { name, type: "datetime-local", value: toLocal(filter[name]) });
  const submit = (event) => {
    event.preventDefault();
    const values = Object.fromEntries(new FormData(event.target));
    for (const name of ["since", "until"]) if (values[name]) values[name] = new Date(values[name]).toISOString();
    location.hash = `#/history?${query(values)}`;
  };
  const form = h(
    "form",
    { class: "filter", role: "search", "aria-label": "Filter", onsubmit: submit },
    field("Product", text("product")),
    field("Camera", text("camera")),
    field("Part", text("part")),
    field("Verdict", choice("verdict", ["good", "anomaly", "review"])),
    field("Label", choice("label", ["none", "good", "anomaly"])),
    field("Model", text("model")),
    models,
    field("From", time("since")),
    field("To", time("until")),
    h(
      "p",
      { class: "buttons" },
      h("button", { class: "primary" }, "Filter"),
      h("a", { class: "button", href: "#/history" }, "Clear"),
    ),
  );
  const open = matchMedia("(min-width: 40rem)").matches; // on a telephone the list comes first
  return h("details", { open }, h("summary", {}, "Filter"), form);
}

// Saves the daemon's export and shows the received bytes. Browsers keep a blob of this size on disk, not in memory.
async function exportFile(filter, { type, name }, progress) {
  const blob = await stream(`/v1/inspections?${query(filter)}`, { accept: type, progress });
  save(blob, name);
  return blob.size;
}

function row(item, filter) {
  const image = h("img", { alt: "", class: "thumb" });
  const shown = probability(item.probability, item.threshold);
  const link = `#/inspection/${item.id}${query(filter) ? `?${query(filter)}` : ""}`;
  const cells = [
    [verdict(item), suspicion(item) ? h("p", { class: "suspicion" }, suspicion(item)) : null],
    h("a", { href: link, "aria-label": `${shown}: open` }, shown),
    item.product,
    item.camera ?? "–",
    item.part ?? "–",
    age(item.received_at),
    milliseconds(item.timing_ms.total),
    item.model,
    labelTag(item.label),
  ];
  const picture = h(
    "td",
    { class: "picture-cell" },
    h("a", { href: link, tabindex: -1, "aria-hidden": "true" }, image),
  );
  const element = h(
    "tr",
    {},
    picture,
    cells.map((cell) => h("td", {}, cell)),
  );
  element.picture = () => {
    if (item.image.kept) showPicture(image, imagePath(item, THUMBNAIL));
  };
  return element;
}

// Makes an endless list that loads a page whenever its foot becomes visible. Returns its elements and a function to end
// it.
function endlessList(filter, signal) {
  const body = h("tbody", {});
  const status = h("p", { class: "empty", role: "status" });
  const more = h("button", { type: "button", onclick: () => load() }, "Load more");
  let cursor = "";
  let loading = false;
  const show = ({ target }) => {
    pictures.unobserve(target);
    target.picture();
  };
  const pictures = new IntersectionObserver(
    (entries) => entries.filter((entry) => entry.isIntersecting).forEach(show),
    { rootMargin: "200px" },
  );
  const foot = new IntersectionObserver(([entry]) => entry.isIntersecting && load(), { rootMargin: "600px" });

  async function load() {
    if (loading || cursor === null) return;
    loading = true;
    try {
      const page = await getJson(`/v1/inspections?${query({ ...filter, limit: PAGE, cursor })}`, { signal });
      const rows = page.items.map((item) => row(item, filter));
      body.append(...rows);
      rows.forEach((element) => pictures.observe(element));
      cursor = page.next;
      more.hidden = !cursor;
      const count = body.children.length;
      status.textContent = !count ? "No inspection matches" : cursor ? `${count} shown` : `All ${count} shown`;
      foot.unobserve(more); // observe again, so that a foot that is still visible loads the next page
      if (cursor) foot.observe(more);
    } catch (error) {
      if (!signal.aborted) status.textContent = error.message;
    } finally {
      loading = false;
    }
  }

  signal.addEventListener("abort", () => {
    pictures.disconnect();
    foot.disconnect();
  });
  load();
  return [scrolledTable("Inspections", COLUMNS, body), status, more];
}

function exportButtons(filter, signal) {
  const status = h("span", { class: "hint", role: "status" });
  const give = async (button, file) => {
    button.disabled = true;
    try {
      const size = await exportFile(filter, file, (count) => {
        status.textContent = `${bytes(count)} received`;
      });
      status.textContent = "";
      notice(`${file.name}: ${bytes(size)}`);
    } catch (error) {
      if (!signal.aborted) notice(error.message);
    } finally {
      button.disabled = false;
    }
  };
  const buttons = Object.values(FILES).map((file) =>
    h("button", { type: "button", onclick: (event) => give(event.currentTarget, file) }, file.text),
  );
  return h("p", { class: "buttons exports" }, buttons, status);
}

async function readVersions(list, signal) {
  try {
    const { items } = await getJson("/v1/products", { signal });
    const lists = await Promise.all(items.map(({ product }) => getJson(`/v1/products/${product}/models`, { signal })));
    list.replaceChildren(
      ...lists.flatMap(({ items: versions }) => versions.map(({ version }) => h("option", { value: version }))),
    );
  } catch {
    // The field works without suggestions.
  }
}

export function open(view, { parameters, product }) {
  const filter = filterOf(parameters);
  const stop = new AbortController();
  const used = filter.product || !product ? filter : { ...filter, product };
  const versions = h("datalist", { id: "versions" });
  view.append(
    filterForm(filter, product, versions),
    exportButtons(used, stop.signal),
    ...endlessList(used, stop.signal),
  );
  readVersions(versions, stop.signal);
  return () => stop.abort();
}
