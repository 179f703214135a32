// The dashboard in Debian's Chromium against a daemon of its own. Screenshots go to $INSP_SCREENSHOTS.
import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { Daemon, launch, missing } from "./drive.mjs";

const SKIPPED = 77; // ctest's SKIP_RETURN_CODE
const lack = await missing();
if (lack) {
  console.log(`skipped: ${lack}`);
  process.exit(SKIPPED);
}

const daemon = new Daemon();
const shots = process.env.INSP_SCREENSHOTS;
const wrong = []; // console errors, CSP violations, exceptions; those of requests that a test breaks on purpose are expected
let browser, page, expected = () => false;

const visit = async (hash) => { await page.goto(`${daemon.url}/${hash}`); };
const newest = () => page.locator(".card.large");

before(async () => {
  await daemon.prepare();
  await daemon.start();
  for (let i = 0; i < 6; i++) await daemon.post(i % 3 ? "good" : "hole", `part${i}`);
  browser = await launch();
  page = await browser.newPage({ viewport: { width: 1400, height: 900 } });
  page.setDefaultTimeout(15000);
  const note = (text) => { if (!expected(text)) wrong.push(text); };
  page.on("console", (message) => message.type() === "error" && note(message.text()));
  page.on("pageerror", (error) => note(String(error)));
});
after(async () => {
  await browser?.close();
  if (daemon.process?.exitCode === null) await daemon.stop();
  daemon.remove();
});

test("a posted inspection appears by itself", async () => {
  await visit("#/line");
  await page.locator("#connection[data-state=live]").waitFor();
  const posted = await daemon.post("hole", "live-1");
  await page.locator(`.card.large[data-id="${posted.id}"]`).waitFor();
  assert.match(await newest().locator(".verdict").innerText(), /good|anomaly/i);
  assert.match(await newest().locator(".place").innerText(), /camera cam1 · part live-1/);
});

test("a pinned anomaly goes when it is acknowledged, and stays away", async () => {
  await visit("#/line");
  const pin = page.locator(".strip .card").first();
  await pin.waitFor();
  const id = await pin.getAttribute("data-id");
  await pin.getByRole("button", { name: "Acknowledge" }).click();
  await page.locator(`.strip .card[data-id="${id}"]`).waitFor({ state: "detached" });
  await page.reload();
  await page.locator(".card.large").waitFor();
  assert.equal(await page.locator(`.strip .card[data-id="${id}"]`).count(), 0);
});

test("the sliders change pixels at once, without a request", async () => {
  await visit("#/line");
  await visit(`#/inspection/${await newest().getAttribute("data-id")}`);
  const canvas = page.locator("canvas[data-ready]");
  await canvas.waitFor();
  const pixels = () => canvas.evaluate((element) => element.toDataURL());
  const set = (name, value) => page.locator(`input[name=${name}]`).fill(value);
  let requests = 0;
  const count = (request) => { if (/heatmap|image/.test(request.url())) requests++; };
  page.on("request", count);
  const settled = () => page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
  await set("threshold", "1");
  await settled();
  const cold = await pixels();
  await set("threshold", "0.01");
  await settled();
  const hot = await pixels();
  assert.notEqual(hot, cold);
  await set("opacity", "0.2");
  await settled();
  assert.notEqual(await pixels(), hot);
  page.off("request", count);
  assert.equal(requests, 0);
});

test("an inspection is labelled with its defect, neighbours are found by key", async () => {
  const posted = await daemon.post("hole", "to-label");
  await visit(`#/inspection/${posted.id}`);
  await page.locator("input[name=defect]").fill("hole");
  await page.getByRole("button", { name: "Anomaly", exact: true }).click();
  await page.locator(".said", { hasText: "anomaly (hole)" }).waitFor();
  const stored = await (await fetch(`${daemon.url}/v1/inspections/${posted.id}`)).json();
  assert.equal(stored.label.defect, "hole");
  await page.locator(".neighbours button:enabled", { hasText: "Older" }).waitFor();
  await page.locator("h1").click();
  await page.keyboard.press("ArrowRight");
  await page.waitForFunction((id) => !location.hash.includes(id), posted.id);
  await page.locator(".neighbours button:enabled", { hasText: "Newer" }).waitFor();
  await page.keyboard.press("ArrowLeft");
  await page.waitForFunction((id) => location.hash.includes(id), posted.id);
});

test("the history filters", async () => {
  await visit("#/history?label=anomaly");
  await page.locator("tbody tr").first().waitFor();
  assert.equal(await page.locator("tbody tr").count(), 1);
  await visit("#/history?part=nothing");
  await page.getByText("No inspection matches").waitFor();
});

test("a training asks for the admin's token, runs and reports; the token is in session storage only", async () => {
  expected = (text) => text.includes("401");
  await visit("#/jobs");
  await page.locator("input[name=product]").fill("carpet");
  await page.locator("input[name=dataset]").fill("carpet");
  await page.locator("input[name=epochs]").fill("2");
  await page.getByRole("button", { name: "Start" }).click();
  await page.locator("#login[open]").waitFor();
  await page.locator("#token").fill(daemon.adminToken);
  await page.getByRole("button", { name: "Use it" }).click();
  await page.locator(".job-detail .state.succeeded").waitFor({ timeout: 60000 });
  await page.locator(".report").getByText("Confusion matrix").waitFor();
  assert.equal(await page.evaluate(() => JSON.stringify(localStorage)).then((text) => text.includes("insp_")), false);
  expected = () => false;
});

test("a restart of the daemon is survived by the page", async () => {
  expected = (text) => /ERR_CONNECTION_REFUSED|ERR_INCOMPLETE_CHUNKED|ERR_EMPTY_RESPONSE|ERR_CONNECTION_RESET|503/.test(text);
  await visit("#/line");
  await page.locator("#connection[data-state=live]").waitFor();
  await daemon.stop();
  await page.locator("#banner", { hasText: "No live data" }).waitFor();
  await daemon.start();
  await page.locator("#connection[data-state=live]").waitFor();
  await page.locator("#banner").waitFor({ state: "hidden" });
  const posted = await daemon.post("good", "after");
  await page.locator(`.card.large[data-id="${posted.id}"]`).waitFor();
  expected = () => false;
});

test("axe finds nothing serious in any view, light and dark; screenshots at three widths", async () => {
  const axe = createRequire(import.meta.url).resolve("axe-core/axe.min.js");
  const id = (await (await fetch(`${daemon.url}/v1/inspections?limit=1`)).json()).items[0].id;
  const found = [];
  for (const scheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme: scheme, reducedMotion: "reduce" });
    for (const view of ["line", `inspection/${id}`, "history", "jobs", "models"]) {
      await visit(`#/${view}`);
      await page.reload();
      await page.locator(".card.large, canvas[data-ready], tbody tr, .model").first().waitFor();
      // The page's own policy lets no script in; the debugger's evaluation is not under it.
      await page.evaluate(readFileSync(axe, "utf8"));
      const result = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
      for (const v of result.violations.filter(({ impact }) => impact === "serious" || impact === "critical"))
        found.push(`${scheme} ${view}: ${v.id} ${v.nodes.map((n) => n.target).join(" | ")}`);
      for (const width of [400, 1400, 2560]) {
        await page.setViewportSize({ width, height: Math.round(width === 400 ? 800 : (width * 9) / 16) });
        assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${view} scrolls sideways at ${width}`);
        if (shots) {
          mkdirSync(shots, { recursive: true });
          await page.screenshot({ path: join(shots, `${view.split("/")[0]}-${scheme}-${width}.png`) });
        }
      }
      await page.setViewportSize({ width: 1400, height: 900 });
    }
  }
  assert.deepEqual(found, []);
});

test("nothing was wrong on the console", () => assert.deepEqual(wrong, []));
