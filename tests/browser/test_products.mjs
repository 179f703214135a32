// A product's first day: from an empty state to a verdict, with 30 photographs, and nothing typed but a name.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { dashboard, nothingWrong, textOf } from "./dashboard.mjs";
import { photograph, png, write } from "./photographs.mjs";

const LONG_MS = 180000; // a training on a busy machine
const folder = mkdtempSync(join(tmpdir(), "inspectd-photographs-"));
const good = write(join(folder, "good"), 0, 24, false);
const scratched = write(join(folder, "scratch"), 100, 6, true);
after(() => rmSync(folder, { recursive: true, force: true }));

const WAIT_MS = 60000;
const site = dashboard({ empty: true }, async (opened) => {
  opened.page.setDefaultTimeout(WAIT_MS); // a first day has many steps, and tests run beside it
  await opened.signIn();
});
const at = (selector, options) => site.page.locator(selector, options);
const button = (name) => site.page.getByRole("button", { name, exact: true });
const uploaded = (text) => at(".upload", { hasText: text }).waitFor();
const shown = async (count) => {
  await site.page.waitForFunction((n) => document.querySelectorAll(".grid li").length === n, count);
};
const labels = () => at(".grid .tag").allInnerTexts();
// Expected for the whole file: probes until a product is trained, a broken file, a refused training, and a version that
// is being loaded.
site.during(/\/readyz$|\/washer\/train$|\/dataset\/images\?|\/v1\/inspections\?/, () => new Promise(() => {}));

test("a first visit shows the steps, and a name makes a product", async () => {
  await site.page.goto(site.daemon.url); // without a hash, as one types it
  await at(".first-steps").waitFor();
  await at("#banner").waitFor({ state: "hidden" }); // nothing has failed
  await at("input[name=product]").fill("washer");
  await site.page.keyboard.press("Enter");
  await at(".zone.good").waitFor();
  await at("section", { hasText: "Add 20 more good pictures" }).last().waitFor();
  assert.ok(await button("Train").isDisabled());
});

test("pictures are added to a label; duplicates and unreadable files are named", async () => {
  const broken = join(folder, "broken.png");
  writeFileSync(broken, photograph(7).subarray(0, 200));
  const text = join(folder, "notes.txt");
  writeFileSync(text, "no picture");
  const input = at("input[data-class=good]").first();
  await input.setInputFiles(good);
  await uploaded("24 pictures added.");
  await input.setInputFiles([good[0], broken, text]);
  await uploaded("0 pictures added. 3 pictures not added:");
  const problems = await at(".problems li").allInnerTexts();
  assert.match(
    problems.find((line) => line.startsWith("IMG_0000.png")),
    /already there, as good\/IMG_0000\.png/,
  );
  assert.match(
    problems.find((line) => line.startsWith("notes.txt")),
    /neither a JPEG nor a PNG/,
  );
  assert.ok(problems.some((line) => line.startsWith("broken.png: ")));
  await shown(24);
});

test("a folder names the type of its defects", async () => {
  await at("input[data-class=''][webkitdirectory]").setInputFiles(join(folder, "scratch"));
  await uploaded("6 pictures added.");
  await at(".zone", { hasText: "scratch" }).waitFor();
  await shown(30);
  await site.page.waitForFunction(() =>
    [...document.querySelectorAll(".grid img")].some((image) => image.naturalWidth),
  );
  await at("select").nth(1).selectOption("scratch"); // the label's filter; the first is the page's product
  await shown(6);
  await at("select").nth(1).selectOption("");
  await shown(30);
});

test("pictures are dropped, relabelled and deleted, and each change is undone", async () => {
  const bytes = [...png(64, (x, y) => [x, y, 99])];
  await at(".zone.good").evaluate((zone, data) => {
    const transfer = new DataTransfer();
    transfer.items.add(new File([new Uint8Array(data)], "dropped.png", { type: "image/png" }));
    zone.dispatchEvent(new DragEvent("drop", { dataTransfer: transfer, bubbles: true, cancelable: true }));
  }, bytes);
  await uploaded("1 picture added.");
  await shown(31);
  const box = at(".grid li", { hasText: "dropped.png" }).locator("input");
  await box.focus();
  await site.page.keyboard.press("Space");
  await at(".selection select").selectOption("scratch");
  await button("Relabel").click();
  await at(".grid li", { hasText: "dropped.png" }).locator(".tag.anomaly", { hasText: "scratch" }).waitFor();
  assert.equal((await labels()).filter((label) => label === "scratch").length, 7);
  await box.check();
  await button("Delete").click();
  await shown(30);
  await button("Undo: delete 1 picture").click();
  await shown(31);
  await button("Undo: relabel 1 picture").click();
  await button("Empty the trash").waitFor({ state: "hidden" }); // nothing is deleted
  await at(".grid li", { hasText: "dropped.png" }).locator(".tag.good").waitFor();
  await at(".grid li", { hasText: "dropped.png" }).locator("input").check();
  await button("Delete").click();
  await shown(30);
});

test("a training ends in words, with the heat on its hardest pictures, and its version judges", async () => {
  const jobs = async (kind) => (await site.daemon.ask("GET", "/v1/jobs")).jobs.filter((job) => job.kind === kind);
  const json = { title: "Service Unavailable", detail: "come back later", code: "overloaded" };
  await site.page.route("**/washer/train", (route) => route.fulfill({ status: 503, json }), { times: 1 });
  await button("Train").click();
  await at("#notice", { hasText: "come back later" }).waitFor();
  await button("Train").click(); // the trunk of the first click is being built, or is there
  await at(".outcome .headline").waitFor({ timeout: LONG_MS });
  assert.match(await textOf(at(".outcome .headline")), /^Of 100 good parts at most \d+ would be rejected\.$/);
  const outcome = await textOf(at(".outcome"));
  assert.match(outcome, /of 24 good pictures (was|were) rejected/);
  assert.match(outcome, /Add \d+ more good pictures: then at most 5 of 100/);
  assert.equal(await at(".outcome .worst").count(), 10);
  await site.page.waitForFunction(() => document.querySelector(".outcome .worst img")?.naturalWidth > 0);
  await at(".outcome", { hasText: /is active: it judges|is not active/ }).waitFor();
  if (await button("Activate").count()) await button("Activate").click();
  await at(".outcome", { hasText: "is active: it judges the line" }).waitFor();
  assert.equal((await jobs("trunk-bank")).length, 1);
  assert.ok((await jobs("train"))[0].params.skip_unreadable);
  const { items } = await site.daemon.ask("GET", "/v1/admin/trunks");
  assert.deepEqual(
    items.map(({ origin, default: first }) => [origin, first]),
    [["bank", true]],
  );
});

test("a picture is tried by choosing it", async () => {
  await at("input[data-class=try]").setInputFiles(scratched[0]);
  await at(".tried .card .verdict").waitFor();
  const { items } = await site.daemon.ask("GET", "/v1/inspections?limit=1");
  assert.deepEqual([items[0].product, items[0].camera], ["washer", "dashboard"]);
  await site.daemon.ask("PUT", `/v1/inspections/${items[0].id}/label`, { label: "anomaly", defect: "scratch" });
  await button("Import labelled inspections").click();
  await at("#notice", { hasText: "0 pictures added from labels, 0 moved" }).waitFor(); // the set has it, by content
});

test("the list has the product, and the job form offers its pictures", async () => {
  await site.visit("#/products");
  const entry = await textOf(at(".products li", { hasText: "washer" }));
  assert.match(entry, /24 pictures of good parts, 6 of defects/);
  assert.match(entry, /is active/);
  await site.visit("#/jobs");
  await at("#job-datasets option[value=washer]").waitFor({ state: "attached" });
});

test("Models shows the trunk, offers ImageNet's, and shows what a version was trained on", async () => {
  await site.visit("#/models");
  await at(".trunks summary").click();
  await at(".trunks td", { hasText: "filter bank" }).waitFor();
  await button("Fetch ImageNet's trunk").waitFor();
  await at(".model.active summary", { hasText: "Pictures it was trained on" }).click();
  await shown(30);
});

nothingWrong(site);
