// The device's battery, heat and load, and its links, as the SDK knows them.

import { byId, el, percent, seconds } from "./dom.js";

const BANDS = [[1e6, "MB/s"], [1e3, "kB/s"]];

export function showStatus(status) {
  byId("device").hidden = false;
  byId("status").replaceChildren(...rows(status).flatMap(([name, value, bad]) => el("div", {},
    el("dt", {}, name), el("dd", { class: bad ? "bad" : value === null ? "unknown" : null }, value ?? "unknown"))));
}

function rows({ policy, local, board, calibrated, device, endpoints }) {
  return [
    ["Battery", battery(device)],
    ["Heat", device.temperature_c === null ? null : `${Math.round(device.temperature_c)} °C${device.throttled ? ", throttled" : ""}`,
      device.throttled],
    ["Load of other programs", device.cpu_load_frac === null ? null : percent(device.cpu_load_frac)],
    ["Signal", device.signal_dbm === null ? null : `${Math.round(device.signal_dbm)} dBm`],
    ...endpoints.map((endpoint) => [`Link to ${endpoint.name}`, link(endpoint), !endpoint.in_service]),
    ...(endpoints.length ? [] : [["Link", "no server is configured"]]),
    ["Model", local === null ? "none here: the local path is off" : `${local.model}, ${local.runtime}, ${threads(local.threads)}`],
    ["Board", `${board}, ${calibrated ? "calibrated" : "not calibrated"}`],
    ["Policy", policy],
  ];
}

const threads = (count) => (count === 1 ? "1 thread" : `${count} threads`);

function battery({ battery_frac, on_mains }) {
  const charge = battery_frac === null ? null : percent(battery_frac);
  const supply = { true: "on mains", false: "on battery" }[on_mains] ?? null;
  return [charge, supply].filter(Boolean).join(", ") || null;
}

function link(endpoint) {
  if (!endpoint.in_service) return endpoint.unavailable ?? "out of service";
  if (!endpoint.samples) return "not measured yet";
  return `round trip about ${seconds(endpoint.rtt_s)}, about ${rate(endpoint.uplink_bytes_per_s)} up`;
}

function rate(bytes_per_s) {
  const [size, unit] = BANDS.find(([least]) => bytes_per_s >= least) ?? [1, "bytes/s"];
  return `${(bytes_per_s / size).toPrecision(2).replace(/e.*/, "")} ${unit}`;
}
