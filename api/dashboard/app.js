// The latest inspections, polled. The token, where one is needed, lives in this tab's session storage only.
const pollMs = 1000;
const shown = 24;
const cards = new Map(); // id -> article
const byId = (id) => document.getElementById(id);

function headers() {
  const token = sessionStorage.getItem("token");
  return token ? { Authorization: `Bearer ${token}` } : {};
}

async function get(path) {
  const answer = await fetch(path, { headers: headers(), cache: path.includes("/image") || path.includes("heatmap") ? "default" : "no-store" });
  if (answer.status === 401 || answer.status === 403) byId("login").hidden = false;
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  return answer;
}

// An <img> cannot send a token, so pictures are fetched and shown as blobs; an object URL goes with its card.
async function show(image, path) {
  const blob = await (await get(path)).blob();
  image.src = URL.createObjectURL(blob);
}

function remove(article) {
  for (const image of article.querySelectorAll("img")) if (image.src.startsWith("blob:")) URL.revokeObjectURL(image.src);
  article.remove();
}

function card(item) {
  const article = byId("card").content.cloneNode(true).querySelector("article");
  const set = (name, text) => { article.querySelector(name).textContent = text; };
  article.classList.add(item.verdict);
  set(".verdict", item.verdict);
  set(".probability", `${(100 * item.probability).toFixed(1)} % (anomaly from ${(100 * item.threshold).toFixed(0)} %)`);
  set(".tags", [item.product, item.camera, item.part].filter(Boolean).join(" · "));
  set(".times", `${new Date(item.received_at).toLocaleTimeString()} · ${item.timing_ms.total.toFixed(0)} ms`);
  const [image, heat] = article.querySelectorAll("img");
  image.alt = `${item.product}, ${item.verdict}`;
  const failed = () => {}; // a picture that retention took leaves its place empty
  if (item.image.kept) show(image, item.image.href).catch(failed);
  show(heat, `${item.heatmap.href}?view=threshold`).catch(failed);
  return article;
}

function render(items) {
  const wanted = new Set(items.map((item) => item.id));
  for (const [id, article] of cards) if (!wanted.has(id)) { remove(article); cards.delete(id); }
  const main = byId("results");
  items.forEach((item, place) => {
    if (!cards.has(item.id)) cards.set(item.id, card(item));
    const article = cards.get(item.id);
    if (main.children[place] !== article) main.insertBefore(article, main.children[place] ?? null);
  });
}

function fillProducts(products) {
  const select = byId("product");
  const known = new Set([...select.options].map((option) => option.value));
  for (const { product } of products) if (!known.has(product)) select.add(new Option(product));
}

async function poll() {
  const query = new URLSearchParams({ limit: shown });
  for (const name of ["product", "verdict"]) if (byId(name).value) query.set(name, byId(name).value);
  const product = byId("product").value;
  const [list, counts, products] = await Promise.all([
    get(`/v1/inspections?${query}`).then((answer) => answer.json()),
    get(`/v1/statistics?window=8h${product ? `&product=${product}` : ""}`).then((answer) => answer.json()),
    get("/v1/products").then((answer) => answer.json()),
  ]);
  byId("login").hidden = true;
  fillProducts(products.items);
  render(list.items);
  byId("counts").textContent = `8 h: ${counts.good} good, ${counts.anomaly} anomalies`;
  const ready = await fetch("/readyz", { cache: "no-store" }).then((answer) => answer.json());
  banner(ready.status === "ready" ? "" : `Not ready: ${ready.reasons.join("; ")}`);
}

function banner(text) {
  byId("banner").textContent = text;
  byId("banner").hidden = !text;
}

async function run() {
  try {
    if (!document.hidden) await poll();
  } catch (error) {
    banner(byId("login").hidden ? `No answer from the daemon (${error.message})` : "This daemon wants an access token");
  }
  setTimeout(run, pollMs);
}

byId("login").addEventListener("submit", (event) => {
  event.preventDefault();
  sessionStorage.setItem("token", byId("token").value.trim());
  byId("token").value = "";
});
run();
