// The times of the last pictures, as a drawing, as a sentence and as a table. Remembers nothing itself.

import { el, seconds, svg } from "./dom.js";
import { options, sideName, tone, tookWords } from "./sides.js";

const DRAWN = 60;
const MARGIN = { top: 26, right: 10, bottom: 24, left: 52 };

/** One series per option: [{x, mean, p90, s, kind, answered}], x being the picture's place. */
function series(images) {
  const found = new Map();
  images.forEach((image, x) => {
    for (const { option, path, estimate, s, kind } of options(image)) {
      if (!found.has(option)) found.set(option, { option, path, points: [] });
      found.get(option).points.push({
        x, s, kind, mean: estimate?.latency_mean_s, p90: estimate?.latency_p90_s,
        answered: option === (image.endpoint ?? "local"),
      });
    }
  });
  return [...found.values()].sort((a, b) => (a.path === "local" ? -1 : 0) - (b.path === "local" ? -1 : 0));
}

export function drawChart(box, images) {
  const shown = images.slice(-DRAWN);
  const lines = series(shown);
  const [width, height] = [Math.max(box.clientWidth, 240), Math.max(box.clientHeight, 160)];
  const values = lines.flatMap(({ points }) => points.flatMap(({ s, mean, p90 }) => [s, mean, p90])).filter((v) => v > 0);
  const [low, high] = domain(values);
  const right = width - MARGIN.right, bottom = height - MARGIN.bottom;
  const step = (right - MARGIN.left) / Math.max(shown.length, 12);
  const px = (x) => MARGIN.left + (x + 0.5) * step;
  const py = (s) => bottom - (Math.log(s / low) / Math.log(high / low)) * (bottom - MARGIN.top);

  const drawn = svg("svg", { role: "img", "aria-label": `Chart. ${summary(images)}`, viewBox: `0 0 ${width} ${height}` });
  for (const tick of ticks(low, high)) {
    drawn.append(svg("line", { class: "grid", x1: MARGIN.left, x2: right, y1: py(tick), y2: py(tick) }),
      svg("text", { x: MARGIN.left - 8, y: py(tick) + 4, "text-anchor": "end" }, label(tick)));
  }
  drawn.append(svg("line", { class: "axis", x1: MARGIN.left, x2: right, y1: bottom, y2: bottom }),
    svg("text", { x: right, y: height - 6, "text-anchor": "end" }, shown.length ? "picture by picture, the newest on the right" : ""));
  for (const line of lines) drawn.append(drawSeries(line, px, py));
  drawn.append(legend(lines, width));
  box.replaceChildren(drawn);
}

function drawSeries({ option, path, points }, px, py) {
  const group = svg("g", { class: tone(option, path) });
  for (const run of runs(points.filter(({ mean }) => mean > 0))) {
    const upper = run.map(({ x, p90 }) => `${px(x).toFixed(1)},${py(p90).toFixed(1)}`);
    const lower = run.map(({ x, mean }) => `${px(x).toFixed(1)},${py(mean).toFixed(1)}`);
    group.append(svg("polygon", { class: "band", points: [...upper, ...lower.slice().reverse()].join(" ") }),
      svg("polyline", { class: "line", points: lower.join(" ") }));
  }
  for (const { x, s, kind, answered } of points) {
    if (kind === "done") group.append(mark(path, px(x), py(s), answered, `${sideName(option, path)}: ${seconds(s)}`));
    if (kind === "failed") group.append(cross(px(x), py(s), `${sideName(option, path)}: failed after ${seconds(s)}`));
  }
  return group;
}

/** Stretches of neighbouring points. */
function runs(points) {
  const found = [];
  for (const point of points) {
    const last = found.at(-1)?.at(-1);
    if (last && point.x === last.x + 1) found.at(-1).push(point);
    else found.push([point]);
  }
  return found;
}

function mark(path, x, y, answered, words) {
  const attributes = { class: answered ? "dot" : "dot open" };
  const title = svg("title", {}, words);
  if (path === "local") return svg("circle", { ...attributes, cx: x, cy: y, r: 5 }, title);
  const square = { ...attributes, x: x - 4.5, y: y - 4.5, width: 9, height: 9 };
  return svg("rect", path === "direct" ? { ...square, transform: `rotate(45 ${x} ${y})` } : square, title);
}

const cross = (x, y, words) => svg("path", {
  class: "mean", fill: "none", d: `M${x - 4} ${y - 4}l8 8m0 -8l-8 8`,
}, svg("title", {}, words));

function legend(lines, width) {
  const group = svg("g", {});
  let x = MARGIN.left;
  for (const { option, path } of lines) {
    const name = sideName(option, path);
    group.append(svg("g", { class: tone(option, path) }, mark(path, x + 6, 10, true, name)), svg("text", { x: x + 18, y: 14 }, name));
    x += 34 + 7 * name.length;
  }
  if (width > 560 && lines.some(({ points }) => points.some(({ mean }) => mean > 0))) {
    group.append(svg("text", { x: width - MARGIN.right, y: 14, "text-anchor": "end" },
      "filled: it answered · open: ran besides · line and band: predicted, mean to p90"));
  }
  return group;
}

function domain(values) {
  if (!values.length) return [0.005, 0.5];
  let [low, high] = [Math.min(...values) / 1.4, Math.max(...values) * 1.4];
  if (high / low < 8) {
    const middle = Math.sqrt(high * low);
    [low, high] = [middle / Math.sqrt(8), middle * Math.sqrt(8)];
  }
  return [low, high];
}

function ticks(low, high) {
  const steps = high / low > 200 ? [1] : [1, 2, 5];
  const found = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power += 1) {
    found.push(...steps.map((step) => step * 10 ** power).filter((tick) => tick >= low && tick <= high));
  }
  return found;
}

const label = (s) => (s < 0.9999 ? `${Number((s * 1e3).toPrecision(2))} ms` : `${Number(s.toPrecision(2))} s`);

const median = (values) => {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
};

/** The chart in a sentence or two. */
export function summary(images) {
  if (!images.length) return "Each picture will stand here with the time that each side took.";
  const parts = series(images).map(({ option, path, points }) => {
    const done = points.filter(({ kind }) => kind === "done");
    const answers = done.filter(({ answered }) => answered).length;
    if (!done.length) return `${sideName(option, path)}: never run.`;
    return `${sideName(option, path)}: median ${seconds(median(done.map(({ s }) => s)))} over ${done.length} ` +
      `${done.length === 1 ? "run" : "runs"}, ${answers} of them the answer.`;
  });
  return [`${images.length} ${images.length === 1 ? "picture" : "pictures"}.`, ...parts].join(" ");
}

/** The newest first. */
export function timesTable(images) {
  const columns = series(images);
  const head = ["Time", "Class", "Answered", ...columns.map(({ option, path }) => `${sideName(option, path)} took`)];
  return el("table", {},
    el("thead", {}, el("tr", {}, ...head.map((text) => el("th", { scope: "col" }, text)))),
    el("tbody", {}, ...images.toReversed().map((image) => {
      const mine = new Map(options(image).map((each) => [each.option, tookWords(each)]));
      return el("tr", {},
        el("th", { scope: "row" }, new Date(image.at_s * 1e3).toLocaleTimeString()),
        el("td", {}, image.labels[0]?.name ?? image.error ?? ""),
        el("td", {}, image.path ? sideName(image.endpoint, image.path) : "nobody"),
        ...columns.map(({ option }) => el("td", {}, mine.get(option) ?? "")));
    })));
}
