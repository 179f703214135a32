// The receivers of inspections, such as an MQTT broker: their state, what they have yet to get, and a test.
import { age, doing, h } from "./dom.js";
import { getJson, sendJson } from "./net.js";

const WORDS = { waiting: "away", connecting: "away", connected: "connected", off: "off" };
const MARKS = { waiting: "○", connecting: "○", connected: "●", off: "–" };

function row(sink, read) {
  const { name, target, state, waiting, lost, oldest, last_error: error } = sink;
  const test = doing(async () => {
    try {
      await sendJson("POST", `/v1/admin/sinks/${name}/test`);
    } finally {
      await read();
    }
  }, `${target} has the test message`);
  return h(
    "li",
    { "data-sink": name, "data-state": WORDS[state] ?? state },
    h("strong", {}, `${MARKS[state] ?? "?"} ${name} ${WORDS[state] ?? state}`),
    " ",
    h("span", { title: target }, waiting ? `${waiting} waiting` : "all delivered"),
    waiting && oldest ? [", the oldest ", age(oldest)] : [],
    lost ? `, ${lost} lost` : "",
    " ",
    h("button", { type: "button", onclick: test }, "Send a test"),
    error && state !== "connected" ? h("p", { class: "soft" }, error.detail) : [],
  );
}

export class Sinks {
  constructor() {
    this.list = h("ul", { class: "sinks" });
    this.element = h("section", { "aria-label": "Receivers", hidden: true }, h("h2", {}, "Receivers"), this.list);
  }

  // Keeps what it shows if the daemon does not answer: the top of the page shows the state of the connection.
  async read() {
    try {
      const { items } = await getJson("/v1/sinks");
      const text = JSON.stringify(items);
      if (text === this.shown) return; // a row that is drawn again would lose the focus
      this.shown = text;
      this.element.hidden = !items.length;
      this.list.replaceChildren(...items.map((sink) => row(sink, () => this.read())));
    } catch {
      // see above
    }
  }
}
