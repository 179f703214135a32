// What the page does when something is wrong: without a stream, without a daemon, without a model.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Dashboard, dashboard, nothingWrong } from "./dashboard.mjs";

const site = dashboard();
const banner = (text) => site.page.locator("#banner p", { hasText: text });
const state = (name) => site.page.locator(`#connection[data-state=${name}]`);
const card = (id) => site.page.locator(`.card.large[data-id="${id}"]`);
// SOCKET_NOT_CONNECTED: the daemon stopped between the connection and the request on it.
const GONE = ["CONNECTION_REFUSED", "CONNECTION_RESET", "CONNECTION_CLOSED", "SOCKET_NOT_CONNECTED", "EMPTY_RESPONSE"];
const REFUSED = new RegExp(`ERR_(${[...GONE, "INCOMPLETE_CHUNKED_ENCODING", "FAILED"].join("|")})|503`);

test("without a stream the newest are polled, and a banner says so", async () => {
  await site.during(/ERR_FAILED/, async () => {
    await site.page.route("**/v1/events*", (route) => route.abort());
    await site.visit("#/line");
    await state("polling").waitFor();
    const posted = await site.daemon.post("good", "polled");
    await card(posted.id).waitFor();
    await banner("live stream is broken").waitFor();
  });
  await site.page.unroute("**/v1/events*");
  await state("live").waitFor();
  await banner("live stream is broken").waitFor({ state: "detached" });
});

test("a stream that goes silent is noticed, polled around and opened anew", async () => {
  // A proxy that lets the beginning through and then nothing: the clock is put forward instead of waiting.
  await site.page.clock.install();
  await site.visit("#/line");
  await state("live").waitFor();
  await site.page.route("**/v1/events*", () => {}); // never answered
  await site.during(REFUSED, async () => {
    await site.page.clock.fastForward(20000);
    await site.page.clock.fastForward(8000);
    await state("polling").waitFor();
  });
  await site.page.unroute("**/v1/events*");
  await site.page.close();
  site.page = await site.newPage();
});

test("questions that the daemon answers slowly do not pile up", async () => {
  const asked = { readyz: 0, metrics: 0 };
  await site.page.clock.install();
  for (const path of Object.keys(asked))
    await site.page.route(`**/${path}`, () => {
      asked[path]++; // never answered
    });
  try {
    const both = Object.keys(asked).map((path) => site.page.waitForRequest(`**/${path}`));
    await site.visit("#/line");
    await state("live").waitFor();
    await Promise.all(both);
    await site.page.clock.runFor(9000);
    assert.deepEqual(asked, { readyz: 1, metrics: 1 });
  } finally {
    await site.page.unrouteAll({ behavior: "ignoreErrors" });
    await site.page.close();
    site.page = await site.newPage();
  }
});

test("a restart of the daemon is survived by the open page", async () => {
  await site.visit("#/line");
  await state("live").waitFor();
  await site.during(REFUSED, async () => {
    await site.daemon.stop();
    await banner("No live data").waitFor();
    await state("lost").waitFor();
    await site.daemon.start();
    await state("live").waitFor();
    await site.page.locator("#banner").waitFor({ state: "hidden" });
  });
  const posted = await site.daemon.post("good", "after");
  await card(posted.id).waitFor();
});

test("charts whose library did not come are drawn when it does", async () => {
  let refused = 0;
  await site.page.route("**/uPlot.esm.js*", (route) => (refused++ ? route.continue() : route.abort()));
  await site.during(/ERR_FAILED/, async () => {
    await site.visit("#/line");
    await site.page.reload();
    await site.page.locator(".chart canvas").first().waitFor();
  });
  assert.ok(refused > 1);
  await site.page.unroute("**/uPlot.esm.js*");
});

test("a view that did not come is said, and opens when it does", async () => {
  await site.page.route("**/jobs.js*", (route) => route.abort());
  await site.visit("#/line");
  await site.during(/ERR_FAILED/, async () => {
    await site.visit("#/jobs");
    await site.page.getByText("This view could not be fetched.").waitFor();
  });
  await site.page.unroute("**/jobs.js*");
  await site.visit("#/line");
  await site.visit("#/jobs");
  await site.page.locator("#view.view-jobs").waitFor();
});

test("an anomaly rate outside its usual range is said loudly", async () => {
  // Half a minute's worth of anomalies against a week that had hardly any.
  await site.page.route("**/v1/statistics?*window=7d*", async (route) => {
    const answer = await route.fetch();
    await route.fulfill({
      response: answer,
      json: { ...(await answer.json()), good: 9900, anomaly: 100, review: 0 },
    });
  });
  await site.daemon.setModel({ threshold: 0 });
  for (let i = 0; i < 40; i++) await site.daemon.post("good", `rate${i}`);
  await site.visit("#/line");
  await site.page.reload();
  await banner("Anomaly rate is unusually high").waitFor();
  await site.visit("#/history");
  await banner("Anomaly rate").waitFor({ state: "detached" });
  await site.page.unroute("**/v1/statistics?*window=7d*");
});

test("a queue that is nearly full is said loudly", async () => {
  await site.page.route("**/metrics", (route) =>
    route.fulfill({ body: "inspectd_queue_depth 58\ninspectd_in_flight 60\ninspectd_in_flight_limit 64\n" }),
  );
  await site.visit("#/line");
  await banner("60 of 64 inspections in flight").waitFor();
  await site.page.unroute("**/metrics");
});

test("a daemon without a model is not ready, and the banner says why", async () => {
  const empty = new Dashboard({ empty: true });
  try {
    await empty.open();
    await empty.during(/503/, async () => {
      await empty.visit("#/line");
      await empty.page.locator("#banner p", { hasText: "Not ready: " }).waitFor();
      await empty.page.getByText("No inspections yet").waitFor();
      await empty.visit("#/models");
      await empty.page.getByText("No product has a model yet").waitFor();
    });
    assert.deepEqual(empty.wrong, []);
  } finally {
    await empty.close();
  }
});

nothingWrong(site);
