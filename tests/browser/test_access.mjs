// Access tokens, the policy of the page and how it is served.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { dashboard, nothingWrong } from "./dashboard.mjs";

const PAGE_BYTES_MAX = 120000; // over the wire, all that the line view loads of the page itself
const FIRST_MS_MAX = 3000;
const site = dashboard({ guarded: true }, async ({ daemon }) => {
  for (let i = 0; i < 4; i++) await daemon.post("good", `part${i}`);
});

function tokenOf(role) {
  const args = ["token", "add", `test-${role}`, role, ...site.daemon.options];
  const { stdout, status, stderr } = spawnSync(process.env.INSPECTD, args, { encoding: "utf8" });
  assert.equal(status, 0, stderr);
  return stdout.trim().split(/\s+/).at(-1);
}

const give = async (token) => {
  await site.page.locator("#login[open]").waitFor();
  await site.page.locator("#token").fill(token);
  await site.page.keyboard.press("Enter");
};

test("without a token the page asks for one, once, and says why a wrong one does not do", async () => {
  await site.during(/401|403/, async () => {
    await site.visit("#/line");
    await give("wrong");
    await site.page.locator("#login[open]").waitFor();
    assert.match(await site.page.locator("#login-why").innerText(), /token/);
    await site.page.getByRole("button", { name: "Cancel" }).click();
    await site.page.locator("#login").waitFor({ state: "hidden" });
    assert.equal(await site.page.locator(".card").count(), 0);
    await site.page.goto("about:blank"); // it would go on asking
  });
});

test("a viewer's token shows pictures, live, and may not label", async () => {
  const token = tokenOf("viewer");
  await site.daemon.stop();
  await site.daemon.start();
  await site.during(/401/, async () => {
    await site.visit("#/line");
    await give(token);
    await site.page.locator(".card.large").waitFor();
  });
  await site.page.locator("#connection[data-state=live]").waitFor();
  // With a token pictures are fetched and shown as blobs.
  await site.page.waitForFunction(() => {
    const image = document.querySelector(".card.large img");
    return image?.src.startsWith("blob:") && image.naturalWidth > 0;
  });
  const id = await site.page.locator(".card.large").getAttribute("data-id");
  await site.visit(`#/inspection/${id}`);
  await site.page.locator("canvas[data-ready]").waitFor();
  await site.during(/403/, async () => {
    await site.page.getByRole("button", { name: "Good", exact: true }).click();
    await site.page.locator("#login[open]").waitFor();
    await site.page.locator("#login-cancel").click();
    await site.page.locator("#notice").waitFor();
  });
});

test("the export works with a token, too", async () => {
  await site.visit("#/history");
  const download = site.page.waitForEvent("download");
  await site.page.getByRole("button", { name: "Export JSON lines" }).click();
  assert.equal(
    readFileSync(await (await download).path(), "utf8")
      .trim()
      .split("\n").length,
    4,
  );
});

test("the files are packed, have an ETag that answers 304, and a strict policy", async () => {
  await site.visit("#/line");
  await site.page.locator("figure.chart canvas").first().waitFor();
  const entries = await site.page.evaluate(() =>
    performance.getEntriesByType("resource").map(({ name }) => new URL(name).pathname),
  );
  const files = ["/", ...new Set(entries.filter((path) => path.startsWith("/dashboard/")))];
  assert.ok(files.includes("/dashboard/uPlot.esm.js"));
  for (const path of files) {
    const answer = await fetch(site.daemon.url + path, { headers: { "Accept-Encoding": "gzip" } });
    await answer.arrayBuffer();
    const { headers } = answer;
    assert.equal(headers.get("content-encoding"), "gzip", path);
    const again = await fetch(site.daemon.url + path, {
      headers: { "Accept-Encoding": "gzip", "If-None-Match": headers.get("etag") },
    });
    assert.equal(again.status, 304, path);
    const policy = headers.get("content-security-policy");
    assert.match(policy, /default-src 'none'/);
    assert.doesNotMatch(policy, /unsafe|https?:|\*/, path);
  }
});

test("the page is light, and the first inspection is there soon", async () => {
  const page = await site.newPage();
  await site.signIn(page);
  const session = await page.context().newCDPSession(page);
  await session.send("Network.enable");
  const paths = new Map();
  let bytes = 0;
  session.on("Network.responseReceived", ({ requestId, response }) =>
    paths.set(requestId, new URL(response.url).pathname),
  );
  session.on("Network.loadingFinished", ({ requestId, encodedDataLength }) => {
    if (/^\/($|dashboard\/)/.test(paths.get(requestId) ?? "")) bytes += encodedDataLength;
  });
  const begin = performance.now();
  await site.visit("#/line", page);
  await page.locator(".card.large").waitFor();
  const first = performance.now() - begin;
  await page.locator("figure.chart canvas").first().waitFor();
  console.log(`page weight ${bytes} bytes over the wire, first inspection after ${Math.round(first)} ms`);
  assert.ok(bytes > 0 && bytes <= PAGE_BYTES_MAX, `${bytes} bytes`);
  assert.ok(first <= FIRST_MS_MAX, `${first} ms`);
  await page.context().close();
});

test("nothing is fetched from anywhere else", async () => {
  const page = await site.newPage();
  const elsewhere = [];
  page.on("request", (request) => {
    const url = request.url();
    if (!url.startsWith(site.daemon.url) && !url.startsWith("blob:") && !url.startsWith("data:")) elsewhere.push(url);
  });
  await site.signIn(page);
  await site.visit("#/line", page);
  for (const [name, sign] of [
    ["Line", ".card.large"],
    ["History", "table .thumb"],
    ["Jobs", ".job-form"],
    ["Models", ".model"],
  ]) {
    await page.getByRole("link", { name, exact: true }).click();
    await page.locator(sign).first().waitFor();
  }
  assert.deepEqual(elsewhere, []);
  await page.context().close();
});

nothingWrong(site);
