// Elements and numbers as people read them. Text is only ever set as text: a file's name is not HTML.

const SVG = "http://www.w3.org/2000/svg";

function filled(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined && value !== false) node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

export const el = (name, attributes = {}, ...children) => filled(document.createElement(name), attributes, children);

export const svg = (name, attributes = {}, ...children) =>
  filled(document.createElementNS(SVG, name), attributes, children);

export const byId = (id) => document.getElementById(id);

export function seconds(value) {
  if (value === null || value === undefined) return "unknown";
  if (value < 0.00995) return `${(value * 1e3).toFixed(1)} ms`;
  if (value < 0.9995) return `${Math.round(value * 1e3)} ms`;
  return value < 9.95 ? `${value.toFixed(1)} s` : `${Math.round(value)} s`;
}

export function percent(frac) {
  return frac < 0.0995 ? `${(frac * 100).toFixed(1)} %` : `${Math.round(frac * 100)} %`;
}

export function bytes(value) {
  if (value >= 1e6) return `${(value / 1e6).toFixed(1)} MB`;
  return value >= 1e3 ? `${Math.round(value / 1e3)} kB` : `${value} bytes`;
}

/** A list of names, each with a bar of its share 0..1 and the value in words. */
export function bars(list, rows) {
  list.replaceChildren(
    ...rows.map(({ name, share, value, tone }) =>
      el("li", { class: tone },
        el("span", { class: "name" }, name),
        el("span", { class: "value" }, value),
        el("span", { class: "track", "aria-hidden": "true" },
          svg("svg", { class: "fill", preserveAspectRatio: "none" },
            svg("rect", { width: `${(100 * Math.min(share, 1)).toFixed(2)}%`, height: "100%" }))))),
  );
}
