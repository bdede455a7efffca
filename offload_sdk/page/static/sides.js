// The two sides and their endpoints: what they are called, in which tone they are drawn, what became of them.

import { seconds } from "./dom.js";

const STEPS = {
  open: "reading", decide: "deciding", hedge: "head start", failed: "failed attempt", wait: "waiting",
  decode: "decoding", preprocess: "scaling", infer: "inference", encode: "coding", connect: "connecting",
  network: "network", queue: "queue there", server: "at the server",
};
const LEAST_S = 0.00005;

/** The steps that took any time: [name, seconds], what was on the way to the server before what was there. */
export function steps(timings) {
  return Object.entries(timings).filter(([, s]) => s >= LEAST_S)
    .sort(([a], [b]) => (a === "server") - (b === "server"))
    .map(([step, s]) => [STEPS[step] ?? step, s]);
}

const remotes = [];

/** The class that gives an option its colour and shape; endpoints in the order in which they are met. */
export function tone(option, path) {
  if (path === "local" || path === "direct") return path;
  if (!remotes.includes(option)) remotes.push(option);
  const place = remotes.indexOf(option) % 3;
  return place ? `remote remote-${place + 1}` : "remote";
}

export function sideName(option, path) {
  if (path === "local") return "Device";
  if (path === "direct") return "Server, directly";
  if (path === "server") return "Server";
  return option === "remote" ? "Cloud" : `Cloud: ${option}`;
}

/** "on the device", for the middle of a sentence. */
export function place(option, path) {
  if (path === "local") return "on the device";
  if (path === "direct") return "by the server, directly";
  if (path === "server") return "at this server";
  return option === "remote" || option === null ? "in the cloud" : `in the cloud (${option})`;
}

/** Every option of a picture with its prediction and its outcome, whichever of them there is. */
export function options(image) {
  const { predicted = {}, chosen, second } = image.decision ?? {};
  const found = new Map();
  for (const [option, estimate] of Object.entries(predicted)) {
    const started = image.hedged && (option === chosen || option === second);
    found.set(option, { option, path: estimate.path, estimate, outcome: null, ...took(null, started) });
  }
  for (const outcome of image.outcomes) {
    const known = found.get(outcome.option) ?? { option: outcome.option, path: outcome.path, estimate: null };
    found.set(outcome.option, { ...known, outcome, ...took(outcome) });
  }
  return [...found.values()];
}

/** What an option took: {s, kind}; longer: it was overtaken after s; running: it was, and has not ended yet. */
function took(outcome, started = false) {
  if (outcome === null) return { s: null, kind: started ? "running" : "none" };
  if (outcome.labels.length) return { s: outcome.latency_s, kind: "done" };
  if (outcome.status === "failed") return { s: outcome.latency_s, kind: "failed" };
  return outcome.censored ? { s: outcome.latency_s, kind: "longer" } : { s: null, kind: "none" };
}

export function tookWords({ s, kind }) {
  return {
    done: seconds(s), failed: `failed after ${seconds(s)}`, longer: `over ${seconds(s)}`,
    running: "still at work", none: "not run",
  }[kind];
}
