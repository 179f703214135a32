// The receivers of inspections in the line view.
import assert from "node:assert/strict";
import { test } from "node:test";
import { dashboard, nothingWrong, textOf } from "./dashboard.mjs";

// Nobody listens on port 1.
const site = dashboard({ settings: ["mqtt.url=mqtt://127.0.0.1:1"] }, async ({ daemon }) => {
  await daemon.post("good", "part1");
});

test("a broker that is away, with what waits for it, the reason and a test that fails", async () => {
  await site.signIn();
  await site.visit("#/line");
  const row = site.page.locator('.sinks li[data-sink="mqtt"]');
  await row.filter({ hasText: "1 waiting" }).waitFor();
  await row.filter({ hasText: "Connection refused" }).waitFor();
  assert.equal(await row.getAttribute("data-state"), "away");
  await site.during(/status of 502/, async () => {
    await row.getByRole("button", { name: "Send a test" }).click();
    await site.page.locator("#notice", { hasText: "mqtt://127.0.0.1:1 is not connected" }).waitFor();
  });
  assert.match(await textOf(row), /^○ mqtt away/);
});

nothingWrong(site);
