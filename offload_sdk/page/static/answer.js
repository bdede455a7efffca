// Shows one picture's answer: classes, who gave it and why, what was predicted and what it took. Asks for nothing.

import { bars, byId, el, percent, seconds, svg } from "./dom.js";
import { options, place, sideName, steps, tone, tookWords } from "./sides.js";

export function showAnswer(image) {
  const [best] = image.labels;
  byId("verdict").replaceChildren(best.name, " ", el("small", {}, percent(best.probability)));
  const side = tone(image.endpoint, image.path);
  bars(byId("labels"), image.labels.map((label) => ({
    name: label.name, share: label.probability, value: percent(label.probability), tone: side,
  })));
  byId("who").replaceChildren(
    el("strong", { class: side }, sentenceCase(place(image.endpoint, image.path))),
    ` in ${seconds(image.latency_s)}`, image.model ? `, by ${image.model}` : "",
  );
  byId("reason").textContent = image.decision ? `Why: ${image.decision.reason}.` : "";
  byId("notes").replaceChildren(...notes(image).map((note) => el("li", {}, note)));
  showOptions(image);
}

/** The same in one sentence, to be read out. */
export function spoken(image) {
  const [best] = image.labels;
  return `${best.name}, ${percent(best.probability)}, ${place(image.endpoint, image.path)} in ${seconds(image.latency_s)}.`;
}

function notes(image) {
  const said = [];
  if (image.fallback) said.push("The cloud was chosen and failed, so the device answered.");
  if (image.hedged) said.push("Both sides were at work; the quicker answer counted.");
  if (image.failure) said.push(image.failure);
  return said;
}

const sentenceCase = (text) => text.charAt(0).toUpperCase() + text.slice(1);

export function showOptions(image) {
  const all = options(image);
  const predicted = all.some(({ estimate }) => estimate);
  byId("options").replaceChildren(predicted ? table(all) : el("p", { class: "note" },
    "Straight to a server nothing is predicted and nothing decided: the picture goes as it is."));
  byId("difference").textContent = difference(all);
  byId("steps").replaceChildren(...all.filter(({ kind }) => kind === "done")
    .map((each) => stepBars(each, image)));
}

function table(all) {
  const energies = all.some(({ estimate }) => estimate && estimate.energy_j !== null);
  const longest_s = 1.05 * Math.max(...all.map(({ estimate, s }) =>
    Math.max(estimate?.latency_p90_s ?? 0, s ?? 0)));
  const head = ["Side", "Actual", "Predicted mean", "9 in 10 within"];
  return el("table", {},
    el("thead", {}, el("tr", {}, ...head.map((text) => el("th", { scope: "col" }, text)),
      energies ? el("th", { scope: "col", class: "extra" }, "Energy, predicted") : null,
      el("th", { scope: "col", class: "graph", "aria-hidden": "true" }, `0 to ${seconds(longest_s)}`))),
    el("tbody", {}, ...all.map((side) => el("tr", { class: tone(side.option, side.path) },
      el("th", { scope: "row" }, el("span", { class: "mark" }), sideName(side.option, side.path)),
      el("td", {}, tookWords(side)),
      el("td", {}, seconds(side.estimate?.latency_mean_s)),
      el("td", {}, seconds(side.estimate?.latency_p90_s)),
      energies ? el("td", { class: "extra" }, energy(side.estimate)) : null,
      el("td", { class: "graph", "aria-hidden": "true" }, picture(side, longest_s))))));
}

function energy(estimate) {
  if (estimate === null || estimate.energy_j === null) return "unknown";
  const mj = estimate.energy_j * 1e3;
  return `${mj < 10 ? mj.toFixed(1) : Math.round(mj)} mJ${estimate.energy_source === "metered" ? "" : ", modelled"}`;
}

/** The predicted mean as a stroke, up to its p90 as a bar, what it took as a dot. */
function picture({ estimate, s, kind }, longest_s) {
  const at = (value_s) => `${((value_s / longest_s) * 100).toFixed(2)}%`;
  const drawn = svg("svg", {}, svg("rect", { class: "track", y: "45%", width: "100%", height: "10%" }));
  if (estimate) {
    const [mean, p90] = [estimate.latency_mean_s, estimate.latency_p90_s];
    drawn.append(
      svg("rect", { class: "range", x: at(Math.min(mean, p90)), y: "20%", width: at(Math.abs(p90 - mean)), height: "60%" }),
      svg("line", { class: "mean", x1: at(mean), x2: at(mean), y1: "12%", y2: "88%" }));
  }
  if (s !== null) drawn.append(svg("circle", { class: kind === "done" ? "dot" : "dot open", cx: at(s), cy: "50%", r: "6" }));
  return drawn;
}

function stepBars({ option, path, outcome }, image) {
  const answered = option === (image.endpoint ?? "local");
  const { timings, latency_s } = answered ? image : outcome;
  const list = el("ol", { class: "bars" });
  bars(list, steps(timings).map(([name, s]) => ({
    name, share: s / latency_s, value: seconds(s), tone: tone(option, path),
  })));
  return el("div", {}, el("h3", {}, `${sideName(option, path)}: ${seconds(latency_s)}`), list);
}

function difference(all) {
  const done = all.filter(({ kind }) => kind === "done").sort((a, b) => a.s - b.s);
  if (done.length > 1) {
    const [first, second] = done;
    const names = done.map(({ outcome }) => outcome.labels[0][1]);
    const agree = names.every((name) => name === names[0])
      ? `Both say ${names[0]}.`
      : `They differ: ${done.map((d, i) => `${sideName(d.option, d.path)} says ${names[i]}`).join(", ")}.`;
    return `${sideName(first.option, first.path)} was ${seconds(second.s - first.s)} quicker. ${agree}`;
  }
  const other = all.find(({ estimate, kind }) => estimate && kind === "none");
  if (!other) return "";
  return `What would it have taken ${place(other.option, other.path)}? Predicted: ${seconds(other.estimate.latency_mean_s)}, ` +
    `nine of ten within ${seconds(other.estimate.latency_p90_s)}.`;
}

/** What is shown of a picture that got no answer. */
export function showNoAnswer() {
  byId("verdict").replaceChildren("No answer");
  for (const id of ["labels", "who", "reason", "notes", "steps", "options", "difference"]) byId(id).replaceChildren();
}
