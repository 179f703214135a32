// The training of a product: what it needs, its progress, and at its end how good the version is, in words.
import { doing, duration, h, notice, percent } from "./dom.js";
import { live } from "./live.js";
import { getJson, sendJson } from "./net.js";
import { advice, countClasses, missing, pictures, verdictWords } from "./product_words.js";
import { worstImage } from "./report.js";

const POLL_MS = 1500; // in addition to events
const WORST = 10;
const JOBS = 100;
const ENDED = ["succeeded", "failed", "cancelled"];

// Wrong verdicts first, then defects, which have heat, then good parts, each by falling difficulty.
const rank = ({ wrong, type }) => (wrong ? 0 : type === "good" ? 2 : 1);
const hardest = (images) => [...images].sort((a, b) => rank(a) - rank(b)).slice(0, WORST);

export const latestTraining = (jobs, product) => jobs.find((job) => job.kind === "train" && job.product === product);

export class Training {
  #job = null; // the one that is shown
  #reading = false;
  #starting = false;
  #result = "";

  // ended() is called when a training has ended.
  constructor(product, ended, signal) {
    Object.assign(this, { product, ended, signal });
    this.need = h("p", {});
    this.start = h("button", { type: "button", class: "primary", onclick: (event) => this.#click(event) }, "Train");
    this.bar = h("progress", { max: 1, "aria-label": "Training" });
    this.state = h("p", { role: "status" });
    this.running = h("div", { hidden: true }, this.state, this.bar);
    this.outcome = h("div", { class: "outcome" });
    this.element = h(
      "section",
      { "aria-label": "Training" },
      h("h3", {}, "2. Train"),
      this.need,
      h("p", { class: "buttons" }, this.start),
      this.running,
      this.outcome,
    );
    live.addEventListener("job", ({ detail }) => detail.id === this.#job?.id && this.#heard(detail), { signal });
    const timer = setInterval(() => this.#job && !ENDED.includes(this.#job.state) && this.#read(), POLL_MS);
    signal.addEventListener("abort", () => clearInterval(timer));
  }

  async open() {
    const { jobs } = await getJson(`/v1/jobs?limit=${JOBS}`, { signal: this.signal });
    const last = latestTraining(jobs, this.product);
    if (!last) return;
    this.#job = last;
    await this.#read();
  }

  // classes: {good: 24, scratch: 6}; trunks: of /v1/admin/trunks
  show(classes, trunks) {
    this.classes = classes;
    this.trunks = trunks;
    const { good, defective } = countClasses(classes);
    const lack = missing(classes);
    const trunk = trunks.find((one) => one.default);
    const first = trunk
      ? ""
      : " No trunk is installed: one is built from your good pictures first. A better one can be fetched under Models.";
    this.need.textContent = lack ?? `${pictures(good)} of good parts, ${defective} of defects.${first}`;
    this.lack = lack;
    this.#enable();
  }

  #enable() {
    this.start.disabled = this.#starting || !!this.lack || (this.#job && !ENDED.includes(this.#job.state));
  }

  async #click(event) {
    const train = doing(() => this.#start());
    this.#starting = true;
    await train(event);
    this.#starting = false;
    this.#enable(); // train() has enabled the button
  }

  // With no trunk, nor one on its way, the job that builds one goes first; jobs run in their order.
  async #start() {
    const [{ items: trunks }, { jobs }] = await Promise.all([
      getJson("/v1/admin/trunks", { asked: true }),
      getJson(`/v1/jobs?limit=${JOBS}`, { asked: true }),
    ]);
    const trunk = trunks.find((one) => one.default);
    const coming = jobs.find(({ kind, state }) => kind.startsWith("trunk-") && !ENDED.includes(state)); // the last one
    if (!trunk && !coming) await sendJson("POST", "/v1/admin/trunks/bank", { dataset: this.product });
    const fetched = coming ? coming.kind === "trunk-fetch" : trunk?.origin === "fetched";
    const input = fetched ? { input: "imagenet" } : {};
    // Pictures may be relabelled or deleted while the training reads them.
    const body = { dataset: this.product, mode: "auto", threshold: "auto", skip_unreadable: true, ...input };
    this.#job = await sendJson("POST", `/v1/admin/products/${this.product}/train`, body);
    this.#result = "";
    this.outcome.replaceChildren();
    this.#show(this.#job);
  }

  #heard(brief) {
    Object.assign(this.#job, { state: brief.state, progress: brief.progress, stage: brief.stage });
    this.#show({ ...this.#job, eta_s: brief.eta_s });
    if (ENDED.includes(brief.state)) this.#read();
  }

  async #read() {
    if (this.#reading) return;
    this.#reading = true;
    try {
      this.#job = await getJson(`/v1/jobs/${this.#job.id}`, { signal: this.signal });
      this.#show(this.#job);
      if (ENDED.includes(this.#job.state)) await this.#conclude(this.#job);
    } catch (error) {
      if (!this.signal.aborted) notice(error.message);
    } finally {
      this.#reading = false;
    }
  }

  #show(job) {
    const ended = ENDED.includes(job.state);
    this.running.hidden = ended;
    this.bar.value = job.progress;
    const left = job.eta_s ? `, about ${duration(job.eta_s)} left` : "";
    this.state.textContent =
      job.state === "queued"
        ? "Waiting: the trunk is built from your pictures first, or another job runs"
        : `Training: ${job.stage}, ${percent(job.progress, 0)}${left}`;
    this.#enable();
  }

  async #conclude(job) {
    if (this.#result === job.id) return;
    this.#result = job.id;
    if (job.state !== "succeeded") {
      const why = job.state === "failed" ? job.error?.detail : "It was cancelled.";
      this.outcome.replaceChildren(h("h3", {}, "The training did not succeed"), h("p", { class: "failure" }, why));
    } else {
      this.outcome.replaceChildren(...(await this.#verdict(job)));
    }
    this.ended(job);
  }

  async #verdict(job) {
    const { result } = job;
    const { headline, more } = verdictWords(result);
    const { items } = await getJson("/v1/products", { signal: this.signal });
    const active = items.find((item) => item.product === this.product)?.active === result.version;
    this.trunks = (await getJson("/v1/admin/trunks", { signal: this.signal })).items; // the job may have made one
    const bank = this.trunks.find((one) => one.default)?.origin === "bank";
    const worst = h("div", { class: "worst-images" });
    const shown = hardest(result.images ?? []);
    worst.append(...shown.map((image) => worstImage(image, job, true)));
    return [
      h("h3", {}, "How good it is"),
      h("p", { class: "headline" }, headline),
      more.map((text) => h("p", {}, text)),
      h("p", { class: "hint" }, "Bounds hold with 95 % confidence for pictures like these."),
      h("h4", {}, "What would help most"),
      h(
        "ol",
        {},
        advice(result, { bank }).map((text) => h("li", {}, text)),
      ),
      this.#activation(job, active),
      shown.length ? [h("h4", {}, "Where it looks: the hardest pictures"), worst] : null,
      h("p", {}, h("a", { href: `#/jobs/${job.id}` }, "The whole report")),
    ]
      .flat(2)
      .filter(Boolean);
  }

  #activation({ result }, active) {
    if (active) return h("p", { class: "said" }, `Version ${result.version} is active: it judges the line.`);
    const path = `/v1/admin/products/${this.product}/models/${result.version}/activate`;
    const act = async () => {
      await sendJson("POST", path);
      notice(`${result.version} is active.`);
      this.#result = "";
      await this.#read();
    };
    return h(
      "div",
      {},
      h("p", {}, `Version ${result.version} is not active${result.reason ? `: ${result.reason}` : ""}.`),
      h("p", { class: "buttons" }, h("button", { type: "button", class: "primary", onclick: doing(act) }, "Activate")),
    );
  }
}
