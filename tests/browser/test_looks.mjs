// Every view in light and dark at three widths: axe finds nothing serious, nothing scrolls sideways, and pictures are
// made for people to look at ($INSP_SCREENSHOTS).
import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { test } from "node:test";
import { dashboard, nothingWrong, settled } from "./dashboard.mjs";

const SIZES = [
  [360, 780],
  [1280, 720],
  [2560, 1440],
];
const shots = process.env.INSP_SCREENSHOTS;
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const views = ["line", "history", "models", "products", "products/carpet"];
// Elements that a view has once it is complete.
const signs = {
  line: ".card.large",
  history: ".thumb",
  models: ".model",
  inspection: "canvas[data-ready]",
  jobs: ".split tbody tr",
  products: ".products li, .grid li img",
};
const site = dashboard({}, async (opened) => {
  const { daemon } = opened;
  for (let i = 0; i < 24; i++)
    await daemon.post(["good", "good", "hole", "good", "stain", "thread"][i % 6], `A-${1000 + i}`);
  await daemon.setModel({ review: { low: 0, high: 1 } });
  await daemon.post("hole", "A-1024");
  await daemon.setModel({ review: null });
  await daemon.post("good", "A-1025");
  await daemon.post("stain", "A-1026");
  const { id } = (await daemon.ask("GET", "/v1/inspections?limit=1")).items[0];
  const job = await daemon.ask("POST", "/v1/admin/products/carpet/cross-validate", {
    dataset: "carpet",
    folds: 2,
    epochs: 2,
  });
  while (["queued", "running"].includes((await daemon.ask("GET", `/v1/jobs/${job.id}`)).state))
    await new Promise((resolve) => setTimeout(resolve, 200));
  views.push(`inspection/${id}`, "jobs", `jobs/${job.id}`);
  await opened.signIn();
});

async function show(view) {
  await site.visit(`#/${view}`);
  await site.page.reload();
  await site.page
    .locator(`${signs[view.split("/")[0]]} >> visible=true`)
    .first()
    .waitFor();
  await site.page.locator("#connection[data-state=live]").waitFor();
  if (view === "models") {
    await site.page.locator(".compare > summary").click();
    for (const name of ["Threshold", "Training"])
      await site.page.locator(".model.active summary", { hasText: name }).click();
    await site.page.locator(".model.active .effect", { hasText: "Of its last" }).waitFor();
  }
  if (view !== "history" && view !== "jobs" && !/^(inspection|products)/.test(view))
    await site.page.locator("figure.chart canvas").first().waitFor();
  if (/^jobs\/./.test(view)) await site.page.locator(".worst-list summary").click();
  await site.page.waitForLoadState("load");
}

async function shoot(name, width, height) {
  await site.page.setViewportSize({ width, height });
  await settled(site.page);
  assert.ok(
    await site.page.evaluate(() => document.documentElement.scrollWidth <= innerWidth),
    `${name} scrolls sideways at ${width}`,
  );
  if (!shots) return;
  mkdirSync(shots, { recursive: true });
  await site.page.screenshot({ path: join(shots, `${name}-${width}.png`) });
  if (width === 1280) await site.page.screenshot({ path: join(shots, `${name}-whole.png`), fullPage: true });
}

async function axeFinds(view, scheme) {
  // The page's own policy lets no script in; the debugger's evaluation is not under it.
  const { violations } = await site.page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
  return violations.flatMap(({ id, impact, nodes }) => {
    if (impact === "serious" || impact === "critical")
      return [`${view}, ${scheme}: ${id} ${nodes.map(({ target }) => target).join(" | ")}`];
    console.log(`${scheme} ${view}: ${impact} ${id} ${nodes[0].target}`);
    return [];
  });
}

test("axe finds nothing serious in any view, light and dark", async () => {
  const found = [];
  for (const view of views) {
    await site.page.emulateMedia({ colorScheme: "light", reducedMotion: "reduce" });
    await site.page.setViewportSize({ width: 1280, height: 720 });
    await show(view);
    await site.page.evaluate(axe);
    for (const scheme of ["light", "dark"]) {
      await site.page.emulateMedia({ colorScheme: scheme, reducedMotion: "reduce" });
      await site.page.setViewportSize({ width: 1280, height: 720 });
      await settled(site.page);
      found.push(...(await axeFinds(view, scheme)));
      const name = `${view.replace(/\/.*/, "-one")}-${scheme}`;
      for (const [width, height] of SIZES) await shoot(name, width, height);
    }
  }
  assert.deepEqual(found, []);
});

nothingWrong(site);
