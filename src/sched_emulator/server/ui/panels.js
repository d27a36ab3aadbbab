// What the sandbox holds: crons, tasks, runs and queues.
import { Badge, None, Rows, State, Sure, TONES, html, useEffect, useState } from "./dom.js";
import { full, line, ms, place, relative, short } from "./format.js";
import { S, ask, attempt, call, now, set } from "./store.js";
import { T } from "./texts.js";

const Head = ({ title, shown, all, children }) => html`<header><h2>${title}</h2>${all > 0 && html`<p class="count">${T.total(shown, all)}</p>`}${children}</header>`;

function Strip({ cron, at }) {
  const done = cron.last.filter((run) => run.state === "succeeded").length, judged = cron.last.filter((run) => run.state !== "skipped").length;
  return html`<div class="strip"><ol class="fires" aria-label=${T.cols.last}>${cron.last.map((run) => html`<li key=${run.run_id} class=${TONES[run.state]} title=${`${full(ms(run.scheduled_at), S.zone)} ${T.states[run.state]}${run.error ? ` ${run.error}` : ""}`}><span class="hidden">${T.states[run.state]}</span></li>`)}
    <li class="here" aria-hidden="true"></li>${cron.next.map((next) => html`<li key=${next} class="due" title=${`${full(ms(next), S.zone)} ${relative(ms(next), at)}`}><span class="hidden">${T.timeline.legend.due}</span></li>`)}</ol>
    <span class="rate">${judged ? `${Math.round((100 * done) / judged)} %` : "–"}</span></div>`;
}
export function Crons() {
  const at = now();
  return html`<section class="panel" aria-label=${T.panels.crons}><${Head} title=${T.panels.crons} shown=${S.crons.length} all=${S.totals.crons ?? 0} />
    ${S.crons.length ? html`<ul class="cards">${S.crons.map((cron) => html`<li key=${cron.cron_id} class="card"><div class="title"><h3>${cron.name}</h3>${!cron.enabled && html`<${Badge} kind="warn" text=${T.cron.paused} />`}${cron.under_way > 0 && html`<${Badge} kind="wait" text=${T.cron.under(cron.under_way)} />`}${cron.waiting > 0 && html`<${Badge} kind="wait" text=${T.cron.waiting(cron.waiting)} />`}</div>
      <p class="facts"><code>${cron.schedule ?? T.cron.once}</code> <span>${cron.timezone}</span> <span class="url">${cron.url}</span></p>
      <p class="facts">${cron.next[0] ? html`<b>${relative(ms(cron.next[0]), at)}</b> <span>${full(ms(cron.next[0]), S.zone)}</span>` : html`<span>–</span>`}</p>
      <${Strip} cron=${cron} at=${at} />
      <div class="actions">${cron.enabled ? html`<button type="button" class="small" aria-label=${`${T.cron.pause} ${cron.name}`} onClick=${() => call("cron.pause", { id: cron.cron_id })}>${T.cron.pause}</button>` : html`<button type="button" class="small" aria-label=${`${T.cron.resume} ${cron.name}`} onClick=${() => call("cron.resume", { id: cron.cron_id })}>${T.cron.resume}</button>`}
        <button type="button" class="small" aria-label=${`${T.cron.trigger} ${cron.name}`} onClick=${() => call("cron.trigger", { id: cron.cron_id })}>${T.cron.trigger}</button>
        ${cron.schedule && html`<button type="button" class="small" aria-label=${`${T.cron.preview} ${cron.name}`} onClick=${() => set({ panel: "preview", preview: { schedule: cron.schedule, timezone: cron.timezone } })}>${T.cron.preview}</button>`}</div></li>`)}</ul>` : html`<${None} text=${T.none.crons} />`}</section>`;
}

const TaskRow = (item) => html`<time class="when">${short(ms(item.run_at), S.zone)}</time><span class="sort">${relative(ms(item.run_at), now())}</span><span class="main">${item.name ?? item.task_id} <small>${place(item.url)}</small></span><span class="rest">${item.error ?? ""}</span><${State} state=${item.state} />`;
const RunRow = (item) => html`<time class="when">${short(ms(item.scheduled_at), S.zone)}</time><span class="sort">${item.kind}</span><span class="main">${item.name ?? item.owner_id} <small>${item.run_id}</small></span><span class="rest" title=${item.error ?? ""}>${item.response_status ?? line(item.error ?? "", 40)}</span><${State} state=${item.state} />`;
const openRun = (item) => { const last = S.deliveries.findLast((one) => one.run_id === item.run_id); if (last) set({ detail: last }); };
export const Tasks = () => html`<section class="panel" aria-label=${T.panels.tasks}><${Head} title=${T.panels.tasks} shown=${S.tasks.length} all=${S.totals.tasks ?? 0} /><${Rows} id="task" items=${S.tasks.toReversed()} row=${TaskRow} label=${T.panels.tasks} empty=${T.none.tasks} onOpen=${openRun} /></section>`;
export const Runs = () => html`<section class="panel" aria-label=${T.panels.runs}><${Head} title=${T.panels.runs} shown=${S.runs.length} all=${S.totals.runs ?? 0} /><${Rows} id="run" items=${S.runs.toReversed()} row=${RunRow} label=${T.panels.runs} empty=${T.none.runs} onOpen=${openRun} /></section>`;

const PLACES = ["available", "delayed", "in_flight", "dead"], TONE = { available: "good", delayed: "mute", in_flight: "wait", dead: "bad" };
function Bar({ queue }) {
  const all = PLACES.reduce((sum, key) => sum + queue[key], 0);
  return html`<div class="stack" role="img" aria-label=${PLACES.map((key) => `${queue[key]} ${T.queue[key]}`).join(", ")}>${all ? PLACES.map((key) => queue[key] > 0 && html`<span key=${key} class=${TONE[key]} style=${{ flexGrow: queue[key] }}></span>`) : html`<span class="nothing"></span>`}</div>
    <p class="facts">${PLACES.map((key) => html`<span key=${key} class="amount"><i class=${TONE[key]} aria-hidden="true"></i><b>${queue[key]}</b> ${T.queue[key]}</span>`)}${queue.next_change_at && html`<span>${T.queue.next(relative(ms(queue.next_change_at), now()))}</span>`}</p>`;
}
function Publish({ queue, onDone }) {
  const [payload, setPayload] = useState('{"order_id": "o_123"}'), [delay, setDelay] = useState(""), [wrong, setWrong] = useState("");
  const send = async (event) => {
    event.preventDefault();
    let read = null;
    try { read = JSON.parse(payload); } catch { /* said below */ }
    if (read === null || typeof read !== "object" || Array.isArray(read)) { setWrong(T.queue.bad); return; }
    setWrong("");
    if (await call("queue.publish", null, { queue, payload: read, ...(delay ? { delay_seconds: Number(delay) } : {}) })) onDone();
  };
  return html`<form class="inline" onSubmit=${send}><label class="field grow"><span>${T.queue.payload}</span><input value=${payload} aria-invalid=${!!wrong} onInput=${(event) => setPayload(event.target.value)} spellcheck=${false} /></label>
    <label class="field"><span>${T.queue.delay}</span><input type="number" min="0" value=${delay} onInput=${(event) => setDelay(event.target.value)} /></label><button type="submit" class="primary">${T.queue.publish}</button>${wrong && html`<p class="alert">${wrong}</p>`}</form>`;
}
function Messages({ queue, version }) {
  const [found, setFound] = useState(null);
  useEffect(() => { attempt(() => ask("GET", `messages?queue=${encodeURIComponent(queue)}&limit=200`)).then(setFound); }, [queue, version]);
  const at = now();
  if (!found?.items.length) return html`<${None} text=${T.none.messages} />`;
  return html`<div class="wide" tabindex="0" role="region" aria-label=${`${T.queue.peek} ${queue}`}><table class="stacked"><thead><tr><th>${T.cols.id}</th><th>${T.cols.place}</th><th>${T.cols.until}</th><th>${T.cols.attempts}</th><th>${T.cols.payload}</th></tr></thead><tbody>
    ${found.items.map((item) => html`<tr key=${item.message_id}><td class="first"><code>${item.message_id}</code></td><td data-name=${T.cols.place}><${Badge} kind=${TONE[item.place]} text=${T.queue[item.place]} /></td><td data-name=${T.cols.until}>${item.until ? relative(ms(item.until), at) : "–"}</td><td data-name=${T.cols.attempts}>${item.attempts}</td><td class="payload last">${line(item.payload, 300)}</td></tr>`)}</tbody></table>
    ${found.total > found.items.length && html`<p class="note">${T.total(found.items.length, found.total)}</p>`}</div>`;
}
function Queue({ queue }) {
  const [peek, setPeek] = useState(false), [publish, setPublish] = useState(false), [count, setCount] = useState(0), name = queue.queue;
  const after = () => setCount(count + 1), version = `${count} ${PLACES.map((key) => queue[key]).join()} ${S.clock?.now}`;
  return html`<li class=${`card ${peek ? "open" : ""}`}><div class="title"><h3>${name}</h3><${Badge} kind="mute" text=${queue.type} />${queue.dead_letter_queue && html`<span class="facts">→ ${queue.dead_letter_queue}</span>`}</div>
    ${queue.pushed_to && html`<p class="facts url">${T.queue.pushed(queue.pushed_to)}</p>`}<${Bar} queue=${queue} />
    <div class="actions"><button type="button" class="small" aria-expanded=${peek} aria-label=${`${T.queue.peek} ${name}`} onClick=${() => setPeek(!peek)}>${peek ? T.queue.hide : T.queue.peek}</button>
      <button type="button" class="small" aria-expanded=${publish} aria-label=${`${T.queue.publish} ${name}`} onClick=${() => setPublish(!publish)}>${T.queue.publish}</button>
      <button type="button" class="small" disabled=${!queue.dead} aria-label=${`${T.queue.redrive} ${name}`} onClick=${async () => { await call("queue.dlq.redrive", { queue: name }, {}); after(); }}>${T.queue.redrive}</button>
      <${Sure} label=${T.queue.purge} question=${T.queue.confirmPurge(name)} yes=${T.queue.sure} no=${T.queue.no} onYes=${async () => { await call("queue.purge", { queue: name }); after(); }} /></div>
    ${publish && html`<${Publish} queue=${name} onDone=${after} />`}${peek && html`<${Messages} queue=${name} version=${version} />`}</li>`;
}
export const Queues = () => html`<section class="panel" aria-label=${T.panels.queues}><${Head} title=${T.panels.queues} shown=${S.queues.length} all=${S.totals.queues ?? 0} />${S.queues.length ? html`<ul class="cards">${S.queues.map((queue) => html`<${Queue} key=${queue.queue} queue=${queue} />`)}</ul>` : html`<${None} text=${T.none.queues} />`}</section>`;
