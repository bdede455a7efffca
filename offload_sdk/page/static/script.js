// Puts the page together: where pictures come from, where they go, and what is shown of it.

import { about, analyze, analyzeAddress, classify, Problem, state } from "./backend.js";
import { Camera } from "./camera.js";
import { showAnswer, showNoAnswer, showOptions, spoken } from "./answer.js";
import { drawChart, summary, timesTable } from "./chart.js";
import { byId, bytes } from "./dom.js";
import { showStatus } from "./status.js";

const KEPT = 100;
const LOOK_EVERY_MS = 3000;
const NARROW = matchMedia("(max-width: 54rem)"); // the answer stands below the picture

let server = null; // what about.json says
let images = []; // the last pictures' documents, the oldest first
let seen = 0; // the version up to which the device has told of its pictures
let current = null; // {blob, name}, what "again" means
let shown = null; // the document whose answer is on the page
let turn = 0; // grows with each choice of pictures: what comes later from an earlier one is not shown
let busy = false;
let gone = false; // what is complained of is that the page's server does not answer
let lastSpoken = "";
const camera = new Camera(byId("video"), () => showSource());

// --- Words -------------------------------------------------------------------------------------------------------

function complain(error, name = "") {
  if (!(error instanceof Problem)) console.error(error);
  const words = error instanceof Problem ? error.message : `This page failed: ${error.message}`;
  const text = name ? `${name}: ${words}` : words;
  const box = byId("problem");
  if (box.hidden || box.textContent !== text) box.textContent = text;
  box.hidden = false;
  gone = Boolean(error.gone);
}

function calm() {
  byId("problem").hidden = true;
  gone = false;
}

// --- Where pictures come from ------------------------------------------------------------------------------------

function showSource() {
  const live = camera.live;
  const [video, preview] = [byId("video"), byId("preview")];
  video.hidden = !live;
  preview.hidden = live || !current;
  byId("hint").hidden = live || current !== null;
  byId("stage").classList.toggle("filled", live || current !== null);
  byId("camera").textContent = live ? "Stop camera" : "Camera";
  byId("camera").setAttribute("aria-pressed", live);
  byId("go").textContent = live ? "Take and classify" : "Classify again";
  byId("go").disabled = !live && !current;
  byId("both").disabled = byId("go").disabled;
}

function look(item) {
  current = item;
  const preview = byId("preview");
  if (preview.src) URL.revokeObjectURL(preview.src);
  preview.src = URL.createObjectURL(item.blob);
  preview.alt = `The picture ${item.name}`;
  showSource();
}

byId("preview").addEventListener("error", () => {
  byId("preview").hidden = true;
  byId("hint").textContent = "This picture cannot be shown here.";
  byId("hint").hidden = false;
});
byId("preview").addEventListener("load", () => { byId("hint").textContent = "Drop pictures here, or paste one"; });

function take(files) {
  const items = [...files].map((file) => ({ blob: file, name: file.name || "the picture" }));
  if (!items.length) return complain(new Problem("That was no picture: drop or paste an image file."));
  if (camera.live) camera.stop();
  return work(items);
}

for (const id of ["file", "photo"]) {
  byId(id).addEventListener("change", ({ target }) => {
    const files = [...target.files];
    target.value = ""; // so that the same picture may be chosen again
    if (files.length) take(files);
  });
}

document.addEventListener("paste", (event) => {
  const files = event.clipboardData?.files ?? [];
  if (files.length) { event.preventDefault(); take(files); }
});

for (const kind of ["dragenter", "dragover", "dragleave", "drop"]) {
  document.addEventListener(kind, (event) => {
    event.preventDefault(); // else the browser would leave the page for the picture
    byId("stage").classList.toggle("over", kind === "dragover" || kind === "dragenter");
    if (kind === "drop") take(event.dataTransfer.files);
  });
}

byId("camera").addEventListener("click", async () => {
  calm();
  if (camera.live) camera.stop();
  else await camera.start().catch(complain);
  showSource();
});

// --- Where they go -----------------------------------------------------------------------------------------------

const chosenWay = () => document.querySelector("input[name=way]:checked").value;

async function send(item, way) {
  await begun; // a picture may be chosen before the page knows whose it is
  if (server.kind === "device" && way !== "direct") {
    if (item.blob.size > server.max_bytes) {
      throw new Problem(`It has ${bytes(item.blob.size)}, and at most ${bytes(server.max_bytes)} are taken.`);
    }
    return classify(item.blob, way);
  }
  const own = server.kind === "server";
  const url = own ? new URL(server.analyze, location.href) : analyzeAddress(byId("address").value);
  const { answer, total_s, timings } = await analyze(url, item.blob, byId("token").value.trim());
  if (!Array.isArray(answer.predictions)) throw new Problem("That server's model does not classify.");
  const option = own ? "server" : "direct";
  const at_s = Date.now() / 1e3;
  return {
    request_id: answer.request_id ?? `at ${at_s}`, // another make of server may give none
    at_s, labels: answer.predictions.map(({ label, ...rest }) => ({ name: label, ...rest })),
    path: option, endpoint: option, model: answer.model, latency_s: total_s, timings, decision: null,
    outcomes: [{ option, path: option, status: "success", latency_s: total_s, timings,
      labels: answer.predictions.map(({ label, probability, index }) => [index, label, probability]) }],
  };
}

/** Classify one after the other; a later choice takes over. */
async function work(items, way = chosenWay()) {
  turn += 1;
  const mine = turn;
  calm();
  for (const [place, item] of items.entries()) {
    if (mine !== turn) return;
    if (!camera.live) look(item);
    byId("progress").textContent = items.length > 1 ? `${place + 1} of ${items.length}` : "";
    await one(item, way, mine);
  }
}

async function one(item, way, mine) {
  busy = true;
  byId("answer").setAttribute("aria-busy", "true");
  try {
    const image = await send(item, way);
    remember([image]);
    if (mine === turn) show(image);
  } catch (error) {
    if (error.status === 401) askForToken();
    if (mine === turn) { shown = null; showNoAnswer(); complain(error, item.name); }
  } finally {
    busy = false;
    byId("answer").removeAttribute("aria-busy");
  }
}

function show(image) {
  shown = image;
  showAnswer(image);
  byId("both").hidden = byId("both").dataset.possible !== "true" || image.decision === null;
  const text = spoken(image);
  const gist = `${image.labels[0].name} ${image.path}`;
  if (!byId("repeat").checked || gist !== lastSpoken) byId("announce").textContent = text;
  lastSpoken = gist;
  if (NARROW.matches && !byId("repeat").checked) byId("answer").scrollIntoView({ block: "nearest" });
}

async function again(way = chosenWay()) {
  const mine = turn;
  try {
    if (camera.live) current = { blob: await camera.frame(), name: "The camera’s picture" };
  } catch (error) {
    return complain(error);
  }
  return current && mine === turn ? work([current], way) : undefined;
}

byId("go").addEventListener("click", () => again());
byId("both").addEventListener("click", () => again("both"));
byId("direct").addEventListener("submit", (event) => { event.preventDefault(); again(); });

let ticking = false;
async function tick() {
  ticking = byId("repeat").checked;
  if (!ticking) return;
  const began = performance.now();
  if (!document.hidden && !busy && !byId("go").disabled) await again();
  setTimeout(tick, Math.max(50, Number(byId("period").value) * 1e3 - (performance.now() - began)));
}
byId("repeat").addEventListener("change", () => { if (!ticking) tick(); });

for (const input of document.querySelectorAll("input[name=way]")) {
  input.addEventListener("change", () => { byId("direct").hidden = chosenWay() !== "direct"; });
}

function askForToken() {
  if (server?.kind !== "server") return;
  byId("direct").hidden = false;
  byId("token").focus();
}

// --- What the last pictures took ---------------------------------------------------------------------------------

function remember(changed) {
  const known = new Map(images.map((image) => [image.request_id, image]));
  for (const image of changed) {
    const old = known.get(image.request_id);
    if (!old || !(old.version > image.version)) known.set(image.request_id, { ...old, ...image });
  }
  images = [...known.values()].sort((a, b) => a.at_s - b.at_s).slice(-KEPT);
  const latest = shown && known.get(shown.request_id);
  if (latest && latest.version > shown.version) { shown = latest; showOptions(latest); }
  showTimes();
}

function showTimes() {
  drawChart(byId("chart"), images);
  byId("summary").textContent = summary(images);
  if (byId("table-details").open) byId("table").replaceChildren(timesTable(images));
}

byId("table-details").addEventListener("toggle", showTimes);
new ResizeObserver(() => drawChart(byId("chart"), images)).observe(byId("chart"));

async function watch() {
  if (!document.hidden) {
    try {
      const found = await state(seen);
      seen = found.version < seen ? 0 : found.version; // less: it has been started anew
      showStatus(found.status);
      if (found.images.length) remember(found.images);
      if (gone) calm();
    } catch (error) {
      if (!gone) complain(error);
    }
  }
  setTimeout(watch, LOOK_EVERY_MS);
}

// --- Beginning ---------------------------------------------------------------------------------------------------

function furnish() {
  const device = server.kind === "device";
  byId("served").textContent = device
    ? `Version ${server.version}, on this device. Here or in the cloud, whichever is better right now.`
    : `Version ${server.version}, the server itself.`;
  byId("direct-note").textContent = device
    ? `The picture goes as it is from this browser to the server’s /analyze, as without an SDK. The server must let this page in: --cors-origin ${location.origin}`
    : "It stays in this page’s memory only.";
  byId("ways").hidden = !device;
  if (!device) {
    byId("address-field").hidden = true;
    byId("direct").hidden = !server.guarded;
    byId("compare").hidden = byId("reason").hidden = true;
    return;
  }
  const both = server.local && server.endpoints.length > 0;
  byId("both").dataset.possible = both;
  const missing = [];
  if (!server.local) missing.push("The local path is switched off, so all runs in the cloud.");
  else if (!both) missing.push("No server is configured, so all runs here. Start with --server http://HOST:8080, or set OFFLOAD_SERVER_URL.");
  if (!server.direct) missing.push("Nothing goes straight to a server, past the hook redact.");
  byId("way-note").hidden = !missing.length;
  byId("way-note").textContent = missing.join(" ");
  for (const [value, possible] of [["local", server.local], ["remote", server.endpoints.length > 0], ["both", both], ["direct", server.direct]]) {
    document.querySelector(`input[value=${value}]`).disabled = !possible;
  }
}

async function begin() {
  try {
    server = await about();
  } catch (error) {
    complain(error);
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
    return begin();
  }
  calm();
  furnish();
  if (server.kind === "device") watch();
}

showTimes();
const begun = begin();
