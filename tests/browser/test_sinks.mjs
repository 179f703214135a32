// The receivers of inspections and the sources of images in the line view.
import assert from "node:assert/strict";
import { test } from "node:test";
import { dashboard, nothingWrong, textOf } from "./dashboard.mjs";

// Nobody listens on port 1, and there is no such folder.
const site = dashboard(
  {
    settings: [
      "mqtt.url=mqtt://127.0.0.1:1",
      "watch.folder=/nowhere",
      "modbus.listen=127.0.0.1:0",
      "modbus.stations=1=cam1",
    ],
  },
  async ({ daemon }) => {
    await daemon.post("good", "part1");
  },
);

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

test("a watched folder that is away, with the reason", async () => {
  await site.visit("#/line");
  const row = site.page.locator('.sinks li[data-source="folder"]');
  await row.filter({ hasText: "No such file" }).waitFor();
  assert.equal(await row.getAttribute("data-state"), "away");
  assert.match(await textOf(row), /^○ folder away nothing waits/);
});

test("stations that no PLC has connected to", async () => {
  await site.visit("#/line");
  const row = site.page.locator('.sinks li[data-sink="modbus"]');
  await row.filter({ hasText: "No heartbeat: cam1" }).waitFor();
  assert.match(await textOf(row), /^○ modbus away 0 connected, 0 of 1 PLCs alive/);
});

test("a camera whose grabber says that it is silent", async () => {
  const body = {
    session: "019ab7a0-4f2c-7c3e-9d0a-5b1f3c2d4e6f",
    product: "carpet",
    trigger: "line",
    state: "silent",
    detail: "unplugged",
    frames: 12,
    refused: 2,
  };
  await site.daemon.ask("POST", "/v1/cameras/cam7/grabber", body);
  await site.visit("#/line");
  const row = site.page.locator('.sinks li[data-camera="cam7"]');
  await row.filter({ hasText: "unplugged" }).waitFor();
  assert.equal(await row.getAttribute("data-state"), "silent");
  assert.match(await textOf(row), /^○ camera cam7 silent 12 frames, 2 refused/);
});

nothingWrong(site);
