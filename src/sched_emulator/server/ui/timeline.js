// The timeline: what happened and what is due, as marks in lanes, and *now*, which can be dragged to the right.
import { html, useEffect, useRef, useState } from "./dom.js";
import { full, instantOf, offsetMs, part, place, relative, span, time } from "./format.js";
import { S, advance, now, set } from "./store.js";
import { T } from "./texts.js";

const LANE = 22, TOP = 26, LANES = 6, LEAST = 20e3;
export const view = { span: 6 * 3600e3, center: null, drag: null, hover: null }; // center null: follow now
const from = () => (view.center ?? now() + view.span * 0.12) - view.span / 2;
const STEPS = [1e3, 5e3, 15e3, 60e3, 300e3, 900e3, 3600e3, 3 * 3600e3, 6 * 3600e3, 86400e3, 2 * 86400e3, 7 * 86400e3, 30 * 86400e3, 91 * 86400e3, 365 * 86400e3], MONTH = 30 * 86400e3;
// Local times for the scale, read as if they were UTC: from a month up the first days of months.
function* ticks(left, span, step) {
  const first = new Date(left), months = Math.round(step / MONTH);
  for (let i = 0; ; i++) {
    const local = months ? Date.UTC(first.getUTCFullYear(), (Math.floor(first.getUTCMonth() / months) + i) * months, 1) : (Math.floor(left / step) + i) * step;
    if (local > left + span + 86400e3) return;
    yield local;
  }
}

export function zoom(factor, anchor = null) {
  const spanNow = Math.min(Math.max(view.span * factor, LEAST), 3 * 366 * 86400e3);
  if (anchor !== null && view.center !== null) { const left = from(), ratio = (anchor - left) / view.span; view.center = anchor - ratio * spanNow + spanNow / 2; }
  view.span = spanNow;
  set({});
}
export function pan(part) { view.center = from() + (0.5 + part) * view.span; set({}); }
export function follow() { view.center = null; set({}); }

// Which lane something belongs to: that of the cron, the task, the queue or the URL.
function names() {
  const byUrl = new Map(), byId = new Map(), byRun = new Map();
  for (const cron of S.crons) { byUrl.set(cron.url, cron.name); byId.set(cron.cron_id, cron.name); }
  for (const task of S.tasks) { const name = task.name ?? task.task_id; if (!byUrl.has(task.url)) byUrl.set(task.url, name); byId.set(task.task_id, name); }
  for (const run of S.runs) byRun.set(run.run_id, byId.get(run.owner_id) ?? run.owner_id);
  for (const queue of S.queues) if (queue.pushed_to && !byUrl.has(queue.pushed_to)) byUrl.set(queue.pushed_to, queue.queue);
  return { delivery: (item) => byRun.get(item.run_id) ?? byUrl.get(item.url) ?? place(item.url), due: (item) => (item.kind === "message" || item.kind === "lease" ? T.timeline.messages : null) ?? item.name ?? byId.get(item.subject) ?? byRun.get(item.subject) ?? item.subject };
}
let cached = { version: -1 };
function lanes() {
  if (cached.version === S.version) return cached;
  const name = names(), counts = new Map(), nameOf = new Map();
  const last = S.deliveries.slice(-4000);
  for (const item of last) { const lane = name.delivery(item); counts.set(lane, (counts.get(lane) ?? 0) + 1); nameOf.set(item, lane); }
  for (const item of S.due) { const lane = name.due(item); counts.set(lane, (counts.get(lane) ?? 0) + 0.5); }
  const order = [...counts.keys()].sort((a, b) => counts.get(b) - counts.get(a)), shown = order.slice(0, LANES).sort();
  const index = new Map(shown.map((lane, i) => [lane, i]));
  cached = { version: S.version, name, shown, index, more: order.length - shown.length, rows: shown.length + (order.length > shown.length ? 1 : 0) };
  return cached;
}
const laneOf = (found, lane) => found.index.get(lane) ?? found.shown.length;

function bisect(list, at) { let low = 0, high = list.length; while (low < high) { const mid = (low + high) >> 1; if (list[mid].ms < at) low = mid + 1; else high = mid; } return low; }
const RANK = { good: 1, mute: 2, wait: 3, bad: 4 };
const TONE = { delivered: "good", captured: "mute", running: "wait" };

function draw(canvas) {
  const found = lanes(), width = canvas.clientWidth, rows = found.rows, requests = TOP + rows * LANE + 8, height = requests + 16;
  const ratio = devicePixelRatio || 1;
  if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) { canvas.width = Math.round(width * ratio); canvas.height = Math.round(height * ratio); canvas.style.height = `${height}px`; }
  const css = getComputedStyle(canvas), color = (name) => css.getPropertyValue(`--${name}`).trim(), g = canvas.getContext("2d");
  g.setTransform(ratio, 0, 0, ratio, 0, 0);
  g.clearRect(0, 0, width, height);
  const left = from(), scale = width / view.span, x = (at) => (at - left) * scale, here = x(now()), zone = S.zone, marks = [];
  g.font = "11px system-ui, sans-serif"; g.textBaseline = "middle";
  g.fillStyle = color("future"); g.fillRect(Math.max(here, 0), TOP - 4, width - Math.max(here, 0), height - TOP + 4);
  // Days on which the clocks are set, then the ticks.
  if (view.span <= 400 * 86400e3 && zone !== "UTC") {
    const first = Math.floor((left + offsetMs(left, zone)) / 86400e3) * 86400e3; // local midnights, read as if they were UTC
    for (let day = first; day < first + view.span + 2 * 86400e3; day += 86400e3) {
      const begin = instantOf(day, zone), end = instantOf(day + 86400e3, zone), shift = day + 86400e3 - end - (day - begin);
      if (!shift) continue;
      const start = x(begin), wide = Math.max((end - begin) * scale, 3);
      g.fillStyle = color("shift"); g.fillRect(start, TOP - 4, wide, height - TOP + 4);
      const said = T.timeline.shift(shift / 3600e3), at = Math.max(start, 0) + 4;
      if (start + wide - at > g.measureText(said).width) { g.fillStyle = color("text"); g.textAlign = "left"; g.fillText(said, at, height - 8); }
    }
  }
  const step = STEPS.find((size) => size * scale >= 84) ?? STEPS.at(-1);
  g.textAlign = "left";
  for (const local of ticks(left + offsetMs(left, zone), view.span, step)) {
    const tick = instantOf(local, zone), at = Math.round(x(tick)) + 0.5, midnight = step < 86400e3 && local % 86400e3 === 0;
    g.strokeStyle = color(midnight ? "line-strong" : "line"); g.beginPath(); g.moveTo(at, TOP - 6); g.lineTo(at, height); g.stroke();
    g.fillStyle = color(midnight ? "text" : "muted");
    const label = step >= MONTH ? part(tick, zone, { month: "short", year: "numeric" }) : step >= 86400e3 || midnight ? part(tick, zone, { weekday: "short", day: "numeric", month: "short" }) : step < 60e3 ? time(tick, zone) : time(tick, zone).slice(0, 5);
    const ends = at + 4 + g.measureText(label).width;
    if (at > -4 && ends < width && (ends < here - 26 || at > here + 24)) g.fillText(label, at + 4, 11);
  }
  found.shown.forEach((lane, i) => { g.strokeStyle = color("line"); g.beginPath(); g.moveTo(0, TOP + (i + 1) * LANE + 0.5); g.lineTo(width, TOP + (i + 1) * LANE + 0.5); g.stroke(); });
  // What happened: one mark a pixel and lane, of the worst outcome there.
  const begin = bisect(S.deliveries, left), end = bisect(S.deliveries, left + view.span), cells = new Map();
  for (let i = begin; i < end; i++) {
    const item = S.deliveries[i], lane = laneOf(found, found.name.delivery(item)), cell = lane * 100000 + Math.round(x(item.ms) / 3) * 3, kind = TONE[item.outcome] ?? "bad", had = cells.get(cell);
    if (!had) cells.set(cell, { items: [item], kind, count: 1 });
    else { had.count++; if (had.items.length < 20) had.items.push(item); if (RANK[kind] > RANK[had.kind]) had.kind = kind; }
  }
  for (const [cell, { items, kind, count }] of cells) {
    const lane = Math.floor(cell / 100000), at = cell - lane * 100000, y = TOP + lane * LANE + LANE / 2;
    g.fillStyle = color(kind); g.strokeStyle = color(kind); g.lineWidth = 1.6;
    g.beginPath();
    if (kind === "bad") { g.moveTo(at - 4, y - 4); g.lineTo(at + 4, y + 4); g.moveTo(at + 4, y - 4); g.lineTo(at - 4, y + 4); g.lineWidth = 2.4; g.stroke(); }
    else if (kind === "mute") { g.moveTo(at, y - 5); g.lineTo(at + 5, y); g.lineTo(at, y + 5); g.lineTo(at - 5, y); g.closePath(); g.stroke(); }
    else { g.arc(at, y, 4.2, 0, 7); kind === "wait" ? g.stroke() : g.fill(); }
    g.lineWidth = 1;
    marks.push({ x: at, y, items, count });
  }
  g.strokeStyle = color("due"); g.lineWidth = 1.6;
  const drawn = new Set();
  for (const item of S.due) {
    item.ms ??= Date.parse(item.at);
    if (item.ms < left || item.ms > left + view.span) continue;
    const at = x(item.ms), lane = laneOf(found, found.name.due(item)), y = TOP + lane * LANE + LANE / 2, cell = lane * 100000 + Math.round(at / 3);
    if (!drawn.has(cell)) { drawn.add(cell); g.beginPath(); g.arc(at, y, 4.2, 0, 7); g.stroke(); }
    marks.push({ x: at, y, due: item });
  }
  for (const cron of S.crons) for (const next of cron.next.slice(1)) { // later fires than the next, which alone is on the timeline
    const at = x(Date.parse(next)), y = TOP + laneOf(found, cron.name) * LANE + LANE / 2;
    if (at < 0 || at > width) continue;
    g.globalAlpha = 0.45; g.beginPath(); g.arc(at, y, 3.2, 0, 7); g.stroke(); g.globalAlpha = 1;
    marks.push({ x: at, y, due: { at: next, kind: "cron", name: cron.name } });
  }
  g.lineWidth = 1; g.fillStyle = color("request");
  let lastX = -9;
  for (let i = bisect(S.requests, left), stop = bisect(S.requests, left + view.span); i < stop; i++) {
    const item = S.requests[i], at = Math.round(x(item.ms));
    if (at === lastX) continue;
    lastX = at; g.fillStyle = color(item.status >= 400 ? "bad" : "request"); g.fillRect(at - 1, requests - 5, 2, 12);
    marks.push({ x: at, y: requests, items: [item], count: 1 });
  }
  return { marks, here, height, left, scale, width };
}

const hint = (mark) => {
  if (mark.due) return `${T.kinds[mark.due.kind] ?? mark.due.kind} ${mark.due.name ?? mark.due.subject} · ${full(Date.parse(mark.due.at), S.zone)} · ${relative(Date.parse(mark.due.at), now())}`;
  if (mark.count > 1) return `${T.timeline.marks(mark.count)} · ${full(mark.items[0].ms, S.zone)}`;
  const item = mark.items[0];
  return item.type === "request" ? `${item.method} ${item.path} · ${item.status} · ${full(item.ms, S.zone)}` : `${item.url} · ${T.outcomes[item.outcome]}${item.status ? ` ${item.status}` : ""} · ${full(item.ms, S.zone)}`;
};

export function Timeline() {
  const canvas = useRef(null), drawn = useRef({ marks: [], here: 0 }), fingers = useRef(new Map()), [tip, setTip] = useState(null), [place_, setPlace] = useState({ here: 0, height: 120 });
  useEffect(() => {
    drawn.current = draw(canvas.current);
    const { here, height } = drawn.current;
    if (Math.abs(place_.here - here) > 0.4 || place_.height !== height) setPlace({ here, height });
  });
  useEffect(() => {
    const element = canvas.current, whole = element.parentElement, resized = new ResizeObserver(() => set({}));
    resized.observe(element);
    const wheel = (event) => {
      event.preventDefault();
      const at = drawn.current.left + (event.clientX - element.getBoundingClientRect().left) / drawn.current.scale;
      if (Math.abs(event.deltaX) > Math.abs(event.deltaY)) pan(event.deltaX / element.clientWidth);
      else zoom(Math.exp(Math.max(-60, Math.min(60, event.deltaY)) * (event.ctrlKey ? 0.02 : 0.005)), at);
    };
    whole.addEventListener("wheel", wheel, { passive: false }); // also over the handle of now
    return () => { resized.disconnect(); whole.removeEventListener("wheel", wheel); };
  }, []);
  const nearest = (event) => {
    const box = canvas.current.getBoundingClientRect(), px = event.clientX - box.left, py = event.clientY - box.top;
    let best = null, least = 12;
    for (const mark of drawn.current.marks) { const away = Math.hypot(mark.x - px, (mark.y - py) * 1.2); if (away < least) { least = away; best = mark; } }
    return best;
  };
  const point = (event) => { const best = nearest(event); setTip(best ? { x: best.x, y: best.y, text: hint(best) } : null); };
  const down = (event) => { canvas.current.setPointerCapture(event.pointerId); fingers.current.set(event.pointerId, { x: event.clientX, moved: 0 }); };
  const move = (event) => {
    const finger = fingers.current.get(event.pointerId), all = [...fingers.current.values()];
    if (!finger) { point(event); return; }
    const by = event.clientX - finger.x;
    if (all.length === 2) { const other = all.find((f) => f !== finger), was = Math.abs(finger.x - other.x), is = Math.abs(event.clientX - other.x); if (was > 8 && is > 8) zoom(was / is, drawn.current.left + ((event.clientX + other.x) / 2 - canvas.current.getBoundingClientRect().left) / drawn.current.scale); }
    else if (finger.moved + Math.abs(by) > 3) { view.center = (view.center ?? from() + view.span / 2) - by / drawn.current.scale; set({}); }
    finger.moved += Math.abs(by); finger.x = event.clientX;
  };
  const up = (event) => {
    const finger = fingers.current.get(event.pointerId);
    fingers.current.delete(event.pointerId);
    if (finger && finger.moved <= 3) pick(nearest(event));
  };
  const pick = (best) => {
    if (best?.count > 1 && best.items.at(-1).ms - best.items[0].ms > 0 && view.span > LEAST) { view.center = best.items[0].ms; zoom(0.25); }
    else if (best?.items) set({ detail: best.count > 1 ? { type: "together", items: best.items, count: best.count } : best.items[0] });
  };
  // Now, as a handle of its own.
  const grab = (event) => { event.currentTarget.setPointerCapture(event.pointerId); view.drag = { x: event.clientX, by: 0, moved: false }; view.center ??= from() + view.span / 2; setTip(null); set({}); };
  const pull = (event) => { if (view.drag) { view.drag.by = Math.max(0, event.clientX - view.drag.x); view.drag.moved ||= view.drag.by > 3; set({}); } else point(event); };
  const to = () => Math.round((now() + view.drag.by / drawn.current.scale) / 1000) * 1000;
  const drop = async (event) => { const drag = view.drag; if (!drag) return; const until = to(); view.drag = null; set({}); if (drag.by > 3) await advance({ until: new Date(until).toISOString() }); else if (!drag.moved) pick(nearest(event)); };
  const step = (event) => {
    if (event.key !== "ArrowRight" && event.key !== "ArrowUp") return;
    event.preventDefault(); event.stopPropagation(); advance({ seconds: Math.round(view.span / 20e3) || 1 });
  };
  const { shown: own, more } = lanes(), names = [...own, ...(more ? [T.timeline.others(more)] : []), T.timeline.requests];
  const by = view.drag?.by ?? 0, at = place_.here + by, outside = at < 0 || at > (drawn.current.width ?? 1e9);
  return html`<section class="timeline" aria-label=${T.timeline.title}>
    <div class="bar"><div class="spans" role="group" aria-label=${T.timeline.title}>
      ${T.timeline.spans.map(([name, seconds]) => html`<button type="button" class="small" aria-pressed=${Math.abs(view.span - seconds * 1e3) < 1} onClick=${() => { view.span = seconds * 1e3; set({}); }}>${name}</button>`)}</div>
      <button type="button" class="small" aria-pressed=${view.center === null} onClick=${follow}>${T.timeline.follow}</button>
      <ul class="legend" aria-hidden="true"><li class="good">✓ ${T.timeline.legend.delivered}</li><li class="bad">✗ ${T.timeline.legend.failed}</li><li class="mute">◇ ${T.timeline.legend.captured}</li><li class="due">○ ${T.timeline.legend.due}</li></ul></div>
    <div class="stretch"><ol class="lanes" aria-hidden="true" style=${{ paddingTop: `${TOP}px` }}>${names.map((lane) => html`<li key=${lane} title=${lane} style=${{ height: `${LANE}px`, lineHeight: `${LANE}px` }}>${lane}</li>`)}</ol><div class="canvas">
      <canvas ref=${canvas} role="img" tabindex="0" aria-label=${T.timeline.label(full(from(), S.zone), full(from() + view.span, S.zone))} onPointerDown=${down} onPointerMove=${move} onPointerUp=${up} onPointerCancel=${up} onPointerLeave=${() => setTip(null)}></canvas>
      ${!outside && html`<div class="now" role="slider" tabindex="0" aria-label=${T.timeline.drag} aria-valuenow=${Math.round(now() / 1000)} aria-valuetext=${full(now(), S.zone)}
        style=${{ left: `${at}px`, height: `${place_.height}px` }} onPointerDown=${grab} onPointerMove=${pull} onPointerUp=${drop} onPointerLeave=${() => setTip(null)} onPointerCancel=${() => { view.drag = null; set({}); }} onKeyDown=${step}>
        <span class="knob">${view.drag ? html`+${span(by / drawn.current.scale)}` : T.ago.now}</span></div>`}
      ${view.drag && by > 3 && html`<div class="ghost" style=${{ left: `${place_.here}px`, width: `${by}px`, height: `${place_.height}px` }}></div><p class="goal">${T.timeline.to(full(to(), S.zone))}</p>`}
      ${tip && html`<p class="tip" style=${{ left: `${Math.max(0, Math.min(tip.x, (drawn.current.width ?? 300) - 180))}px`, top: `${tip.y + 12}px` }}>${tip.text}</p>`}
    </div></div></section>`;
}
