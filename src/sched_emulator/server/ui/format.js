// Instants, durations and other values as people read them.
import { LOCALE, T } from "./texts.js";

const formatters = new Map();
const formatter = (zone, options) => {
  const key = zone + JSON.stringify(options);
  if (!formatters.has(key)) formatters.set(key, new Intl.DateTimeFormat(LOCALE, { timeZone: zone, hourCycle: "h23", ...options }));
  return formatters.get(key);
};
export const ms = (text) => Date.parse(text);
export const time = (at, zone) => formatter(zone, { hour: "2-digit", minute: "2-digit", second: "2-digit" }).format(at);
export const date = (at, zone) => formatter(zone, { weekday: "short", day: "numeric", month: "short", year: "numeric" }).format(at);
export const short = (at, zone) => `${formatter(zone, { day: "numeric", month: "short" }).format(at)} ${time(at, zone)}`;
export const full = (at, zone) => `${date(at, zone)} ${time(at, zone)}`;
export const part = (at, zone, options) => formatter(zone, options).format(at);
export const fraction = (at) => { const rest = ((at % 1000) + 1000) % 1000; return rest ? "." + String(Math.floor(rest)).padStart(3, "0") : ""; };

const offsets = new Map();
export function offsetMs(at, zone) {
  if (zone === "UTC") return 0;
  const hour = Math.floor(at / 900000), key = zone + hour;
  if (!offsets.has(key)) {
    if (offsets.size > 20000) offsets.clear();
    const parts = Object.fromEntries(formatter(zone, { year: "numeric", month: "numeric", day: "numeric", hour: "numeric", minute: "numeric" }).formatToParts(hour * 900000).map((p) => [p.type, +p.value]));
    offsets.set(key, Date.UTC(parts.year, parts.month - 1, parts.day, parts.hour, parts.minute) - hour * 900000);
  }
  return offsets.get(key);
}
// The instant at which a local time, read as if it were UTC, comes in a zone.
export const instantOf = (local, zone) => { const near = local - offsetMs(local, zone); return local - offsetMs(near, zone); };
export const zoneName = (at, zone) => {
  const minutes = Math.round(offsetMs(at, zone) / 60000), sign = minutes < 0 ? "−" : "+";
  return zone === "UTC" ? "UTC" : `UTC${sign}${Math.floor(Math.abs(minutes) / 60)}${minutes % 60 ? ":" + String(Math.abs(minutes) % 60).padStart(2, "0") : ""}`;
};

export function span(length) {
  const all = [];
  let rest = Math.abs(length);
  for (const [name, size] of T.units) {
    const count = Math.floor(rest / size);
    if (count && (name !== "ms" || !all.length)) { all.push(`${count} ${name}`); rest -= count * size; }
    if (all.length === 2) break;
    if (all.length && !count) break;
  }
  return all.join(" ") || `0 s`;
}
export const relative = (at, now) => (Math.abs(at - now) < 1 ? T.ago.now : at > now ? T.ago.in(span(at - now)) : T.ago.past(span(now - at)));
export const json = (value) => (typeof value === "string" ? value : JSON.stringify(value, null, 2));
// The text of one field of a JSON object, to the byte.
export function field(text, name) {
  const word = /"[^"\\]*(?:\\.[^"\\]*)*"|[{}[\],:]|[^{}[\],:"]+/g;
  let depth = 0, before = "", begin = -1;
  for (let found; (found = word.exec(text)); before = found[0]) {
    const token = found[0];
    if (token === "{" || token === "[") depth++;
    else if (token === "}" || token === "]") depth--;
    if (begin >= 0 && (depth === 0 || (depth === 1 && token === ","))) return text.slice(begin, found.index);
    if (depth === 1 && token === ":" && before === JSON.stringify(name)) begin = word.lastIndex;
  }
}
export const line = (value, most = 160) => { const text = typeof value === "string" ? value : JSON.stringify(value) ?? ""; return text.length > most ? text.slice(0, most) + "…" : text; };
export const place = (url) => { try { const u = new URL(url); return (u.pathname === "/" ? u.host : u.pathname) + u.search; } catch { return url; } };
const dollars = new Intl.NumberFormat(LOCALE, { style: "currency", currency: "USD", currencyDisplay: "narrowSymbol", maximumFractionDigits: 9 });
export const usd = (amount) => dollars.format(amount);
export const quoted = (text) => `'${String(text).replaceAll("'", `'\\''`)}'`;
