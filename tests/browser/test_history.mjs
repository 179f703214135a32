// The history: filters, the endless list, exports.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { dashboard, nothingWrong } from "./dashboard.mjs";

const GOOD = 52;
const items = [];
const site = dashboard({}, async ({ daemon }) => {
  for (let i = 0; i < GOOD; i++) items.push(await daemon.post("good", `good${i}`));
  items.push(await daemon.post("hole", "bad", { camera: "cam2" }));
  await daemon.ask("PUT", `/v1/inspections/${items.at(-1).id}/label`, { label: "anomaly", defect: "hole" });
});
const rows = () => site.page.locator("tbody tr");
const end = () => site.page.locator("#view > [role=status]", { hasText: /All \d+ shown|No inspection matches/ });
const all = async () => {
  await rows().first().waitFor();
  while (!(await end().count())) await site.page.mouse.wheel(0, 2000);
};
const count = async (hash) => {
  await site.visit(hash);
  await site.page.locator("#view > [role=status]", { hasText: /shown|No inspection matches/ }).waitFor();
  while (!(await end().count())) await site.page.mouse.wheel(0, 2000);
  return rows().count();
};

test("the list goes on to its end as it is scrolled, with pictures", async () => {
  await site.visit("#/history");
  await rows().first().waitFor();
  await all();
  assert.equal(await rows().count(), GOOD + 1);
  await site.page.waitForFunction(() => document.querySelector("img.thumb")?.naturalWidth > 0);
});

test("every filter filters", async () => {
  const { verdict, model } = items.at(-1);
  const since = (item) => encodeURIComponent(item.received_at);
  for (const [filter, expected] of [
    ["product=carpet", GOOD + 1],
    ["product=other", 0],
    ["camera=cam2", 1],
    ["part=good7", 1],
    [`verdict=${verdict}`, items.filter((item) => item.verdict === verdict).length],
    ["verdict=review", 0],
    ["label=anomaly", 1],
    ["label=none", GOOD],
    [`model=${model}`, GOOD + 1],
    [`since=${since(items.at(-1))}`, 1],
    [`until=${since(items[10])}`, 10],
  ])
    assert.equal(await count(`#/history?${filter}`), expected, filter);
});

test("the form makes the filter, and the filter fills the form", async () => {
  await site.visit("#/history");
  await site.page.locator("input[name=camera]").fill("cam2");
  await site.page.getByRole("button", { name: "Filter" }).click();
  await site.page.waitForFunction(() => location.hash.includes("camera=cam2"));
  await all();
  assert.equal(await rows().count(), 1);
  assert.equal(await site.page.locator("input[name=camera]").inputValue(), "cam2");
  await rows().first().getByRole("link").click();
  await site.page.waitForFunction(
    () => location.hash.startsWith("#/inspection/") && location.hash.includes("camera=cam2"),
  );
});

for (const [name, button] of [
  ["csv", "Export CSV"],
  ["ndjson", "Export JSON lines"],
])
  test(`${button} saves all that the filter lets through`, async () => {
    await site.visit("#/history?camera=cam1");
    const download = site.page.waitForEvent("download");
    await site.page.getByRole("button", { name: button }).click();
    const file = await download;
    assert.equal(file.suggestedFilename(), `inspections.${name}`);
    const lines = readFileSync(await file.path(), "utf8")
      .trim()
      .split(/\r?\n/);
    const ids =
      name === "csv" ? lines.slice(1).map((line) => line.split(",")[0]) : lines.map((line) => JSON.parse(line).id);
    assert.deepEqual(
      [...ids].sort(),
      items
        .slice(0, GOOD)
        .map(({ id }) => id)
        .sort(),
    );
  });

nothingWrong(site);
