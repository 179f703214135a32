// The pinned parts: none is lost, and an acknowledgement is for the product that was looked at.
import assert from "node:assert/strict";
import { test } from "node:test";
import { dashboard, nothingWrong } from "./dashboard.mjs";

const site = dashboard({ products: ["screws"] });
const pin = (page, { id }) => page.locator(`.strip .card[data-id="${id}"]`);
const hero = (page, { id }) => page.locator(`.card.large[data-id="${id}"]`);
const title = (page, text) => page.locator("#pins-title", { hasText: text });
// Every part is an anomaly from here on.
const alarm = () => Promise.all(["carpet", "screws"].map((product) => site.daemon.setModel({ threshold: 0 }, product)));
const open = async (page, product) => {
  await site.visit("#/line", page);
  await page.locator("#connection[data-state=live]").waitFor();
  if (!product) return;
  await page.locator("#product option", { hasText: product }).waitFor({ state: "attached" });
  await page.locator("#product").selectOption(product);
};
const acknowledgeAll = (page) => page.getByRole("button", { name: "Acknowledge all" }).click();

test("acknowledging one product in one tab leaves the other's parts in the other tab", async () => {
  await alarm();
  const other = await site.page.context().newPage();
  await open(site.page, "carpet");
  await open(other, "screws");
  const screw = await site.daemon.post("good", "screw-1", { product: "screws" });
  const carpet = await site.daemon.post("good", "carpet-1");
  await pin(site.page, carpet).waitFor();
  await pin(other, screw).waitFor();
  await acknowledgeAll(site.page);
  await pin(site.page, carpet).waitFor({ state: "detached" });
  const later = await site.daemon.post("good", "screw-2", { product: "screws" });
  await pin(other, later).waitFor();
  assert.equal(await pin(other, screw).count(), 1);
  await open(other, "screws");
  await pin(other, screw).waitFor();
  await other.close();
});

test("a tab for all products acknowledges each that it shows, in the other tabs too", async () => {
  const other = await site.page.context().newPage();
  await open(site.page);
  await open(other, "screws");
  const parts = [
    await site.daemon.post("good", "all-1"),
    await site.daemon.post("good", "all-2", { product: "screws" }),
  ];
  await pin(other, parts[1]).waitFor();
  for (const part of parts) await pin(site.page, part).waitFor();
  await acknowledgeAll(site.page);
  await other.locator(".pins").waitFor({ state: "hidden" });
  await site.page.locator(".pins").waitFor({ state: "hidden" });
  await other.close();
});

test("what arrives while the list is being read is pinned", async () => {
  let release;
  const held = new Promise((resolve) => (release = resolve));
  let caught;
  const read = new Promise((resolve) => (caught = resolve));
  await site.page.route(/\/v1\/inspections\?.*verdict=anomaly/, async (route) => {
    const answer = await route.fetch(); // the daemon's present list
    caught();
    await held;
    await route.fulfill({ response: answer });
  });
  await open(site.page);
  await read;
  const posted = await site.daemon.post("good", "meanwhile");
  await hero(site.page, posted).waitFor();
  release();
  await site.page.unrouteAll({ behavior: "wait" });
  const after = await site.daemon.post("good", "behind");
  await hero(site.page, after).waitFor();
  await pin(site.page, posted).waitFor();
  assert.equal(await pin(site.page, after).count(), 1);
});

test("damaged values in the storage lose no pin, and the page works on", async () => {
  const posted = await site.daemon.post("good", "damaged");
  await site.page.evaluate(() => {
    for (const key of ["acknowledged", "acknowledged:carpet", "shift"]) localStorage.setItem(key, '{"upTo":[');
  });
  await open(site.page);
  await pin(site.page, posted).waitFor();
  await pin(site.page, posted).getByRole("button", { name: "Acknowledge" }).click();
  await pin(site.page, posted).waitFor({ state: "detached" });
  await site.page.reload();
  await hero(site.page, posted).waitFor();
  assert.equal(await pin(site.page, posted).count(), 0);
  await acknowledgeAll(site.page);
});

test("more than fit are counted, and move up as the newest are dealt with", async () => {
  const posted = [];
  await open(site.page);
  for (let i = 0; i < 27; i++) posted.push(await site.daemon.post("good", `many-${i}`));
  await title(site.page, "To check: 27").waitFor();
  await site.page.locator(".pins .title", { hasText: "The newest 24, and 3 more" }).waitFor();
  assert.equal(await site.page.locator(".strip .card").count(), 24);
  assert.equal(await pin(site.page, posted[2]).count(), 0);
  await pin(site.page, posted[26]).getByRole("button", { name: "Acknowledge" }).click();
  await pin(site.page, posted[2]).waitFor();
  await acknowledgeAll(site.page);
  await site.page.locator(".pins").waitFor({ state: "hidden" });
});

test("without a stream an anomaly is pinned that is not among the newest parts", async () => {
  await site.during(/ERR_FAILED/, async () => {
    await site.page.route("**/v1/events*", (route) => route.abort());
    await site.page.route(/\/v1\/inspections\?limit=50$/, (route) =>
      route.fulfill({ json: { items: [], next: null } }),
    );
    await site.visit("#/line");
    await site.page.locator("#connection[data-state=polling]").waitFor();
    await pin(site.page, await site.daemon.post("good", "unseen")).waitFor();
  });
  await site.page.unrouteAll({ behavior: "ignoreErrors" });
});

nothingWrong(site);
