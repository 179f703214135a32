// Requests to the daemon. The token, where one is needed, lives in this tab's session storage only.
import { byId } from "./dom.js";

export class Problem extends Error {
  constructor(status, body) {
    super(body?.detail ?? body?.title ?? `the daemon answered ${status}`);
    this.status = status;
    this.code = body?.code;
  }
}

let asking = null; // one dialog for all requests that wait for a token
let refused = false; // the dialog was closed: no more of it until somebody asks

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

export const UNANSWERED_MS = 10000; // an answer that takes longer does not come any more

// Gives up after `wait` milliseconds, where that is given.
async function fetchWithin(wait, path, options) {
  const signals = [options.signal, wait && AbortSignal.timeout(wait)].filter(Boolean);
  try {
    return await fetch(path, { ...options, signal: AbortSignal.any(signals) });
  } catch (error) {
    throw error.name === "TimeoutError" ? new Error("The daemon does not answer.") : error;
  }
}

// Fetches; asks for a token where the daemon wants one (once for background requests, always for a person's own
// click) and tries again with it. Throws Problem.
export async function request(path, options = {}) {
  const { method = "GET", body, signal, accept, wait, asked = false } = options;
  const used = token();
  const answer = await fetchWithin(wait, path, {
    method,
    signal,
    headers: { ...headers(), ...(accept && { Accept: accept }), ...(body && { "Content-Type": "application/json" }) },
    body: body && JSON.stringify(body),
  });
  if (answer.ok) return answer;
  const problem = new Problem(answer.status, await answer.json().catch(() => null));
  if (answer.status !== 401 && answer.status !== 403) throw problem;
  if (used !== token()) return request(path, options); // changed meanwhile
  if ((refused && !asked) || !(await askToken(problem.message))) throw problem;
  return request(path, options);
}

export const getJson = async (path, options) => (await request(path, { wait: UNANSWERED_MS, ...options })).json();
export const sendJson = async (method, path, body) => {
  const answer = await request(path, { method, body, asked: true });
  return answer.status === 204 ? null : answer.json();
};

// An <img> cannot send a token, so with one its picture is fetched and shown as a blob. The blob's URL is given
// back when the picture has been decoded. A picture that retention took stays an empty place with its alt text.
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

// A body of any length as a blob; progress(bytes) is called while it comes.
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
