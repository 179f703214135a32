// A daemon on a state folder of its own and a page in Debian's Chromium, for the tests.
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

const binary = process.env.INSPECTD;
const CHROMIUM = "/usr/bin/chromium";

export async function missing() {
  if (!binary || !existsSync(binary)) return `no daemon at INSPECTD=${binary}`;
  if (!existsSync(CHROMIUM)) return `${CHROMIUM} is not installed`;
  try {
    await import("playwright-core");
    await import("axe-core");
  } catch {
    return "playwright-core and axe-core are not installed: npm ci in tests/browser";
  }
  return null;
}

const freePort = () => new Promise((resolve) => {
  const server = createServer().listen(0, "127.0.0.1", () => {
    const { port } = server.address();
    server.close(() => resolve(port));
  });
});

function must(...args) {
  const done = spawnSync(binary, args, { encoding: "utf8" });
  if (done.status !== 0) throw new Error(`inspectd ${args.join(" ")}: ${done.stderr}`);
}

export class Daemon {
  state = mkdtempSync(join(tmpdir(), "inspectd-browser-"));

  // Made once: a dataset, a trunk from it and a trained model.
  async prepare() {
    const data = join(this.state, "datasets", "carpet");
    mkdirSync(join(this.state, "datasets"));
    must("demo-data", data, "--images", "60", "--seed", "1");
    this.options = ["-o", `storage.state_dir=${this.state}`, "-o", `training.dataset_roots=${join(this.state, "datasets")}`];
    must("trunk", "bank", "--images", data, ...this.options);
    must("train", "--product", "carpet", "--data", data, ...this.options);
    this.port = await freePort();
    this.url = `http://127.0.0.1:${this.port}`;
    const folder = (kind) => join(data, "test", kind);
    this.images = { good: join(folder("good"), readdirSync(folder("good"))[0]), hole: join(folder("hole"), readdirSync(folder("hole"))[0]) };
  }

  async start() {
    this.process = spawn(binary, ["serve", "-o", `server.listen=127.0.0.1:${this.port}`, ...this.options], { stdio: ["ignore", "ignore", "pipe"] });
    this.log = "";
    this.process.stderr.on("data", (text) => { this.log += text; });
    for (const end = Date.now() + 60000; ; await new Promise((resolve) => setTimeout(resolve, 100))) {
      if (this.process.exitCode !== null || Date.now() > end) throw new Error(`the daemon did not get ready: ${this.log}`);
      if (await fetch(`${this.url}/readyz`).then((answer) => answer.ok, () => false)) return;
    }
  }

  stop() {
    return new Promise((resolve) => { this.process.once("exit", resolve); this.process.kill("SIGTERM"); });
  }

  async post(kind, part) {
    const answer = await fetch(`${this.url}/v1/inspections?product=carpet&camera=cam1&part=${part}`, { method: "POST", headers: { "Content-Type": "image/png" }, body: readFileSync(this.images[kind]) });
    if (!answer.ok) throw new Error(`posting answered ${answer.status}`);
    return answer.json();
  }

  get adminToken() { return readFileSync(join(this.state, "admin.token"), "utf8").trim(); }
  remove() { rmSync(this.state, { recursive: true, force: true }); }
}

export async function launch() {
  const { chromium } = await import("playwright-core");
  return chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"] });
}
