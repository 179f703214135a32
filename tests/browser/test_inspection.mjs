// One inspection.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { dashboard, nothingWrong, settled } from "./dashboard.mjs";

const parts = [];
const site = dashboard({}, async ({ daemon }) => {
  for (const [kind, part] of [
    ["good", "first"],
    ["hole", "second"],
    ["stain", "third"],
  ])
    parts.push(await daemon.post(kind, part));
});
const open = async (item) => {
  await site.visit(`#/inspection/${item.id}`);
  await site.page.locator("canvas[data-ready]").waitFor();
};
const pixels = async () => {
  await settled(site.page);
  return site.page.locator(".stage canvas").evaluate((canvas) => canvas.toDataURL());
};
const set = (name, value) => site.page.locator(`input[type=range][name=${name}]`).fill(value);

test("the sliders change pixels at once, without a request", async () => {
  await open(parts[1]);
  let requests = 0;
  const count = (request) => {
    if (/heat|image/.test(request.url())) requests++;
  };
  site.page.on("request", count);
  await set("threshold", "1");
  const cold = await pixels();
  await set("threshold", "0.01");
  const hot = await pixels();
  assert.notEqual(hot, cold);
  await set("opacity", "0.2");
  assert.notEqual(await pixels(), hot);
  site.page.off("request", count);
  assert.equal(requests, 0);
});

test("overlay, heat only, raw map and image each show what they say", async () => {
  await open(parts[1]);
  await set("threshold", "1");
  const seen = {};
  for (const view of ["overlay", "threshold", "raw", "image"]) {
    await site.page.locator(`input[name=view][value=${view}]`).check();
    await settled(site.page);
    const image = await site.page.locator(".stage img").evaluate((element) => getComputedStyle(element).visibility);
    const heat = await site.page.locator(".stage canvas").evaluate((canvas) => {
      const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
      return data.filter((value, i) => i % 4 === 3 && value > 0).length / (data.length / 4);
    });
    seen[view] = { image, heat };
  }
  assert.equal(seen.raw.heat, 1);
  assert.equal(seen.image.heat, 0);
  assert.ok(seen.overlay.heat < 1);
  assert.equal(seen.threshold.heat, seen.overlay.heat);
  assert.deepEqual(
    ["overlay", "threshold", "raw", "image"].map((view) => seen[view].image),
    ["visible", "hidden", "hidden", "visible"],
  );
  await site.page.locator("input[name=view][value=overlay]").check();
});

test("the page colours the whole map as the daemon does", async () => {
  await open(parts[1]);
  await site.page.locator("input[name=view][value=raw]").check();
  await set("opacity", "1");
  await settled(site.page);
  const furthest = await site.page.evaluate(async (href) => {
    const canvas = document.querySelector(".stage canvas");
    const { width, height } = canvas;
    const raw = await createImageBitmap(await (await fetch(`${href}?view=raw&width=${width}`)).blob(), {
      colorSpaceConversion: "none",
    });
    const context = new OffscreenCanvas(width, height).getContext("2d");
    context.drawImage(raw, 0, 0);
    const theirs = context.getImageData(0, 0, width, height).data;
    const ours = canvas.getContext("2d").getImageData(0, 0, width, height).data;
    return {
      size: [raw.width, raw.height, width, height],
      off: ours.reduce((most, v, i) => Math.max(most, Math.abs(v - theirs[i])), 0),
    };
  }, parts[1].heatmap.href);
  assert.deepEqual(furthest.size.slice(0, 2), furthest.size.slice(2));
  assert.ok(furthest.off <= 3, `${furthest.off} of 255 off`); // one step of the palette, because the two round differently
  await site.page.locator("input[name=view][value=overlay]").check();
});

test("all facts are there, the model's hashes and the timings among them", async () => {
  await open(parts[1]);
  const { items } = await site.daemon.ask("GET", "/v1/products/carpet/models");
  const model = items.find(({ version }) => version === parts[1].model);
  const facts = site.page.locator("dl.details");
  for (const text of [
    parts[1].image.sha256,
    model.weights.sha256,
    model.trunk.sha256,
    parts[1].id,
    parts[1].model,
    "inference",
  ])
    await facts.getByText(text).first().waitFor();
  const boxes = await site.page.locator(".boxes span").count();
  assert.equal(boxes, parts[1].heatmap.boxes.length);
});

test("an inspection is labelled with its defect and note", async () => {
  await open(parts[1]);
  await site.page.locator("datalist#defects option[value=hole]").waitFor({ state: "attached" });
  await site.page.locator("input[name=defect]").fill("not/a name");
  await site.page.getByRole("button", { name: "Anomaly", exact: true }).click();
  assert.equal((await site.daemon.ask("GET", `/v1/inspections/${parts[1].id}`)).label, null);
  await site.page.locator("input[name=defect]").fill("hole");
  await site.page.locator("input[name=note]").fill("seen under the lamp");
  await site.page.getByRole("button", { name: "Anomaly", exact: true }).click();
  await site.page.locator(".said", { hasText: "anomaly (hole)" }).waitFor();
  const { label } = await site.daemon.ask("GET", `/v1/inspections/${parts[1].id}`);
  assert.deepEqual([label.label, label.defect, label.note], ["anomaly", "hole", "seen under the lamp"]);
  await site.page.locator("input[name=defect]").fill("dark stain"); // any name that the daemon accepts
  await site.page.getByRole("button", { name: "Anomaly", exact: true }).click();
  await site.page.locator(".said", { hasText: "anomaly (dark stain)" }).waitFor();
  await site.page.getByRole("button", { name: "Good", exact: true }).click();
  await site.page.locator(".said", { hasText: "good" }).waitFor();
});

test("arrow keys go to the neighbours, within the filter", async () => {
  await open(parts[1]);
  await site.page.locator(".neighbours button:enabled", { hasText: "Older" }).waitFor();
  await site.page.keyboard.press("ArrowRight");
  await site.page.waitForFunction((id) => location.hash.includes(id), parts[0].id);
  await site.page.locator(".neighbours button:enabled", { hasText: "Newer" }).waitFor();
  await site.page.keyboard.press("ArrowLeft");
  await site.page.waitForFunction((id) => location.hash.includes(id), parts[1].id);
  await site.visit(`#/inspection/${parts[1].id}?part=second`);
  await site.page.locator("canvas[data-ready]").waitFor();
  await site.page.locator(".neighbours[aria-busy=false]").waitFor();
  assert.equal(await site.page.locator(".neighbours button:enabled").count(), 0);
});

test("a shared link opens the same inspection in another browser", async () => {
  await open(parts[2]);
  const other = await site.newPage();
  await other.goto(site.page.url());
  await other.locator("canvas[data-ready]").waitFor();
  await other.locator("dl.details").getByText(parts[2].id).waitFor();
  await other.context().close();
});

test("image and heatmap are downloaded", async () => {
  await open(parts[1]);
  const saved = async (name) => {
    const download = site.page.waitForEvent("download");
    await site.page.getByRole("button", { name }).click();
    return readFileSync(await (await download).path());
  };
  assert.deepEqual(await saved("Download image"), site.daemon.image("hole"));
  assert.equal((await saved("Download heatmap")).subarray(1, 4).toString(), "PNG");
});

// A JPEG whose EXIF data says that it has to be turned clockwise, with a light corner that is then at the top right.
async function turnedPicture() {
  const bytes = await site.page.evaluate(async () => {
    const canvas = new OffscreenCanvas(96, 64);
    const context = canvas.getContext("2d");
    context.fillRect(0, 0, 96, 64);
    context.fillStyle = "white";
    context.fillRect(0, 0, 32, 24);
    return [...new Uint8Array(await (await canvas.convertToBlob({ type: "image/jpeg" })).arrayBuffer())];
  });
  const tiff = [0x49, 0x49, 42, 0, 8, 0, 0, 0, 1, 0, 0x12, 1, 3, 0, 1, 0, 0, 0, 6, 0, 0, 0, 0, 0, 0, 0];
  const exif = [...Buffer.from("Exif\0\0", "latin1"), ...tiff];
  return Buffer.from([...bytes.slice(0, 2), 0xff, 0xe1, 0, exif.length + 2, ...exif, ...bytes.slice(2)]);
}

test("a picture with an EXIF orientation, its thumbnail and its heat are shown the same way up", async () => {
  await site.visit("#/history");
  const answer = await fetch(`${site.daemon.url}/v1/inspections?product=carpet&part=turned`, {
    method: "POST",
    headers: { "Content-Type": "image/jpeg" },
    body: await turnedPicture(),
  });
  const item = await answer.json();
  assert.deepEqual([answer.status, item.image.width, item.image.height], [200, 64, 96]);
  await open(item);
  const shown = await site.page.evaluate(async ({ image, heatmap }) => {
    // Where the light lies, as shares of width and height.
    const light = (source, width, height) => {
      const context = new OffscreenCanvas(width, height).getContext("2d");
      context.drawImage(source, 0, 0, width, height);
      const { data } = context.getImageData(0, 0, width, height);
      let [sum, x, y] = [0, 0, 0];
      for (let i = 0; i < width * height; i++) {
        sum += data[4 * i];
        x += (data[4 * i] * (i % width)) / width;
        y += (data[4 * i] * Math.floor(i / width)) / height;
      }
      return [width, height, Math.round((10 * x) / sum), Math.round((10 * y) / sum)];
    };
    const bitmap = async (path) => createImageBitmap(await (await fetch(path)).blob());
    const base = document.querySelector(".stage img.base");
    await base.decode();
    const small = await bitmap(`${image.href}?width=32`);
    const overlay = await bitmap(`${heatmap.href}?view=overlay&threshold=1`);
    const { width, height } = document.querySelector(".stage canvas");
    return {
      page: light(base, base.naturalWidth, base.naturalHeight),
      thumbnail: light(small, small.width, small.height),
      overlay: light(overlay, overlay.width, overlay.height),
      heat: [width, height],
    };
  }, item);
  assert.deepEqual(shown, { page: [64, 96, 8, 2], thumbnail: [32, 48, 8, 2], overlay: [64, 96, 8, 2], heat: [64, 96] });
});

test("why a picture is doubtful stands with its verdict, on every view", async () => {
  const doubtful = (item) => ({ ...item, verdict: "review", suspect: true, reasons: ["black", "a_new_one"] });
  await site.page.route(/\/v1\/inspections(\/[-0-9a-f]{36}|\?.*limit=.*)$/, async (route) => {
    const answer = await route.fetch();
    const json = await answer.json();
    await route.fulfill({
      response: answer,
      json: json.items ? { ...json, items: json.items.map(doubtful) } : doubtful(json),
    });
  });
  const text = "Doubtful picture: black; a_new_one";
  for (const [hash, place] of [
    [`#/inspection/${parts[0].id}`, ".side"],
    ["#/line", ".card.large"],
    ["#/history", "tbody tr"],
  ]) {
    await site.visit(hash);
    await site.page.locator(place).first().getByText(text).waitFor();
  }
  await site.page.unrouteAll({ behavior: "ignoreErrors" });
});

test("an id that is not there says so", async () => {
  await site.during(/404/, async () => {
    await site.visit("#/inspection/01a20f9c-34e6-7000-8908-64a79671e629");
    await site.page.locator("#view .empty").filter({ hasNotText: "Loading" }).waitFor();
  });
});

nothingWrong(site);
