// Fixtures of all test files: a daemon, a page, and the errors on its console.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Daemon, launch, missing } from "./drive.mjs";

const SKIPPED = 77; // ctest's SKIP_RETURN_CODE
const WAIT_MS = 15000;

const lack = await missing();
if (lack) {
  console.log(`skipped: ${lack}`);
  process.exit(SKIPPED);
}

export class Dashboard {
  #expected = null;
  wrong = []; // console errors, violations of the content security policy among them, and exceptions

  constructor(options) {
    this.daemon = new Daemon(options);
  }

  async open() {
    await this.daemon.start();
    this.browser = await launch();
    this.page = await this.newPage();
  }

  // In a separate context, like the browser of another person.
  async newPage(options = {}) {
    const context = await this.browser.newContext({ viewport: { width: 1400, height: 900 }, ...options });
    const page = await context.newPage();
    page.setDefaultTimeout(WAIT_MS);
    page.on(
      "console",
      (message) => message.type() === "error" && this.#note(`${message.text()} ${message.location().url}`),
    );
    page.on("pageerror", (error) => this.#note(error.stack || `${error.name}: ${error.message}`)); // a DOMException has no stack
    return page;
  }

  #note(text) {
    if (/net::ERR_(FAILED|ABORTED).*icon\.svg$/.test(text)) return; // the tab's icon, cut off by the next visit
    if (!this.#expected?.test(text)) this.wrong.push(text);
  }

  // Chromium writes every refused request to the console: messages that match are expected while `act` runs.
  async during(pattern, act) {
    this.#expected = pattern;
    try {
      return await act();
    } finally {
      this.#expected = null;
    }
  }

  // Loads the page again, even if only the hash differs.
  async visit(hash, page = this.page) {
    await page.goto("about:blank");
    await page.goto(`${this.daemon.url}/${hash}`);
  }

  // With the admin's token, as if it had been typed into this tab.
  async signIn(page = this.page) {
    await page.addInitScript((token) => {
      if (location.protocol === "http:") sessionStorage.setItem("token", token);
    }, this.daemon.adminToken);
  }

  async close() {
    await this.browser?.close();
    await this.daemon.stop();
    this.daemon.remove();
  }
}

// Opens the dashboard before the tests of a file and closes it after them.
export function dashboard(options = {}, prepare = async () => {}) {
  const site = new Dashboard(options);
  before(async () => {
    await site.open();
    await prepare(site);
  });
  after(() => site.close());
  return site;
}

// Belongs at the end of every file.
export const nothingWrong = (site) =>
  test("nothing was wrong on the console", () => assert.equal(site.wrong.join("\n"), ""));

export const textOf = (locator) => locator.innerText();

// Waits two frames, so that everything requested before is drawn.
export const settled = (page) =>
  page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
