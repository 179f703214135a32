// Regions: drawn on a picture by pointer and by keys, undone, saved per camera, and asked for a training afterwards.
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { dashboard, nothingWrong, settled, textOf } from "./dashboard.mjs";

const WAIT_MS = 60000;
const shots = process.env.INSP_SCREENSHOTS;
const site = dashboard({}, async (opened) => {
  opened.page.setDefaultTimeout(WAIT_MS);
  await opened.daemon.post("hole", "A-1");
  await opened.signIn();
});
const at = (selector, options) => site.page.locator(selector, options);
const button = (name) => site.page.getByRole("button", { name, exact: true });
const read = () => site.daemon.ask("GET", "/v1/products/carpet/regions");
const said = (text) => at(".region-board [aria-live]", { hasText: text }).waitFor();

async function click(x, y) {
  const { width, height } = await at(".region-picture svg").boundingBox();
  await at(".region-picture svg").click({ position: { x: x * width, y: y * height } }); // wherever it has moved to
}

async function keys(...names) {
  for (const name of names) await site.page.keyboard.press(name);
}

async function shoot(name) {
  if (!shots) return;
  mkdirSync(shots, { recursive: true });
  await settled(site.page);
  await at(".region-board").scrollIntoViewIfNeeded();
  await at("section[aria-label=Region]").screenshot({ path: join(shots, `${name}.png`) });
}

test("a region is drawn by clicks, on a picture of the product", async () => {
  await site.visit("#/products/carpet");
  await at("section[aria-label=Region]", { hasText: "The whole picture is judged." }).waitFor();
  await button("Draw a region").click();
  await site.page.waitForFunction(() => document.querySelector(".region-picture img").naturalWidth > 0);
  assert.ok(await button("Save the region").isDisabled());
  for (const [x, y] of [
    [0.1, 0.1],
    [0.9, 0.15],
    [0.85, 0.9],
    [0.1, 0.85],
  ])
    await click(x, y);
  await said("Corner 4 set.");
  await click(0.105, 0.1); // on the first corner
  await said("The polygon is closed.");
  assert.match(await textOf(at(".polygons")), /look at: 4 corners/);
});

test("keys draw too, and each step is undone", async () => {
  await at("input[name=region-kind][value=ignore]").check();
  await at(".region-picture svg").focus();
  await keys("Space", ...Array(4).fill("Shift+ArrowRight"), "Space", ...Array(2).fill("Shift+ArrowDown"), "Space");
  await said("Corner 3 set.");
  await keys("Enter");
  await said("The polygon is closed.");
  assert.match(await textOf(at(".polygons")), /ignore: 3 corners/);
  await shoot("region-drawn");
  await keys("Backspace"); // open again
  await said("Undone.");
  assert.equal(await at(".polygons li").count(), 1);
  await keys("Enter");
  assert.equal(await at(".polygons li").count(), 2);
  await at(".polygons li", { hasText: "ignore" }).getByRole("button").click();
  assert.equal(await at(".polygons li").count(), 1);
  await button("Undo the last step").click();
  assert.equal(await at(".polygons li").count(), 2);
  await at(".region-picture svg").focus();
  await keys("Space", "ArrowLeft", "Space", "Escape");
  assert.equal(await at(".region-picture circle").count(), 0);
});

test("a polygon that crosses itself is not closed", async () => {
  for (const [x, y] of [
    [0.2, 0.2],
    [0.6, 0.6],
    [0.6, 0.2],
    [0.2, 0.6],
  ])
    await click(x, y);
  await button("Close the polygon").click();
  await said("would cross itself");
  assert.ok(await button("Save the region").isDisabled());
  await at(".region-picture svg").focus();
  await keys("Escape");
});

test("it is saved for all cameras or for one, and a training is asked for", async () => {
  await button("Save the region").click();
  await said("Saved.");
  const { regions, retrain } = await read();
  assert.deepEqual([regions.default.look.length, regions.default.ignore.length, retrain], [1, 1, true]);
  await at("section[aria-label=Region] .failure", { hasText: "Train again to use these." }).waitFor();
  await shoot("region-saved");
  await at("input[name=camera]").fill("top");
  await site.page.keyboard.press("Tab");
  await site.page.waitForFunction(() => !document.querySelector(".polygons li")); // it has none yet
  for (const [x, y] of [
    [0, 0.02],
    [0.99, 0.02],
    [0.5, 0.99],
  ])
    await click(x, y);
  await button("Close the polygon").click();
  await button("Save the region").click();
  await at("section[aria-label=Region]", { hasText: "these cameras have their own region: top" }).waitFor();
  assert.equal((await read()).regions.cameras.top.ignore.length, 1); // the kind that was chosen
  await button("Use the whole picture").click();
  await said("uses the product's region for this camera");
  assert.deepEqual((await read()).regions.cameras, {});
});

test("a region that leaves nothing is refused in words", async () => {
  await site.during(/\/regions$/, async () => {
    await at("input[name=camera]").fill("");
    await site.page.keyboard.press("Tab");
    await at(".polygons li").first().waitFor();
    await at(".polygons li", { hasText: "look at" }).getByRole("button").click();
    for (const [x, y] of [
      [0.0005, 0.0005],
      [0.9995, 0.0005],
      [0.9995, 0.9995],
      [0.0005, 0.9995],
    ])
      await click(x, y);
    await button("Close the polygon").click();
    await button("Save the region").click();
    await at("#notice", { hasText: /covers nothing/ }).waitFor();
  });
  assert.equal((await read()).regions.default.look.length, 1);
});

nothingWrong(site);
