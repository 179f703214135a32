// Jobs (training, cross-validation, evaluation): starts, watches and cancels them, shows their reports.
import { age, h, notice, percent, scrolledTable } from "./dom.js";
import { JobDetail } from "./job_detail.js";
import { jobForm } from "./job_form.js";
import { live } from "./live.js";
import { getJson } from "./net.js";

const POLL_MS = 3000; // in addition to events, which are missing while polling
const COLUMNS = ["Job", "Product", "State", "Created"];

function row(job, open) {
  const cells = [
    h("a", { href: `#/jobs/${job.id}` }, job.kind),
    job.product ?? "–",
    h(
      "span",
      { class: `state ${job.state}` },
      job.state,
      job.state === "running" ? ` ${percent(job.progress, 0)}` : "",
    ),
    age(job.created_at),
  ];
  return h(
    "tr",
    { "aria-current": job.id === open ? "true" : null },
    cells.map((cell) => h("td", {}, cell)),
  );
}

class Jobs {
  #detail = null;
  #reading = false;
  #again = false;
  #shown = "";
  stop = new AbortController();

  constructor(view, { id, product }) {
    this.id = id;
    this.list = h("tbody", {});
    this.place = h("div", {});
    const table = scrolledTable("Jobs, newest first", COLUMNS, this.list);
    this.empty = h("p", { class: "empty", hidden: true }, "No job yet.");
    const form = jobForm(product || "", (job) => {
      notice(`${job.kind} of ${job.product} is ${job.state}.`);
      location.hash = `#/jobs/${job.id}`;
    });
    const start = h("details", { class: "start", open: !id }, h("summary", {}, h("h2", {}, "Start a job")), form);
    view.append(
      start,
      h("div", { class: "split" }, h("section", { "aria-label": "Jobs" }, table, this.empty), this.place),
    );
    if (!product) suggestProduct(form, this.stop.signal);
  }

  run() {
    const { signal } = this.stop;
    const heard = ({ detail }) => {
      if (detail.id === this.id) this.#detail?.show(detail);
      this.read();
    };
    live.addEventListener("job", heard, { signal });
    const timer = setInterval(() => document.hidden || this.read(), POLL_MS);
    signal.addEventListener("abort", () => clearInterval(timer));
    this.read();
  }

  // Reads one at a time; a call during a read starts another one afterwards.
  async read() {
    this.#again = true;
    if (this.#reading) return;
    this.#reading = true;
    const { signal } = this.stop;
    try {
      while (this.#again && !signal.aborted) {
        this.#again = false;
        const one = this.id ? getJson(`/v1/jobs/${this.id}`, { signal }) : null;
        const [{ jobs }, job] = await Promise.all([getJson("/v1/jobs?limit=50", { signal }), one]);
        this.#show(jobs, job);
      }
    } catch (error) {
      if (!signal.aborted) notice(error.message);
    } finally {
      this.#reading = false;
    }
  }

  #show(jobs, job) {
    const text = JSON.stringify(jobs);
    if (text !== this.#shown) this.list.replaceChildren(...jobs.map((each) => row(each, this.id))); // unchanged rows stay, so that nothing moves under the pointer
    this.#shown = text;
    this.empty.hidden = jobs.length > 0;
    if (!job) return;
    if (this.#detail) return this.#detail.show(job);
    this.#detail = new JobDetail(job, () => this.read());
    this.place.replaceChildren(this.#detail.element);
  }
}

// Fills in the product if there is only one.
async function suggestProduct(form, signal) {
  try {
    const { items } = await getJson("/v1/products", { signal });
    const { product, dataset } = form.elements;
    if (items.length !== 1 || product.value) return;
    product.value = items[0].product;
    dataset.value ||= items[0].product;
    product.dispatchEvent(new Event("change"));
  } catch {
    // The fields stay empty.
  }
}

export function open(view, at) {
  const jobs = new Jobs(view, at);
  jobs.run();
  return () => jobs.stop.abort();
}
