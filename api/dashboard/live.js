// Reads server-sent events with fetch, because EventSource cannot send a token. One loop keeps the stream open, the
// other polls the newest inspections while the stream is closed or silent.
import { getJson, request } from "./net.js";

const SILENT_MS = 15000; // by default the daemon sends a comment every 10 s (server.event_ping_s)
const RETRY_MS = 1000;
const RETRY_MAX_MS = 5000;
const POLL_MS = 2000;
const POLL_ITEMS = 50;
const RESUME_MS = 60000; // after a longer pause the page reads its lists again instead

// Events: "inspection", "job" and "model" with detail; "state" with the state; "polled" while there is no stream.
export const live = new EventTarget();
export let state = "connecting"; // "live" | "polling" | "lost"

let lastId = null;
let heardAt = -Infinity; // last byte of the stream, in performance.now()
let open = false;

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const fresh = () => open && performance.now() - heardAt < SILENT_MS;

function say(type, detail) {
  live.dispatchEvent(new CustomEvent(type, { detail }));
}

function setState(next) {
  if (next === state) return;
  state = next;
  say("state", next);
}

function take(block) {
  let id = null;
  let type = "message";
  let data = "";
  for (const line of block.split("\n")) {
    if (line.startsWith("id: ")) id = line.slice(4);
    else if (line.startsWith("event: ")) type = line.slice(7);
    else if (line.startsWith("data: ")) data += line.slice(6);
  }
  if (id) lastId = id;
  if (data) say(type, JSON.parse(data));
}

async function poll() {
  const { items } = await getJson(`/v1/inspections?limit=${POLL_ITEMS}`);
  for (const item of items.reverse()) say("inspection", item); // listeners ignore ids that they have
}

async function stream() {
  const stop = new AbortController();
  const arm = () => setTimeout(() => stop.abort(), SILENT_MS);
  let watchdog = arm();
  try {
    const resume = lastId && performance.now() - heardAt < RESUME_MS ? `?last_event_id=${lastId}` : "";
    const answer = await request(`/v1/events${resume}`, { signal: stop.signal, accept: "text/event-stream" });
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    open = true;
    heardAt = performance.now();
    if (!resume && state !== "connecting") await poll(); // inspections from the time without a stream
    setState("live");
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      clearTimeout(watchdog);
      watchdog = arm();
      heardAt = performance.now();
      const blocks = (text + value).split("\n\n");
      text = blocks.pop();
      blocks.forEach(take);
    }
  } finally {
    open = false;
    clearTimeout(watchdog);
    stop.abort();
  }
}

async function keepStream() {
  for (let wait = RETRY_MS; ; wait = Math.min(2 * wait, RETRY_MAX_MS)) {
    try {
      await stream();
      wait = RETRY_MS;
    } catch {
      // The state reports the error.
    }
    await pause(wait * (0.75 + Math.random() / 2));
  }
}

async function keepPolling() {
  for (;;) {
    await pause(POLL_MS);
    if (fresh()) continue;
    try {
      await poll();
      if (!fresh()) setState("polling");
      say("polled"); // there may be more than one poll shows
    } catch {
      setState("lost");
    }
  }
}

export function run() {
  keepStream();
  keepPolling();
}
