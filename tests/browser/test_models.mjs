// The versions of a model: compare, set thresholds, activate, roll back, delete.
import assert from "node:assert/strict";
import { test } from "node:test";
import { verdictOf } from "../../api/dashboard/threshold.js";
import { dashboard, nothingWrong, textOf } from "./dashboard.mjs";

const POSTS = 12;
const site = dashboard({}, async (opened) => {
  for (let i = 0; i < POSTS; i++) await opened.daemon.post(i % 3 ? "good" : "hole", `m${i}`);
  await opened.signIn();
});
const models = async () => (await site.daemon.ask("GET", "/v1/products/carpet/models")).items;
const active = async () => (await models()).find((model) => model.active).version;
const card = (version) => site.page.locator(`.model[data-version="${version}"]`);
const open = async () => {
  await site.visit("#/models");
  await site.page.locator(".model.active").waitFor();
};
const unfold = (version, name) => card(version).locator("summary", { hasText: name }).click();
const confirm = async (name) => {
  await site.page.locator("#confirm[open]").waitFor();
  await site.page.locator("#confirm").getByRole("button", { name }).click();
};

test("two versions are compared side by side, figures, parameters and curves", async () => {
  await open();
  await site.page.locator(".compare > summary").click();
  const table = site.page.getByRole("region", { name: "Side by side" });
  assert.equal(await table.locator("thead th").count(), 3);
  const seeds = table.locator("tbody tr", { hasText: "seed" });
  assert.match(await textOf(seeds), /≠/);
  assert.doesNotMatch(await textOf(table.locator("tbody tr", { hasText: "Dataset digest" })), /≠/);
  await site.page.locator(".compared figure canvas").first().waitFor();
  assert.equal(await site.page.locator(".compared figure").first().locator(".legend li").count(), 2);
});

test("the threshold is tried on the last inspections before it is set", async () => {
  await open();
  const version = await active();
  await unfold(version, "Threshold");
  const { items } = await site.daemon.ask("GET", `/v1/inspections?model=${version}`);
  const good = items.filter(({ verdict }) => verdict === "good").length;
  await card(version)
    .locator(".effect", { hasText: `Of its last ${POSTS} inspections` })
    .waitFor();
  for (const [value, said, changed] of [
    ["0", `${POSTS} anomalies, 0 good; ${good} would change`, good],
    ["1", `0 anomalies, ${POSTS} good; ${POSTS - good} would change`, POSTS - good],
  ]) {
    await card(version).locator("input[name=threshold]").fill(value);
    await card(version).locator(".effect", { hasText: said }).waitFor();
    assert.equal(await card(version).locator(".examples li").count(), Math.min(8, changed));
  }
  await card(version).locator(".threshold canvas").waitFor();
  await card(version).locator("input[name=threshold]").fill("0.4");
  await card(version).locator("input[name=review]").check();
  await card(version).locator("input[name=review-low]").fill("0.3");
  await card(version).locator("input[name=review-high]").fill("0.6");
  await card(version).locator(".effect", { hasText: "to review" }).waitFor();
  await card(version).getByRole("button", { name: "Set threshold and band" }).click();
  await card(version).locator("summary", { hasText: "40 %, review 30 % to 60 %" }).waitFor();
  const model = (await models()).find((each) => each.version === version);
  assert.ok(Math.abs(model.threshold - 0.4) < 1e-6);
  assert.ok(Math.abs(model.review.low - 0.3) < 1e-6 && Math.abs(model.review.high - 0.6) < 1e-6);
});

test("the page's rule of verdicts is the daemon's, to the last bit of a limit", async () => {
  const version = await active();
  const { probability: p } = await site.daemon.post("good", "rule");
  const near = new Float32Array([p]);
  new Int32Array(near.buffer)[0]++; // the next larger number that the daemon can hold
  const above = near[0];
  for (const [threshold, review] of [
    [p, null],
    [above, null],
    [p, { low: p, high: above }],
    [above, { low: above, high: 1 }],
    [p, { low: 0, high: p }],
    [0.3000000001, { low: 0.1000000001, high: 0.9 }],
  ]) {
    await site.daemon.setModel({ threshold, review });
    const posted = await site.daemon.post("good", "rule");
    assert.equal(posted.probability, p);
    assert.equal(verdictOf(p, threshold, review), posted.verdict, `${p} at ${threshold}, ${JSON.stringify(review)}`);
  }
  await site.daemon.setModel({ threshold: 0.4, review: { low: 0.3, high: 0.6 } });
  assert.equal(version, await active());
});

test("the changes tell who changed what", async () => {
  const version = await active();
  await site.page.reload();
  await card(version).waitFor();
  await unfold(version, "Changes");
  const table = card(version).getByRole("region", { name: "Changes of" });
  await table.getByText("threshold").first().waitFor();
  await table.getByText("0.4").first().waitFor();
});

test("a band that does not hold the threshold is refused with what is wrong", async () => {
  const version = await active();
  await open();
  await unfold(version, "Threshold");
  await card(version).locator("input[name=review-low]").fill("0.9");
  await card(version).locator("input[name=review-high]").fill("0.95");
  await site.during(/422/, async () => {
    await card(version).getByRole("button", { name: "Set threshold and band" }).click();
    await site.page.locator("#notice", { hasText: "review" }).waitFor();
  });
});

test("a version is activated, and rolled back", async () => {
  await open();
  const old = await active();
  const other = (await models()).find((model) => !model.active).version;
  await card(other).getByRole("button", { name: "Activate" }).click();
  await confirm("Activate");
  await site.page.locator(`.model.active[data-version="${other}"]`).waitFor();
  assert.equal(await active(), other);
  await card(other).getByRole("button", { name: "Roll back" }).click();
  await confirm("Roll back");
  await site.page.locator(`.model.active[data-version="${old}"]`).waitFor();
  assert.equal(await active(), old);
});

test("a version runs as the shadow, with a rule, is ended, and is promoted", async () => {
  await open();
  const old = await active();
  const other = (await models()).find((model) => !model.active).version;
  const part = site.page.getByRole("region", { name: "Shadow of carpet" });
  const shadow = async () => (await site.daemon.ask("GET", "/v1/products/carpet/shadow")).shadow;
  await unfold(other, "Run as shadow");
  await card(other).getByLabel("make it active by itself").check();
  await card(other).locator("input[name=parts]").fill("500");
  await card(other).getByRole("button", { name: "Run as shadow" }).click();
  await part.getByRole("heading", { name: `Shadow: ${other}` }).waitFor();
  assert.match(await textOf(part), /after 500 parts more, if at most 2 verdicts differ/);
  assert.deepEqual((await shadow()).rule, { parts: 500, max_disagreements: 2, max_missed: 0 });
  await part.getByRole("button", { name: "End the shadow" }).click();
  await confirm("End the shadow");
  await part.waitFor({ state: "hidden" });
  assert.equal(await shadow(), null);
  await open(); // the list is drawn anew meanwhile, with everything folded
  await unfold(other, "Run as shadow");
  await card(other).getByRole("button", { name: "Run as shadow" }).click();
  await part.getByRole("button", { name: "Promote" }).click();
  await confirm("Promote");
  await site.page.locator(`.model.active[data-version="${other}"]`).waitFor();
  assert.equal(await active(), other);
  await card(other).getByRole("button", { name: "Roll back" }).click();
  await confirm("Roll back");
  await site.page.locator(`.model.active[data-version="${old}"]`).waitFor();
});

test("a version is deleted after a question, and not without its answer", async () => {
  await open();
  const other = (await models()).find((model) => !model.active).version;
  await card(other).getByRole("button", { name: "Delete" }).click();
  await confirm("Cancel");
  assert.equal((await models()).length, 2);
  await card(other).getByRole("button", { name: "Delete" }).click();
  await confirm("Delete");
  await card(other).waitFor({ state: "detached" });
  assert.equal((await models()).length, 1);
});

test("the drift of each camera is shown by day", async () => {
  await site.daemon.setModel({ threshold: 1, review: null });
  assert.equal((await site.daemon.post("good", "drift")).verdict, "good");
  await open();
  await site.page.locator(".drift > summary").click();
  const camera = site.page.locator('.drift-camera[data-camera="cam1"]');
  await camera.locator(".drift-text").waitFor();
  assert.match(await textOf(camera), /Fewer than 50 good parts|keeps no scores of good parts/);
});

nothingWrong(site);
