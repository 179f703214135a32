// The shell: which view is open, which product, whether the daemon answers.
import { byId, tickAges } from "./dom.js";
import * as history from "./history.js";
import * as inspection from "./inspection.js";
import * as jobs from "./jobs.js";
import * as line from "./line.js";
import * as models from "./models.js";
import { live, run, state } from "./live.js";
import { askToken, getJson } from "./net.js";
import { sayTrouble } from "./trouble.js";

const HEALTH_MS = 2000, LOST_MS = 3000, PRODUCTS_MS = 30000;
const words = { live: "● live", polling: "◐ polling", lost: "○ no connection" };

let close = () => {};
let productsRead = 0;

function parse() {
  const [path, search = ""] = location.hash.replace(/^#\/?/, "").split("?");
  const [name = "line", id] = path.split("/");
  return { name: name || "line", id, parameters: new URLSearchParams(search), product: byId("product").value };
}

const views = {
  line: { title: "Line", open: line.open },
  history: { title: "History", open: (view, at) => history.open(view, { filter: history.filterOf(at.parameters), product: at.product }) },
  inspection: { title: "Inspection", open: (view, at) => inspection.open(view, { id: at.id, filter: history.filterOf(at.parameters) }) },
  jobs: { title: "Jobs", open: jobs.open },
  models: { title: "Models", open: models.open },
};

function route() {
  const at = parse(), view = views[at.name] ?? views.line;
  close();
  byId("view").replaceChildren();
  byId("view").className = `view-${at.name}`;
  document.title = `${view.title} · inspectd`;
  for (const link of document.querySelectorAll("header nav a")) {
    if (link.hash === `#/${at.name}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  close = view.open(byId("view"), at);
}

async function readProducts() {
  const { items } = await getJson("/v1/products");
  const select = byId("product"), known = new Set([...select.options].map((option) => option.value));
  for (const { product } of items) if (!known.has(product)) select.add(new Option(product));
  productsRead = Date.now();
}

// A restart or a broken stream is over in a moment; only what lasts is said loudly.
let lostSince = Date.now();
async function health() {
  try {
    const answer = await fetch("/readyz", { cache: "no-store" });
    const { status, reasons = [] } = await answer.json();
    sayTrouble("ready", status === "ready" ? reasons.join("; ") : `Not ready: ${reasons.join("; ")}`);
    if (Date.now() - productsRead > PRODUCTS_MS) await readProducts();
  } catch { /* said as a lost connection */ }
  if (state !== "lost") lostSince = Date.now();
  sayTrouble("connection", Date.now() - lostSince > LOST_MS ? "No live data: the daemon does not answer, what you see is old" : "");
}

function showState() {
  byId("connection").textContent = words[state];
  byId("connection").dataset.state = state;
}

byId("sign-in").onclick = () => askToken("A viewer's token shows, an operator's labels, an admin's trains.").then((used) => used && route());
byId("product").onchange = route;
addEventListener("hashchange", () => { route(); byId("view").focus({ preventScroll: true }); scrollTo(0, 0); });
live.addEventListener("state", showState);
live.addEventListener("model", () => { productsRead = 0; });
setInterval(tickAges, 1000);
setInterval(health, HEALTH_MS);
showState();
route();
health();
run();
