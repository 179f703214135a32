// Sends requests to the daemon. The token is kept in the session storage of this tab only.
import { byId } from "./dom.js";

export class Problem extends Error {
  constructor(status, body) {
    super(body?.detail ?? body?.title ?? `the daemon answered ${status}`);
    this.status = status;
    this.code = body?.code;
  }
}

let asking = null; // the dialog of all requests that wait for a token
let refused = false; // the user closed the dialog; it opens again only on a click

export const token = () => sessionStorage.getItem("token");
const headers = () => (token() ? { Authorization: `Bearer ${token()}` } : {});

export function askToken(why) {
  asking ??= new Promise((resolve) => {
    const dialog = byId("login"),
      input = byId("token");
    byId("login-why").textContent = why;
    const end = (used) => {
      input.value = "";
      dialog.close();
      asking = null;
      refused = !used;
      resolve(used);
    };
    dialog.querySelector("form").onsubmit = (event) => {
      event.preventDefault();
      const value = input.value.trim();
      if (value) sessionStorage.setItem("token", value);
      else sessionStorage.removeItem("token");
      end(true);
    };
    byId("login-cancel").onclick = () => end(false);
    dialog.oncancel = (event) => {
      event.preventDefault();
      end(false);
    };
    dialog.showModal();
  });
  return asking;
}

export const UNANSWERED_MS = 10000; // an answer that takes longer counts as missing
export const LISTING_MS = 120000; // the same, where the daemon lists a set of any size

// Fetches; gives up after `wait` milliseconds, if given.
async function fetchWithin(wait, path, options) {
  const signals = [options.signal, wait && AbortSignal.timeout(wait)].filter(Boolean);
  try {
    return await fetch(path, { ...options, signal: AbortSignal.any(signals) });
  } catch (error) {
    throw error.name === "TimeoutError" ? new Error("The daemon does not answer.") : error;
  }
}

// Sends a request. If the daemon needs a token, asks for one (once for background requests, each time after a click)
// and sends the request again. Throws Problem.
export async function request(path, options = {}) {
  const { method = "GET", body, file, type, signal, accept, wait, asked = false } = options;
  const used = token();
  const answer = await fetchWithin(wait, path, {
    method,
    signal,
    headers: {
      ...headers(),
      ...(accept && { Accept: accept }),
      ...((body || file) && { "Content-Type": type ?? "application/json" }),
    },
    body: file ?? (body && JSON.stringify(body)),
  });
  if (answer.ok) return answer;
  const problem = new Problem(answer.status, await answer.json().catch(() => null));
  if (answer.status !== 401 && answer.status !== 403) throw problem;
  if (used !== token()) return request(path, options); // the token has changed meanwhile
  if ((refused && !asked) || !(await askToken(problem.message))) throw problem;
  return request(path, options);
}

export const getJson = async (path, options) => (await request(path, { wait: UNANSWERED_MS, ...options })).json();
export const sendJson = async (method, path, body) => {
  const answer = await request(path, { method, body, asked: true });
  return answer.status === 204 ? null : answer.json();
};

// Sends a file as it is.
export const sendFile = async (path, file, type) =>
  (await request(path, { method: "POST", file, type, asked: true })).json();

// Shows a picture. An <img> cannot send a token, so with a token the picture is fetched and shown as a blob, whose URL
// is revoked once the picture is decoded. In place of a picture that retention has removed the alt text stays.
export async function showPicture(image, path) {
  if (!token()) {
    image.src = path;
    return;
  }
  try {
    const url = URL.createObjectURL(await (await request(path)).blob());
    image.onload = image.onerror = () => URL.revokeObjectURL(url);
    image.src = url;
  } catch {
    image.classList.add("missing");
  }
}

// Fetches a body of any length as a blob; calls progress(bytes) meanwhile.
export async function stream(path, { accept, progress }) {
  const answer = await request(path, { accept, asked: true });
  let count = 0;
  const counted = new TransformStream({
    transform(chunk, controller) {
      count += chunk.byteLength;
      progress(count);
      controller.enqueue(chunk);
    },
  });
  return new Response(answer.body.pipeThrough(counted), { headers: { "Content-Type": accept } }).blob();
}

// Imports a module of this folder. Chromium 150 and older keep a module that failed to come as failed for the life of the
// page, so another try needs another address; a module that came once keeps its own.
const failures = new Map();
export function fetchModule(name) {
  const failed = failures.get(name);
  return import(failed ? `./${name}?try=${failed + 1}` : `./${name}`).catch((error) => {
    failures.set(name, (failed ?? 0) + 1);
    throw error;
  });
}

export async function download(path, name) {
  save(await (await request(path, { asked: true })).blob(), name);
}

export function save(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
}

export function query(values) {
  const out = new URLSearchParams();
  for (const [name, value] of Object.entries(values))
    if (value !== "" && value !== null && value !== undefined) out.set(name, value);
  return out.toString();
}
