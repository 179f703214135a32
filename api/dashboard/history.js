// All inspections that a filter lets through, as an endless list on the cursor, and as a file.
import { age, h, labelTag, milliseconds, notice, probability, verdict } from "./dom.js";
import { imagePath } from "./heat.js";
import { getJson, query, save, showPicture } from "./net.js";

const PAGE = 50, EXPORT_PAGE = 500, EXPORT_MAX = 50000;
const FIELDS = ["product", "camera", "part", "verdict", "label", "model", "since", "until"];

export const filterOf = (parameters) => Object.fromEntries(FIELDS.map((name) => [name, parameters.get(name)]).filter(([, value]) => value));

const toLocal = (iso) => (iso ? new Date(Date.parse(iso) - new Date().getTimezoneOffset() * 60000).toISOString().slice(0, 16) : "");

function filterForm(filter, product) {
  const field = (name, text, element) => h("label", {}, `${text} `, element);
  const choice = (name, values) => h("select", { name }, ["", ...values].map((value) => h("option", { value, selected: filter[name] === value }, value || "any")));
  const text = (name) => h("input", { name, value: filter[name] ?? (name === "product" ? product : "") ?? "", autocomplete: "off" });
  const time = (name) => h("input", { name, type: "datetime-local", value: toLocal(filter[name]) });
  return h("form", { class: "filter", role: "search", onsubmit: (event) => {
    event.preventDefault();
    const values = Object.fromEntries(new FormData(event.target));
    for (const name of ["since", "until"]) if (values[name]) values[name] = new Date(values[name]).toISOString();
    location.hash = `#/history?${query(values)}`;
  } }, field("product", "Product", text("product")), field("camera", "Camera", text("camera")), field("part", "Part", text("part")),
  field("verdict", "Verdict", choice("verdict", ["good", "anomaly"])), field("label", "Label", choice("label", ["none", "good", "anomaly"])),
  field("model", "Model", text("model")), field("since", "From", time("since")), field("until", "To", time("until")),
  h("p", { class: "buttons" }, h("button", { class: "primary" }, "Filter"), h("a", { class: "button", href: "#/history" }, "Clear")));
}

const cell = (value) => {
  const text = value === null || value === undefined ? "" : String(value);
  const safe = /^[=+\-@\t\r]/.test(text) && typeof value === "string" ? `'${text}` : text; // no formulas in spreadsheets
  return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
};
const COLUMNS = { id: (i) => i.id, received_at: (i) => i.received_at, product: (i) => i.product, model: (i) => i.model, camera: (i) => i.camera, part: (i) => i.part,
  verdict: (i) => i.verdict, probability: (i) => i.probability, threshold: (i) => i.threshold, label: (i) => i.label?.label, defect: (i) => i.label?.defect,
  heat_max: (i) => i.heatmap.max, heat_area: (i) => i.heatmap.area, total_ms: (i) => i.timing_ms.total, sha256: (i) => i.image.sha256 };

async function exportFile(filter, kind, progress) {
  const lines = kind === "csv" ? [Object.keys(COLUMNS).join(",")] : [];
  let cursor = "", count = 0;
  do {
    const page = await getJson(`/v1/inspections?${query({ ...filter, limit: EXPORT_PAGE, cursor })}`);
    for (const item of page.items) lines.push(kind === "csv" ? Object.values(COLUMNS).map((read) => cell(read(item))).join(",") : JSON.stringify(item));
    count += page.items.length;
    cursor = page.next;
    progress(count);
  } while (cursor && count < EXPORT_MAX);
  save(new Blob([`${lines.join("\n")}\n`], { type: kind === "csv" ? "text/csv" : "application/x-ndjson" }), `inspections.${kind === "csv" ? "csv" : "jsonl"}`);
  return cursor ? `The newest ${count} were exported; narrow the filter for older ones.` : `${count} inspections exported.`;
}

function row(item, filter) {
  const image = h("img", { alt: "", class: "thumb" });
  const link = `#/inspection/${item.id}${query(filter) ? `?${query(filter)}` : ""}`;
  const element = h("tr", {}, h("td", { class: "picture-cell" }, image), h("td", {}, verdict(item)), h("td", {}, h("a", { href: link }, probability(item.probability))),
    h("td", {}, item.product), h("td", {}, item.camera ?? "–"), h("td", {}, item.part ?? "–"), h("td", {}, age(item.received_at)),
    h("td", {}, milliseconds(item.timing_ms.total)), h("td", {}, item.model), h("td", {}, labelTag(item.label)));
  element.picture = () => { if (item.image.kept) showPicture(image, imagePath(item)); };
  return element;
}

export function open(view, { filter, product }) {
  const stop = new AbortController();
  const used = filter.product || !product ? filter : { ...filter, product };
  const body = h("tbody", {}), status = h("p", { class: "empty", role: "status" });
  const more = h("button", { type: "button", onclick: () => load() }, "Load more");
  let cursor = "", loading = false;
  const seen = new IntersectionObserver((entries) => entries.filter((e) => e.isIntersecting).forEach(({ target }) => { seen.unobserve(target); target.picture(); }), { rootMargin: "200px" });
  const foot = new IntersectionObserver(([entry]) => entry.isIntersecting && load(), { rootMargin: "600px" });

  async function load() {
    if (loading || cursor === null) return;
    loading = true;
    try {
      const page = await getJson(`/v1/inspections?${query({ ...used, limit: PAGE, cursor })}`, { signal: stop.signal });
      const rows = page.items.map((item) => row(item, used));
      body.append(...rows);
      rows.forEach((element) => seen.observe(element));
      cursor = page.next;
      more.hidden = !cursor;
      status.textContent = body.children.length ? `${body.children.length} shown${cursor ? "" : ", that is all"}` : "No inspection matches";
      foot.unobserve(more); // observed anew: told again where the foot is still in sight
      if (cursor) foot.observe(more);
    } catch (error) {
      if (!stop.signal.aborted) status.textContent = error.message;
    } finally { loading = false; }
  }
  const give = (kind) => exportFile(used, kind, (n) => { status.textContent = `${n} read`; }).then(notice, (error) => notice(error.message));
  view.append(filterForm(filter, product), h("p", { class: "buttons" }, h("button", { type: "button", onclick: () => give("csv") }, "Export CSV"), h("button", { type: "button", onclick: () => give("jsonl") }, "Export JSON lines")),
    h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Inspections" }, h("table", {}, h("thead", {}, h("tr", {}, ["Image", "Verdict", "Probability", "Product", "Camera", "Part", "When", "Latency", "Model", "Label"].map((t) => h("th", { scope: "col" }, t)))), body)), status, more);
  load();
  return () => { stop.abort(); seen.disconnect(); foot.disconnect(); };
}
