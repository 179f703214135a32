// The receivers of inspections, such as an MQTT broker: their state, what they have yet to get, and a test. The sources
// of images, such as a watched folder: their state and what waits in them.
import { age, doing, h } from "./dom.js";
import { getJson, sendJson } from "./net.js";

const WORDS = {
  waiting: "away",
  connecting: "away",
  connected: "connected",
  off: "off",
};
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

// A PLC asks for results by itself: there is no test to send.
function modbusRow({ target, listening, clients, stations, errors, last_error: error }) {
  const state = listening ? (clients ? "connected" : "away") : "off";
  const dead = stations.filter((station) => !station.plc_alive).map(({ camera }) => camera);
  const faults = stations.filter(({ fault }) => fault).map(({ camera, error: code }) => `${camera} (error ${code})`);
  return h(
    "li",
    { "data-sink": "modbus", "data-state": state },
    h("strong", {}, `${clients ? "●" : "○"} modbus ${state}`),
    " ",
    h(
      "span",
      { title: target },
      `${clients} connected, ${stations.length - dead.length} of ${stations.length} PLCs alive`,
    ),
    dead.length ? h("p", { class: "soft" }, `No heartbeat: ${dead.join(", ")}`) : [],
    faults.length ? h("p", { class: "soft" }, `Fault: ${faults.join(", ")}`) : [],
    error && errors && !clients ? h("p", { class: "soft" }, error.detail) : [],
  );
}

function sourceRow({ name, pattern, state, waiting, failed, last_error: error }) {
  const here = state === "watching";
  return h(
    "li",
    { "data-source": name, "data-state": state },
    h("strong", {}, `${here ? "●" : "○"} ${name} ${state}`),
    " ",
    h("span", { title: pattern }, waiting ? `${waiting} waiting` : "nothing waits"),
    failed ? `, ${failed} failed` : "",
    error && !here ? h("p", { class: "soft" }, error.detail) : [],
  );
}

const CAMERA_MARKS = {
  connected: "●",
  connecting: "○",
  silent: "○",
  away: "○",
};

function cameraRow({ name, product, state, detail, frames, refused }) {
  return h(
    "li",
    { "data-camera": name, "data-state": state },
    h("strong", {}, `${CAMERA_MARKS[state] ?? "?"} camera ${name} ${state}`),
    " ",
    h("span", { title: product }, `${frames} frames`),
    refused ? `, ${refused} refused` : "",
    detail && state !== "connected" ? h("p", { class: "soft" }, detail) : [],
  );
}

export class Sinks {
  constructor() {
    this.list = h("ul", { class: "sinks" });
    this.element = h("section", { "aria-label": "Connections", hidden: true }, h("h2", {}, "Connections"), this.list);
  }

  // Keeps what it shows if the daemon does not answer: the top of the page shows the state of the connection.
  async read() {
    try {
      const paths = ["/v1/sinks", "/v1/sources", "/v1/cameras"];
      const [sinks, sources, cameras] = await Promise.all(paths.map((path) => getJson(path)));
      const text = JSON.stringify([sinks, sources, cameras]);
      if (text === this.shown) return; // a row that is drawn again would lose the focus
      this.shown = text;
      this.element.hidden = !sinks.items.length && !sources.items.length && !cameras.items.length;
      this.list.replaceChildren(
        ...cameras.items.map(cameraRow),
        ...sources.items.map(sourceRow),
        ...sinks.items.map((sink) => (sink.stations ? modbusRow(sink) : row(sink, () => this.read()))),
      );
    } catch {
      // see above
    }
  }
}
