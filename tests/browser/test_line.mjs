// The line view.
import assert from "node:assert/strict";
import { test } from "node:test";
import { dashboard, nothingWrong, textOf } from "./dashboard.mjs";

const site = dashboard({}, async ({ daemon }) => {
  for (let i = 0; i < 4; i++) await daemon.post("good", `part${i}`);
});
const card = (id) => site.page.locator(`.card.large[data-id="${id}"]`);
const pin = (id) => site.page.locator(`.strip .card[data-id="${id}"]`);
const live = async () => {
  await site.visit("#/line");
  await site.page.locator("#connection[data-state=live]").waitFor();
};

test("a posted inspection appears by itself, with everything that an operator asks", async () => {
  await live();
  const posted = await site.daemon.post("hole", "live-1");
  await card(posted.id).waitFor();
  assert.equal((await textOf(card(posted.id).locator(".verdict"))).toLowerCase(), posted.verdict);
  assert.match(await textOf(card(posted.id).locator(".place")), /carpet · camera cam1 · part live-1/);
  assert.match(await textOf(card(posted.id).locator(".times")), /\d+ s ago · \d/);
  const meter = card(posted.id).getByRole("meter");
  assert.match(await meter.getAttribute("aria-valuetext"), /%, anomaly from 50 %/);
  await site.page.waitForFunction(() =>
    [...document.querySelectorAll(".card.large img")].every((image) => image.complete && image.naturalWidth > 0),
  );
});

test("a verdict can be read from two metres: letters of 10 mm and more, a shape of its own", async () => {
  const shapes = new Set();
  for (const [change, word] of [
    [{ threshold: 1 }, "good"],
    [{ threshold: 0 }, "anomaly"],
    [{ threshold: 0.5, review: { low: 0, high: 1 } }, "review"],
  ]) {
    await site.daemon.setModel({ review: null, ...change });
    const { id, verdict } = await site.daemon.post("hole", word);
    assert.equal(verdict, word);
    const element = card(id).locator(`.verdict.${word}`);
    await element.waitFor();
    const pixels = await element.evaluate((e) => parseFloat(getComputedStyle(e).fontSize));
    assert.ok(pixels * 0.7 >= (10 / 25.4) * 96, `capitals of ${pixels} px letters`);
    shapes.add(await element.locator("svg > :first-child").evaluate((e) => e.outerHTML));
  }
  assert.equal(shapes.size, 3);
  await site.daemon.setModel({ threshold: 0.5, review: null });
});

test("the age goes on by itself", async () => {
  const age = site.page.locator(".card.large time.age");
  const before = await textOf(age);
  await site.page.waitForFunction(
    (text) => document.querySelector(".card.large time.age").textContent !== text,
    before,
  );
});

test("anomalies and parts to review stay pinned until they are acknowledged or labelled", async () => {
  await site.daemon.setModel({ threshold: 0 });
  const posted = [];
  for (const part of ["pin-a", "pin-b", "pin-c"]) posted.push(await site.daemon.post("hole", part));
  const [a, b, c] = posted.map(({ id }) => pin(id));
  await c.waitFor();
  await a.getByRole("button", { name: "Acknowledge" }).click();
  await a.waitFor({ state: "detached" });
  await b.getByRole("button", { name: "Label as anomaly" }).click();
  await b.waitFor({ state: "detached" });
  assert.equal((await site.daemon.ask("GET", `/v1/inspections/${posted[1].id}`)).label.label, "anomaly");
  await site.page.reload();
  await c.waitFor();
  assert.equal((await a.count()) + (await b.count()), 0);
  await site.page.getByRole("button", { name: "Acknowledge all" }).click();
  await site.page.locator(".pins").waitFor({ state: "hidden" });
  await site.page.reload();
  await site.page.locator(".card.large").waitFor();
  await site.page.locator(".pins").waitFor({ state: "hidden" });
  await site.daemon.setModel({ threshold: 0.5 });
});

test("the counters count the shift, whose beginning can be set and is kept", async () => {
  await live();
  const inspected = site.page.locator(".counters div", { hasText: "Inspected" }).locator("dd");
  await site.page.waitForFunction(() => Number(document.querySelector(".counters dd")?.textContent) > 5);
  const asked = site.page.waitForRequest((request) => /statistics\?.*window=\d+s/.test(request.url()));
  const start = new Date(Date.now() - 90 * 60000);
  const text = `${start.getHours()}`.padStart(2, "0") + ":" + `${start.getMinutes()}`.padStart(2, "0");
  await site.page.locator("input[name=shift-start]").fill(text);
  await site.page.locator("input[name=shift-start]").dispatchEvent("change");
  const seconds = Number(/window=(\d+)s/.exec((await asked).url())[1]);
  assert.ok(seconds >= 90 * 60 - 5 && seconds <= 91 * 60 + 5, `${seconds} s since the shift began`);
  await site.page.reload();
  assert.equal(await site.page.locator("input[name=shift-start]").inputValue(), text);
  await inspected.waitFor();
  assert.match(await textOf(site.page.locator(".counters")), /Queue/i);
});

test("the charts are drawn, and say their figures in words and as a table", async () => {
  for (const title of ["Anomaly rate", "Inspections per minute", "Latency"]) {
    const chart = site.page.locator("figure.chart", { hasText: title });
    await chart.locator("canvas").waitFor();
    const inked = await chart.locator("canvas").evaluate((canvas) =>
      canvas
        .getContext("2d")
        .getImageData(0, 0, canvas.width, canvas.height)
        .data.some((value) => value > 0),
    );
    assert.ok(inked, `${title} is empty`);
    assert.match(await chart.locator("[role=img]").getAttribute("aria-label"), /last .*lowest .*highest/);
    await chart.locator("summary").click();
    await chart.locator("tbody tr").first().waitFor();
  }
});

test("the time of each stage is shown, the wait among them", async () => {
  const stages = site.page.locator("figure.chart", { hasText: "Median time by stage" }).locator("dt");
  await stages.first().waitFor();
  assert.deepEqual(await stages.allInnerTexts(), ["receive", "wait", "decode", "queue", "inference", "store"]);
});

nothingWrong(site);
