// Training, cross-validation and evaluation. The admin's token is typed in by the first test.
import assert from "node:assert/strict";
import { test } from "node:test";
import { dashboard, nothingWrong, textOf } from "./dashboard.mjs";

const LONG_MS = 180000; // a training on a busy machine
const site = dashboard();
const field = (name) => site.page.locator(`.job-form [name=${name}]`);
const detail = () => site.page.locator(".job-detail");
const idOfPage = () => site.page.evaluate(() => location.hash.split("/")[2]);

async function fill(kind, values) {
  await site.visit("#/jobs");
  await site.page.locator("input[name=product]").waitFor();
  await field("kind").selectOption(kind);
  await site.page.locator(".job-form details").evaluate((details) => details.setAttribute("open", ""));
  for (const [name, value] of Object.entries({ product: "carpet", dataset: "carpet", ...values }))
    await field(name).fill(`${value}`);
}
const start = () => site.page.getByRole("button", { name: "Start" }).click();
// The state comes with the event, the curves and the report with the whole job, which alone has the hour of its end.
const ended = async (state) => {
  await detail().locator(`.state.${state}`).waitFor({ timeout: LONG_MS });
  await detail().locator("> .hint", { hasText: ", ended " }).waitFor();
};

test("what is out of its range is refused in the form, with its range beside it", async () => {
  let asked = 0;
  site.page.on("request", (request) => {
    if (request.method() === "POST") asked++;
  });
  for (const [kind, name, value, range] of [
    ["train", "epochs", 0, "1 to 1000"],
    ["train", "test_share", 0.95, "0.01 to 0.9"],
    ["cross-validate", "folds", 1, "2 to 20"],
    ["train", "heatmap_threshold", 1.5, "0 to 1"],
  ]) {
    await fill(kind, { [name]: value });
    await start();
    assert.equal(await field(name).evaluate((input) => input.validity.valid), false, name);
    const help = await field(name).getAttribute("aria-describedby");
    assert.match(await textOf(site.page.locator(`#${help}`)), new RegExp(range));
  }
  assert.equal(asked, 0);
});

test("a training asks for the admin's token, takes its parameters, grows its curves and reports", async () => {
  await fill("train", { epochs: 3, seed: 7, weight_anomaly: 2, target_accuracy: 1 });
  await field("threshold_auto").uncheck(); // a tail alone, to which the advice of a cross-validation applies
  await site.during(/401/, async () => {
    await start();
    await site.page.locator("#login[open]").waitFor();
    await site.page.locator("#token").fill("wrong");
    await site.page.getByRole("button", { name: "Use it" }).click();
    await site.page.locator("#login[open]").waitFor();
    await site.page.locator("#token").fill(site.daemon.adminToken);
    await site.page.getByRole("button", { name: "Use it" }).click();
    await ended("succeeded");
  });
  const job = await site.daemon.ask("GET", `/v1/jobs/${await idOfPage()}`);
  assert.equal(job.params.epochs, 3);
  assert.equal(job.params.seed, 7);
  assert.deepEqual(job.params.class_weights, [1, 2]);
  const loss = site.page.locator(".job-detail > .curves figure", { hasText: "Loss" });
  await loss.locator("canvas").waitFor();
  await loss.locator("summary").click();
  await loss.locator("tbody tr").first().waitFor();
  assert.equal(await loss.locator("tbody tr").count(), job.epochs.length);
  const report = site.page.locator(".report");
  for (const text of ["Confusion matrix", "Rates with 95 % intervals", "Correct verdicts by defect type"])
    await report.getByText(text).first().waitFor();
  await report.getByRole("rowheader", { name: "hole", exact: true }).waitFor(); // "whole" has these letters too
  await report.locator("figure", { hasText: "ROC curve" }).locator("canvas").waitFor();
  assert.equal(await site.page.locator(".log li").count(), job.log.length);
});

test("the token is in this tab's session storage and nowhere else", async () => {
  const kept = await site.page.evaluate(() => ({
    session: { ...sessionStorage },
    local: JSON.stringify({ ...localStorage }),
    cookie: document.cookie,
  }));
  assert.equal(kept.session.token, site.daemon.adminToken);
  assert.ok(!kept.local.includes(site.daemon.adminToken) && !kept.cookie);
});

test("a running job shows progress as it comes, and is cancelled", async () => {
  await fill("train", { epochs: 1000, target_accuracy: 1 });
  await start();
  await detail()
    .locator(".state", { hasText: /epoch [2-9]/ })
    .waitFor({ timeout: LONG_MS });
  assert.ok((await site.page.locator("progress").evaluate((bar) => bar.value)) > 0);
  assert.match(await textOf(detail().locator(".state").first()), /left/);
  await site.page.getByRole("button", { name: "Cancel the job" }).click();
  await ended("cancelled");
  await site.page.getByRole("button", { name: "Cancel the job" }).waitFor({ state: "hidden" });
});

test("a cross-validation shows a curve for each fold, the fold table and which threshold it advises", async () => {
  await fill("cross-validate", { folds: 3, epochs: 2, seed: 3, max_missed: 0.5 });
  await start();
  await ended("succeeded");
  const legend = site.page.locator(".job-detail > .curves figure").first().locator(".legend li");
  assert.deepEqual(await legend.allInnerTexts(), ["fold 1", "fold 2", "fold 3"]);
  const folds = site.page.getByRole("region", { name: "Folds" });
  assert.equal(await folds.locator("tbody tr").count(), 4); // and the mean
  const job = await site.daemon.ask("GET", `/v1/jobs/${await idOfPage()}`);
  await site.page.locator(".advice").waitFor();
  await site.page.locator(".worst-list summary").click();
  const first = site.page.locator(".worst").first();
  await first.getByText(job.result.images[0].path).waitFor();
  await site.page.waitForFunction(() => document.querySelector(".worst img")?.naturalWidth > 0);
});

test("the advised threshold is taken by a click", async () => {
  const job = await site.daemon.ask("GET", `/v1/jobs/${await idOfPage()}`);
  await site.page.getByRole("button", { name: "Use this threshold" }).click();
  const said = await site.page.locator("#notice", { hasText: "now uses" }).innerText();
  const { active } = await site.daemon.ask("GET", "/v1/products/carpet");
  const model = await site.daemon.ask("GET", `/v1/products/carpet/models/${active}`);
  // the bundle's tail decides alone
  const { threshold_advice: advice } = job.result.candidates.list.find(({ name }) => name === "tail");
  assert.ok(Math.abs(model.threshold - advice.threshold) < 1e-6);
  assert.ok(Math.abs(Number(said.match(/threshold ([\d.]+) %/)[1]) / 100 - model.threshold) < 1e-3, said);
});

test("an evaluation reports on the chosen version", async () => {
  const { items } = await site.daemon.ask("GET", "/v1/products/carpet/models");
  const { version } = items.find(({ active }) => !active);
  await fill("evaluate", {});
  await field("version").locator(`option[value="${version}"]`).waitFor({ state: "attached" });
  await field("version").selectOption(version);
  await start();
  await ended("succeeded");
  await site.page.locator(".report", { hasText: version }).getByText("Confusion matrix").waitFor();
});

test("how the dataset was read is part of the report, and what to check stands out", async () => {
  const scan = {
    folders: [
      { folder: "train/good", class: "good", images: 40 },
      { folder: "test/Hole", class: "Hole", images: 20 },
    ],
    formats: { png: 60, jpeg: 0 },
    passed_over: [{ reason: "system", text: "files of a NAS", count: 2, images: 0, examples: ["@eaDir"] }],
    duplicates: { images: 3, across_splits: 2, across_classes: 0, examples: ["train/good/1.png = test/good/7.png"] },
    masks: { defective: 20, with_mask: 18, by_same_name: 18, unused: 1 },
    doubts: ["2 images are in both train and test"],
  };
  const { jobs } = await site.daemon.ask("GET", "/v1/jobs?limit=50");
  const { id } = jobs.find(({ state, kind }) => state === "succeeded" && kind === "evaluate");
  await site.page.route(`**/v1/jobs/${id}`, async (route) => {
    const answer = await route.fetch();
    const job = await answer.json();
    job.result.dataset = { ...job.result.dataset, scan };
    await route.fulfill({ response: answer, json: job });
  });
  await site.visit(`#/jobs/${id}`);
  const section = site.page.getByRole("region", { name: "Dataset" });
  await section.locator(".doubts", { hasText: scan.doubts[0] }).waitFor();
  await section.locator("summary", { hasText: "60 images in 2 folders" }).click();
  for (const text of [
    "test/Hole",
    "2 files of a NAS",
    "@eaDir",
    "3 duplicate images (2 in both train and test)",
    "18 of 20",
  ])
    await section.getByText(text).first().waitFor();
  await site.page.unrouteAll({ behavior: "ignoreErrors" });
});

test("a job that fails says why", async () => {
  await fill("train", { product: "nothing", dataset: "." });
  await site.during(/422/, async () => {
    await start();
    await site.page.locator("#notice, .failure", { hasText: /./ }).first().waitFor();
  });
});

nothingWrong(site);
