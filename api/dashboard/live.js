// Server-sent events, read with fetch because EventSource cannot send a token. Where the stream is missing or
// breaks, the newest inspections are polled until it is back.
import { getJson, request } from "./net.js";

const SILENT_MS = 25000; // the daemon writes at least every 10 s
const RETRY_MS = 1000, RETRY_MAX_MS = 5000;
const RESUME_MS = 60000; // after a longer pause the page reads its lists anew instead

export const live = new EventTarget(); // "inspection", "job", "model" with detail; "state" with "live" | "polling" | "lost"
export let state = "lost";

let lastId = null, lastHeard = 0;

function say(type, detail) {
  live.dispatchEvent(new CustomEvent(type, { detail }));
}

function setState(next) {
  if (next === state) return;
  state = next;
  say("state", next);
}

function take(block) {
  let id = null, type = "message", data = "";
  for (const line of block.split("\n")) {
    if (line.startsWith("id: ")) id = line.slice(4);
    else if (line.startsWith("event: ")) type = line.slice(7);
    else if (line.startsWith("data: ")) data += line.slice(6);
  }
  if (id) lastId = id;
  if (data) say(type, JSON.parse(data));
}

async function stream() {
  const stop = new AbortController();
  let watchdog = setTimeout(() => stop.abort(), SILENT_MS);
  try {
    const resume = lastId && Date.now() - lastHeard < RESUME_MS ? `?last_event_id=${lastId}` : "";
    const answer = await request(`/v1/events${resume}`, { signal: stop.signal, accept: "text/event-stream" });
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    setState("live");
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      clearTimeout(watchdog);
      watchdog = setTimeout(() => stop.abort(), SILENT_MS);
      lastHeard = Date.now();
      const blocks = (text + value).split("\n\n");
      text = blocks.pop();
      blocks.forEach(take);
    }
  } finally {
    clearTimeout(watchdog);
  }
}

async function poll() {
  const { items } = await getJson("/v1/inspections?limit=50");
  for (const item of items.reverse()) say("inspection", item); // listeners know an id that they have
}

export async function run() {
  for (let wait = RETRY_MS; ; wait = Math.min(2 * wait, RETRY_MAX_MS)) {
    try {
      await stream();
      wait = RETRY_MS;
    } catch { /* what is wrong is said by the state below */ }
    try {
      await poll();
      setState("polling");
      wait = RETRY_MS;
    } catch {
      setState("lost");
    }
    await new Promise((resolve) => setTimeout(resolve, wait * (0.75 + Math.random() / 2)));
  }
}
