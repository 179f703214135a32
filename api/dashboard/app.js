// The shell: opens views, selects the product, watches whether the daemon answers.
import { learn } from "./clock.js";
import { byId, notice, tickAges } from "./dom.js";
import * as line from "./line.js";
import { live, run, state } from "./live.js";
import { UNANSWERED_MS, askToken, fetchModule, getJson } from "./net.js";
import { repeat } from "./repeat.js";
import { sayTrouble } from "./trouble.js";

const HEALTH_MS = 2000;
const LOST_MS = 3000;
const POLLING_MS = 6000;
const PRODUCTS_MS = 30000;
const WORDS = { connecting: "… connecting", live: "● live", polling: "◐ polling", lost: "○ no connection" };

let close = () => {};
let opened = 0; // counts openings, so that a view that is fetched too late is not shown
let productsRead = -Infinity;

function parse() {
  const [path, search = ""] = location.hash.replace(/^#\/?/, "").split("?");
  const [name, id] = path.split("/");
  return { name: name || "line", id, parameters: new URLSearchParams(search), product: byId("product").value };
}

// The line view is part of the page; the others are fetched when they are opened.
const views = {
  line: { title: "Line", load: async () => line },
  history: { title: "History", load: () => fetchModule("history.js") },
  inspection: { title: "Inspection", load: () => fetchModule("inspection.js") },
  products: { title: "Products", load: () => fetchModule("products.js") },
  jobs: { title: "Jobs", load: () => fetchModule("jobs.js") },
  models: { title: "Models", load: () => fetchModule("models.js") },
};

async function route() {
  const at = parse();
  const name = views[at.name] ? at.name : "line";
  const turn = ++opened;
  close();
  close = () => {};
  document.title = `${views[name].title} · inspectd`;
  for (const link of document.querySelectorAll("header nav a")) {
    if (link.hash === `#/${name}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  const view = await views[name]
    .load()
    .catch(() => notice("This view could not be fetched. Open it again in a moment."));
  if (!view || turn !== opened) return;
  byId("view").replaceChildren();
  byId("view").className = `view-${name}`;
  close = view.open(byId("view"), at);
}

async function readProducts() {
  if (performance.now() - productsRead < PRODUCTS_MS) return;
  const { items } = await getJson("/v1/products");
  if (!items.length && !location.hash) location.hash = "#/products"; // a first visit: how to begin
  const select = byId("product");
  const known = new Set([...select.options].map((option) => option.value));
  for (const { product } of items) if (!known.has(product)) select.add(new Option(product));
  productsRead = performance.now();
}

// Before the first training nothing has failed: the page says how to begin.
const UNTRAINED = "Not ready: no product is trained yet. Begin under Products.";
const untrained = (reasons) =>
  byId("product").length === 1 && reasons.every((reason) => /^no (trunk is loaded|product has a model)/.test(reason));

async function readReadiness() {
  const answer = await fetch("/readyz", { cache: "no-store", signal: AbortSignal.timeout(UNANSWERED_MS) });
  const { status, reasons = [] } = await answer.json();
  const ready = status === "ready";
  learn(answer.headers.get("Date"));
  if (!ready && untrained(reasons)) return sayTrouble("ready", parse().name === "products" ? "" : UNTRAINED, "warning");
  sayTrouble("ready", ready ? reasons.join("; ") : `Not ready: ${reasons.join("; ")}`, ready ? "warning" : "alarm");
}

let liveAt = performance.now();
let answeredAt = performance.now();

// Reports only troubles that last: a restart or a broken stream is over in a moment.
function sayConnection() {
  const at = performance.now();
  if (state === "live") liveAt = at;
  if (state !== "lost") answeredAt = at;
  const lost = at - answeredAt > LOST_MS;
  const stale = !lost && state === "polling" && at - liveAt > POLLING_MS;
  sayTrouble("connection", lost ? "No live data: the daemon does not answer. This page is out of date." : "");
  sayTrouble("stream", stale ? "The live stream is broken; polling every 2 s" : "", "warning");
}

function showState() {
  byId("connection").textContent = WORDS[state];
  byId("connection").dataset.state = state;
}

async function signIn() {
  if (await askToken("Use a viewer token to look, an operator token to label, an admin token to train.")) route();
}

byId("sign-in").onclick = signIn;
byId("product").onchange = route;
addEventListener("hashchange", async () => {
  await route();
  byId("view").focus({ preventScroll: true });
  scrollTo(0, 0);
});
live.addEventListener("state", showState);
live.addEventListener("model", () => {
  productsRead = -Infinity;
});
setInterval(tickAges, 1000);
setInterval(sayConnection, 1000);
repeat(readReadiness, HEALTH_MS);
repeat(readProducts, HEALTH_MS); // separate, because it may wait until a person types a token
showState();
route();
run();
