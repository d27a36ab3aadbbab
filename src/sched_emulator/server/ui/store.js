// What the page knows, and how it learns it: the list of sandboxes, the stream of one of them, and what its panels show.
import { field, ms } from "./format.js";

const MOST = 120000; // facts kept here, of which the oldest go first
export const BASE = location.origin;
const saved = (name, other) => { try { return localStorage.getItem("sched-emulator." + name) ?? other; } catch { return other; } };
export const save = (name, value) => { try { localStorage.setItem("sched-emulator." + name, value); } catch { /* a page may be kept from it */ } };

export const S = {
  connection: "connecting", instance: null, sandboxes: [], sandbox: null, zone: saved("zone", "UTC"), theme: saved("theme", "auto"),
  panel: location.hash.slice(1) || "overview", clock: null, clockAt: 0, pending: false, toasts: [], detail: null, help: false,
  facts: [], deliveries: [], requests: [], bySeq: new Map(), operations: new Set(), missed: 0, due: [], crons: [], tasks: [], runs: [], queues: [],
  totals: {}, targets: [], faults: [], routes: {}, unused: [], account: null, version: 0,
};
const listeners = new Set();
let drawing = false;
export const subscribe = (listener) => { listeners.add(listener); return () => listeners.delete(listener); };
export function changed() {
  S.version++;
  if (drawing) return;
  drawing = true;
  const draw = () => { if (!drawing) return; drawing = false; listeners.forEach((listener) => listener()); };
  requestAnimationFrame(draw);
  setTimeout(draw, 250); // a hidden page draws no frames
}
export const set = (values) => { Object.assign(S, values); changed(); };

let toastId = 0;
export function toast(text, kind = "info") {
  const id = ++toastId;
  set({ toasts: [...S.toasts.slice(-2), { id, text, kind }] });
  setTimeout(() => set({ toasts: S.toasts.filter((item) => item.id !== id) }), kind === "bad" ? 9000 : 3500);
}

export async function ask(method, path, body, headers = {}, signal = undefined) {
  const named = S.sandbox ? { "X-Emulator-Sandbox": S.sandbox.id } : {};
  const response = await fetch(`${BASE}/_emulator/${path}`, {
    method, headers: { ...named, ...(body === undefined ? {} : { "Content-Type": "application/json" }), ...headers },
    body: body === undefined ? undefined : JSON.stringify(body), cache: "no-store", signal,
  });
  const answer = await response.json();
  if (!response.ok) throw Object.assign(new Error(answer.error?.message ?? response.status), { error: answer.error });
  return answer;
}
// Do something that may be refused, and say so where people look.
export async function attempt(work) {
  try { return await work(); } catch (error) { toast(error.message + (error.error?.hint && error.error.code !== "INVALID_REQUEST" ? `. ${error.error.hint}` : ""), "bad"); return null; }
}
export async function call(operation, path, body) {
  return attempt(async () => {
    const answer = await ask("POST", "call", { operation, ...(path ? { path } : {}), ...(body ? { body } : {}) });
    if (answer.status >= 400) throw new Error(answer.response.error?.message ?? `${operation}: ${answer.status}`);
    soon("crons", "tasks", "runs", "queues", "timeline");
    return answer.response;
  });
}

// The instant that it is: a clock that runs goes on between two events.
export function now() {
  const clock = S.clock;
  if (!clock) return 0;
  const base = ms(clock.now);
  if (clock.mode !== "wall" || clock.advancing) return base;
  return base + (performance.now() - S.clockAt) * clock.speed;
}
function setClock(clock) { S.clock = clock; S.clockAt = performance.now(); }

export async function advance(how) {
  if (S.pending) return;
  set({ pending: true });
  const done = await attempt(() => ask("POST", "clock/advance", how));
  set({ pending: false });
  if (done) setClock({ ...S.clock, now: done.now, advancing: undefined });
  soon("timeline", "crons", "tasks", "runs", "queues", "targets", "unused");
  return done;
}
export const putClock = async (how) => { const clock = await attempt(() => ask("PUT", "clock", how)); if (clock) { setClock(clock); changed(); } };

// Lists are asked for again a moment after something happened. The clock is not: an answer could come after news of it.
const LISTS = {
  timeline: ["timeline?limit=300", (a) => { S.due = a.items; }], crons: ["crons?limit=500", (a) => { S.crons = a.items; S.totals.crons = a.total; }],
  tasks: ["tasks?limit=500", (a) => { S.tasks = a.items; S.totals.tasks = a.total; }], runs: ["runs?limit=500", (a) => { S.runs = a.items; S.totals.runs = a.total; }],
  queues: ["queues?limit=500", (a) => { S.queues = a.items; S.totals.queues = a.total; }], targets: ["targets", (a) => { S.targets = a.items; }],
  faults: ["faults", (a) => { S.faults = a.items; }], routes: ["routes", (a) => { S.routes = a; }], unused: ["unused", (a) => { S.unused = a.items; }],
  account: ["account", (a) => { S.account = a; }],
};
const EVERYTHING = Object.keys(LISTS);
let wanted = new Set(), timer = null, asking = false;
export function soon(...names) {
  names.forEach((name) => wanted.add(name));
  if (!timer && !asking) timer = setTimeout(refresh, 120);
}
async function refresh() {
  const names = [...wanted], box = S.sandbox;
  wanted = new Set(); timer = null; asking = true;
  try {
    const answers = await Promise.all(names.map((name) => ask("GET", LISTS[name][0], undefined, { "Content-Type": "application/json" })));
    if (S.sandbox === box) { names.forEach((name, index) => LISTS[name][1](answers[index])); changed(); }
  } catch { /* the stream says what is wrong */ }
  asking = false;
  if (wanted.size) timer = setTimeout(refresh, 120);
}

function forgetFacts() {
  Object.assign(S, { facts: [], deliveries: [], requests: [], bySeq: new Map(), operations: new Set(), missed: 0, detail: null });
}
function keep(list, item) {
  list.push(item);
  if (list.length > MOST * 1.1) { for (const old of list.splice(0, list.length - MOST)) S.bySeq.delete(old.seq); }
}
const tell = {
  sandbox(data) {
    if (data.change === "replaced") forgetFacts();
    S.sandbox = Object.assign(S.sandbox, { ...data, change: undefined });
    soon(...EVERYTHING);
  },
  clock(data) { setClock(data); soon("timeline"); },
  missed(data) { S.missed += data.count; },
  request(data) {
    if (S.bySeq.has(data.seq)) return;
    data.type = "request"; data.ms = ms(data.at); S.bySeq.set(data.seq, data); keep(S.requests, data); keep(S.facts, data);
    const sort = data.operation ?? "";
    if (sort) S.operations.add(sort);
    if (data.method !== "GET" || sort.includes("queue")) soon("timeline", ...(sort.includes("cron") ? ["crons", "runs"] : sort.includes("task") ? ["tasks", "runs"] : ["queues"]));
    soon("faults", "unused", "account");
  },
  delivery(data) {
    data.type = "delivery"; data.ms = ms(data.at);
    const known = S.bySeq.get(data.seq);
    if (known) Object.assign(known, data);
    else { S.bySeq.set(data.seq, data); keep(S.deliveries, data); keep(S.facts, data); }
    soon("timeline", "targets", "unused", "runs", ...(data.kind === "cron" ? ["crons"] : data.kind === "push" ? ["queues"] : data.kind === "task" ? ["tasks"] : []));
  },
};

let stop = null;
const sleep = (length) => new Promise((done) => setTimeout(done, length));
// The events of a sandbox after a fact, as they come: first none, then those of each piece.
async function* events(id, last, signal) {
  const response = await fetch(`${BASE}/_emulator/events`, { headers: { "X-Emulator-Sandbox": id, "Last-Event-ID": String(last) }, signal, cache: "no-store" });
  if (!response.ok) throw new Error(response.status);
  yield [];
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    text += value;
    const blocks = text.split("\n\n");
    text = blocks.pop();
    yield blocks.map((block) => ({ data: /^data: (.*)$/m.exec(block)?.[1], name: /^event: (.*)$/m.exec(block)?.[1], id: Number(/^id: (.*)$/m.exec(block)?.[1]) })).filter((event) => event.data);
  }
}
// The body of a delivery to the byte, from the text of its event: the same value can be written in several ways.
export async function sentBody(item) {
  const controller = new AbortController();
  try {
    for await (const piece of events(S.sandbox.id, item.seq - 1, controller.signal)) {
      const told = piece.find((event) => event.name === "delivery" && event.id === item.seq);
      if (told) return field(told.data, "body");
      if (piece.some((event) => event.id > item.seq)) break; // it is no longer kept there
    }
  } finally { controller.abort(); }
  return JSON.stringify(item.body);
}
async function listen(box, signal) {
  const pieces = events(box.id, box.last ?? 0, signal);
  await pieces.next();
  const running = S.deliveries.filter((item) => item.outcome === "running");
  if (running.length) ask("GET", `deliveries?since=${running[0].seq - 1}`, undefined).then((a) => { a.items.filter((i) => S.bySeq.has(i.seq)).forEach(tell.delivery); changed(); }, () => {});
  set({ connection: "live" });
  for await (const piece of pieces) {
    for (const { data, name, id } of piece) {
      const told = JSON.parse(data);
      if (name === "sandbox" && told.change === "forgotten") { box.gone = true; continue; }
      tell[name]?.(told);
      box.last = id;
    }
    changed();
  }
}
async function follow(box) {
  const controller = new AbortController();
  stop?.abort(); stop = controller;
  while (!controller.signal.aborted) {
    try { await listen(box, controller.signal); } catch { /* told below */ }
    if (controller.signal.aborted) return;
    if (box.gone) { choose(null); return; }
    set({ connection: "lost" });
    await sleep(500);
    const health = await reach();
    if (!health) continue;
    if (health.instance !== S.instance) { S.instance = health.instance; await again(box.key); return; }
  }
}
const reach = async () => { try { return await (await fetch(`${BASE}/_emulator/health`, { cache: "no-store" })).json(); } catch { return null; } };
async function again(key) { // another emulator at the same address: what it knows is all new
  choose(null);
  await look();
  const same = S.sandboxes.find((item) => item.key === key);
  if (same) choose(same);
}

export function choose(box) {
  forgetFacts();
  stop?.abort();
  Object.assign(S, { clock: null, due: [], crons: [], tasks: [], runs: [], queues: [], targets: [], faults: [], routes: {}, unused: [], account: null, totals: {} });
  set({ sandbox: box ? { ...box, last: 0 } : null, connection: box ? "connecting" : "wait" });
  if (box) { save("key", box.key); follow(S.sandbox); }
}
export async function look() {
  try {
    const health = await reach();
    if (!health) throw new Error();
    S.instance ??= health.instance;
    const { items } = await (await fetch(`${BASE}/_emulator/sandboxes`, { cache: "no-store" })).json();
    S.sandboxes = items;
    if (!S.sandbox && items.length) choose(items.find((item) => item.key === saved("key")) ?? items.findLast((item) => item.requests) ?? items.at(-1));
    else if (!S.sandbox) S.connection = "wait";
  } catch { if (!S.sandbox) S.connection = "lost"; }
  changed();
}
export async function start() {
  await look();
  for (;;) { await sleep(S.sandbox ? 3000 : 700); await look(); }
}
