// Runs a daemon with a new state folder for the tests. Training takes a while, so prepare.mjs makes a state with two
// versions once, and each test gets a copy.
import { spawn, spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

const binary = process.env.INSPECTD;
const template = process.env.INSP_TEMPLATE;
const CHROMIUM = "/usr/bin/chromium-headless-shell"; // a third less processor time than the whole browser
const READY_MS = 60000;

export async function missing() {
  if (!binary || !existsSync(binary)) return `no daemon at INSPECTD=${binary}`;
  if (!template) return "INSP_TEMPLATE does not say where the prepared state is";
  if (!existsSync(CHROMIUM)) return `${CHROMIUM} is not installed`;
  try {
    await import("playwright-core");
    await import("axe-core");
  } catch {
    return "playwright-core and axe-core are not installed: npm ci in tests/browser";
  }
  return null;
}

const freePort = () =>
  new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });

const optionsOf = (state) => [
  "-o",
  `storage.state_dir=${state}`,
  "-o",
  `training.dataset_roots=${join(state, "datasets")}`,
];

function must(...args) {
  const done = spawnSync(binary, args, { encoding: "utf8" });
  if (done.status !== 0) throw new Error(`inspectd ${args.join(" ")}: ${done.stderr}`);
}

// A dataset, a trunk from it, and a product "carpet" with two versions, of which the second is active.
export function prepare() {
  rmSync(template, { recursive: true, force: true });
  const data = join(template, "datasets", "carpet");
  mkdirSync(join(template, "datasets"), { recursive: true });
  must("demo-data", data, "--images", "60", "--seed", "1");
  const options = optionsOf(template);
  must("trunk", "bank", "--images", data, ...options);
  // A tail alone: tests post pictures of one colour, which are unlike every good part of the set.
  const recipe = ["--recipe", "notebook", "--epochs", "4", "--activate", "always"];
  for (const seed of ["1", "2"])
    must("train", "--product", "carpet", "--data", data, "--seed", seed, ...recipe, ...options);
}

export class Daemon {
  state = mkdtempSync(join(tmpdir(), "inspectd-browser-"));

  // empty: without trunk and model; guarded: listens on all addresses, so every request needs a token; products: names in
  // addition to "carpet", with its models; settings: "section.key=value"
  constructor({ empty = false, guarded = false, products = [], settings = [] } = {}) {
    if (!empty) cpSync(template, this.state, { recursive: true });
    for (const product of products) this.#copyModels(product);
    mkdirSync(join(this.state, "datasets"), { recursive: true });
    this.options = [...optionsOf(this.state), ...settings.flatMap((setting) => ["-o", setting])];
    this.empty = empty;
    this.host = guarded ? "0.0.0.0" : "127.0.0.1";
  }

  #copyModels(product) {
    const folder = join(this.state, "models", product);
    cpSync(join(this.state, "models", "carpet"), folder, { recursive: true });
    for (const version of readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory())) {
      const path = join(folder, version.name, "manifest.json");
      writeFileSync(path, JSON.stringify({ ...JSON.parse(readFileSync(path, "utf8")), product }));
    }
  }

  // Starts the daemon and waits until it answers and until its models serve. The port stays the same after restarts.
  async start() {
    this.port ??= await freePort();
    this.url = `http://127.0.0.1:${this.port}`;
    const listen = ["-o", `server.listen=${this.host}:${this.port}`];
    this.process = spawn(binary, ["serve", ...listen, ...this.options], { stdio: ["ignore", "ignore", "pipe"] });
    this.log = "";
    this.process.stderr.on("data", (text) => {
      this.log += text;
    });
    const probe = `${this.url}/${this.empty ? "healthz" : "readyz"}`;
    for (const end = Date.now() + READY_MS; ; await new Promise((resolve) => setTimeout(resolve, 100))) {
      if (this.process.exitCode !== null || Date.now() > end) throw new Error(`the daemon is not ready: ${this.log}`);
      // A product may still be loaded while the daemon serves others.
      const text = await fetch(probe).then(
        (answer) => answer.ok && answer.text(),
        () => false,
      );
      if (text !== false && !text.includes("being loaded")) return;
    }
  }

  async stop() {
    if (!this.process || this.process.exitCode !== null) return;
    await new Promise((resolve) => {
      this.process.once("exit", resolve);
      this.process.kill("SIGTERM");
    });
  }

  image(kind) {
    const folder = join(this.state, "datasets", "carpet", "test", kind);
    return readFileSync(join(folder, readdirSync(folder).sort()[0]));
  }

  async ask(method, path, body, token = this.adminToken) {
    const answer = await fetch(`${this.url}${path}`, {
      method,
      headers: { Authorization: `Bearer ${token}` },
      body: body && JSON.stringify(body),
    });
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
    return answer.status === 204 ? null : answer.json();
  }

  // kind: a folder of the test images
  async post(kind, part, { product = "carpet", camera = "cam1" } = {}) {
    const answer = await fetch(`${this.url}/v1/inspections?product=${product}&camera=${camera}&part=${part}`, {
      method: "POST",
      headers: { "Content-Type": "image/png", Authorization: `Bearer ${this.adminToken}` },
      body: this.image(kind),
    });
    if (!answer.ok) throw new Error(`posting answered ${answer.status}`);
    return answer.json();
  }

  // The version that serves, changed as the admin may: {threshold}, {review}. Answers the version's name.
  async setModel(change, product = "carpet") {
    const { active } = await this.ask("GET", `/v1/products/${product}`);
    await this.ask("PATCH", `/v1/admin/products/${product}/models/${active}`, change);
    return active;
  }

  get adminToken() {
    return readFileSync(join(this.state, "admin.token"), "utf8").trim();
  }

  remove() {
    rmSync(this.state, { recursive: true, force: true });
  }
}

export async function launch() {
  const { chromium } = await import("playwright-core");
  const quiet = ["--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run"];
  return chromium.launch({
    executablePath: CHROMIUM,
    args: ["--no-sandbox", "--no-zygote", "--disable-gpu", ...quiet],
  });
}
