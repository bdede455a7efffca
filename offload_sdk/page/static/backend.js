// What this page asks of the server that serves it, and of one whose address was typed in. Draws nothing.

const PATIENCE_MS = 60000;

/** Something went wrong that the user is told in these words. */
export class Problem extends Error {}

async function ask(url, options = {}) {
  return fetch(url, { cache: "no-store", signal: AbortSignal.timeout(PATIENCE_MS), ...options });
}

/** The body of an answer, or a Problem in the server's own words. */
async function content(response) {
  let document = null;
  try {
    document = JSON.parse(await response.text());
  } catch (error) {
    if (error.name === "TimeoutError") throw new Problem("The answer did not come to its end within a minute.");
  }
  if (response.ok && document !== null) return document;
  const told = document?.error?.message ?? document?.error;
  if (typeof told === "string") throw Object.assign(new Problem(sentence(told)), { status: response.status });
  throw new Problem(`The server answered with status ${response.status}, and not in a way that this page knows.`);
}

function sentence(text) {
  const start = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(start) ? start : `${start}.`;
}

async function ofOwn(path, options) {
  let response;
  try {
    response = await ask(path, options);
  } catch (error) {
    if (error.name === "TimeoutError") throw new Problem("No answer came within a minute.");
    throw Object.assign(new Problem(
      "The server of this page does not answer. Is it still running, and this device in its network?"), { gone: true });
  }
  if (response.status === 401 && !response.headers.get("content-type")?.startsWith("application/json")) {
    throw new Problem("This page is no longer let in: open the address that was printed when it last started.");
  }
  return content(response);
}

export const about = () => ofOwn("about.json");

export const state = (since) => ofOwn(`api/state?since=${since}`);

/** Classify through the SDK of the device that serves this page. */
export const classify = (blob, way) =>
  ofOwn(`api/classify?way=${way}`, {
    method: "POST",
    headers: { "Content-Type": "application/octet-stream" },
    body: blob,
  });

/** The address to post to, from what was typed. */
export function analyzeAddress(typed) {
  const text = typed.trim();
  let url;
  try {
    url = new URL(/^[a-z]+:\/\//i.test(text) ? text : `http://${text}`);
  } catch {
    url = null;
  }
  if (!text || url === null || !/^https?:$/.test(url.protocol) || !url.hostname) {
    throw new Problem("Enter the server’s address, as http://10.0.0.5:8080.");
  }
  if (url.username || url.password) throw new Problem("The address must hold no password; there is a field for the token.");
  if (location.protocol === "https:" && url.protocol === "http:" && !isLoopback(url.hostname)) {
    throw new Problem("This page came by https, so the browser lets it reach no server by plain http: use https there too.");
  }
  url.search = url.hash = "";
  url.pathname = `${url.pathname.replace(/\/(analyze\/?)?$/, "")}/analyze`;
  return url;
}

const isLoopback = (name) => name === "localhost" || name === "[::1]" || /^127\./.test(name);

/** Post a picture to a server's /analyze as the browser has it; the times are this page's and the server's own. */
export async function analyze(url, blob, token) {
  const form = new FormData();
  form.append("image", blob, "picture");
  const headers = token ? { Authorization: `Bearer ${token}` } : {};
  const began = performance.now();
  let response;
  try {
    response = await ask(url, { method: "POST", body: form, headers, credentials: "omit" });
  } catch (error) {
    throw await explained(error, url);
  }
  const answer = await content(response);
  const total_s = (performance.now() - began) / 1e3;
  const steps = serverTiming(response.headers.get("Server-Timing"));
  const told_s = Object.values(steps).reduce((sum, value) => sum + value, 0);
  return { answer, total_s, timings: { network: Math.max(total_s - told_s, 0), ...steps } };
}

function serverTiming(header) {
  const steps = {};
  for (const [, name, ms] of (header ?? "").matchAll(/([\w-]+)\s*;\s*dur=([\d.]+)/g)) steps[name] = Number(ms) / 1e3;
  return steps;
}

/** A browser tells a script neither that it was refused nor why; a blind request shows whether anybody is there. */
async function explained(error, url) {
  if (error.name === "TimeoutError") return new Problem(`${url.origin} did not answer within a minute.`);
  if (url.origin === location.origin) return new Problem("The server does not answer. Is it still running?");
  try {
    await fetch(new URL("/", url), { mode: "no-cors", cache: "no-store", credentials: "omit", signal: AbortSignal.timeout(5000) });
  } catch {
    return new Problem(`No server answers at ${url.origin}. Check the address, and that it can be reached from here.`);
  }
  return new Problem(
    `${url.origin} is there, but does not let this page read its answers. ` +
    `Start it with --cors-origin ${location.origin} (or OFFLOAD_SERVER_CORS_ORIGINS=${location.origin}).`,
  );
}
