// What happened: the feed, deliveries and requests, each of any length; and one of them whole.
import { Badge, Copy, None, Outcome, Rows, html, tone, useEffect, useMemo, useRef, useState } from "./dom.js";
import { full, json, line, place, quoted, relative, short, span } from "./format.js";
import { BASE, S, ask, now, set } from "./store.js";
import { T } from "./texts.js";
import { what } from "./clock.js";
import { Signature } from "./signature.js";

const open = (detail) => set({ detail });
const name = (operation) => operation?.replace("scheduling.", "") ?? "";
const When = ({ at }) => html`<time class="when" title=${full(at, S.zone)}>${short(at, S.zone)}</time>`;

const named = (item) => S.crons.find((cron) => cron.url === item.url)?.name;
const told = (item) => (item.body === undefined ? "" : line(item.body, 120));
function FactRow(item) {
  if (item.type === "request") return html`<${When} at=${item.ms} /><span class="sort">${item.method}</span><span class="main">${name(item.operation) || item.path} <small>${(item.told ??= told(item))}</small></span><span class="rest">${item.ignored?.length ? html`<${Badge} kind="warn" text=${`${item.ignored.length} ignored`} />` : ""}</span><${Badge} kind=${tone(item.status)} text=${item.status} />`;
  return html`<${When} at=${item.ms} /><span class="sort">${item.kind}</span><span class="main" title=${item.url}>${named(item) ? html`${named(item)} <small>${item.url}</small>` : item.url}</span><span class="rest">${item.attempt > 1 ? `#${item.attempt}` : ""}</span><${Outcome} item=${item} />`;
}

export function Overview() {
  const at = now();
  return html`<div class="two"><section aria-label=${T.happened}><h2>${T.happened}</h2>${S.missed > 0 && html`<p class="note">${T.missed(S.missed)}</p>`}
    <${Rows} id="fact" items=${S.facts} row=${FactRow} label=${T.happened} empty=${T.none.happened} onOpen=${open} /></section>
    <section aria-label=${T.comes}><h2>${T.comes}</h2>${S.due.length ? html`<ol class="coming">${S.due.slice(0, 40).map((item, i) => html`<li key=${i}><b>${relative(Date.parse(item.at), at)}</b><span>${what(item)}</span><time>${short(Date.parse(item.at), S.zone)}</time></li>`)}</ol>${S.due.length > 40 && html`<p class="note">${T.more(S.due.length - 40)}</p>`}` : html`<${None} text=${T.none.comes} />`}</section></div>`;
}

function useFilter(list, text, fits) {
  const wanted = text.trim().toLowerCase();
  const known = useRef({}), last = known.current;
  if (!wanted && !fits) return list;
  if (last.list !== list || last.first !== list[0] || last.wanted !== wanted || last.fits !== fits) Object.assign(last, { list, first: list[0], wanted, fits, from: 0, kept: 0, found: [] });
  last.found.length = last.kept; // what was under way is looked at again, and what is new
  let running = false;
  for (let i = last.from; i < list.length; i++) {
    const item = list[i];
    if (!running) { running = item.outcome === "running"; last.from = running ? i : i + 1; last.kept = last.found.length; }
    if ((!fits || fits(item)) && (!wanted || searched(item).includes(wanted))) { last.found.push(item); if (!running) last.kept++; }
  }
  return last.found;
}
const searched = (item) => (item.searched ??= `${item.url ?? ""} ${item.operation ?? ""} ${item.path ?? ""} ${item.method ?? ""} ${item.status ?? ""} ${item.error ?? ""} ${line(item.body, 600)}`.toLowerCase());
// What a list is searched for is made ready bit by bit once it is looked at: at the first letter it would take too long.
function useReady(list) {
  const at = useRef(0);
  useEffect(() => {
    let timer = 0;
    const some = () => { const until = performance.now() + 12; while (at.current < list.length && performance.now() < until) searched(list[at.current++]); if (at.current < list.length) timer = setTimeout(some, 4); };
    some();
    return () => clearTimeout(timer);
  }, [list.length]);
}
const OK = { delivery: (item) => item.outcome === "delivered" || item.outcome === "captured", request: (item) => item.status < 400 };
const BAD = { delivery: (item) => !OK.delivery(item) && item.outcome !== "running", request: (item) => item.status >= 400 };

function Filters({ text, setText, sort, setSort, children }) {
  return html`<div class="filters" role="search"><input type="search" aria-label=${T.filter.text} placeholder=${T.filter.text} value=${text} onInput=${(event) => setText(event.target.value)} />
    <span class="group" role="group" aria-label=${T.filter.status}>${[["", T.filter.all], ["ok", T.filter.ok], ["bad", T.filter.bad]].map(([value, label]) => html`<button type="button" class="small" aria-pressed=${sort === value} onClick=${() => setSort(value)}>${label}</button>`)}</span>${children}</div>`;
}
export function Journal({ type }) {
  const list = type === "request" ? S.requests : S.deliveries, [text, setText] = useState(""), [sort, setSort] = useState(""), [operation, setOperation] = useState("");
  const fits = useMemo(() => { const status = sort && (sort === "ok" ? OK : BAD)[type]; return status || operation ? (item) => (!status || status(item)) && (!operation || item.operation === operation) : null; }, [sort, operation, type]);
  useReady(list);
  const shown = useFilter(list, text, fits), operations = [...S.operations].sort();
  const title = type === "request" ? T.panels.requests : T.panels.deliveries;
  return html`<section class="panel" aria-label=${title}><header><h2>${title}</h2><p class="count" role="status">${T.total(shown.length, list.length)}</p></header>
    <${Filters} ...${{ text, setText, sort, setSort }}>${type === "request" && html`<select aria-label=${T.cols.operation} value=${operation} onChange=${(event) => setOperation(event.target.value)}><option value="">${T.cols.operation}: ${T.filter.all}</option>${operations.map((item) => html`<option key=${item} value=${item}>${name(item)}</option>`)}</select>`}<//>
    <${Rows} id=${type} items=${shown} row=${FactRow} label=${title} onOpen=${open} empty=${list.length ? T.none.filtered : type === "request" ? T.none.requests : T.none.deliveries} /></section>`;
}

const Table = ({ of }) => { const entries = Object.entries(of ?? {}); return entries.length > 0 && html`<dl class="pairs">${entries.map(([key, value]) => html`<dt key=${key}>${key}</dt><dd>${value}</dd>`)}</dl>`; };
const empty = (value) => value === undefined || value === null || value === "";
const Block = ({ value }) => (empty(value) ? html`<p class="none">${T.detail.nothing}</p>` : html`<pre tabindex="0">${json(value)}</pre>`);
function curl(item) {
  if (item.type === "request") return `curl -X ${item.method} ${quoted(BASE + item.path)} -H 'Authorization: Bearer ${S.sandbox?.key ?? "ifr_local"}'${item.body === undefined ? "" : ` -H 'Content-Type: application/json' -d ${quoted(JSON.stringify(item.body))}`}`;
  const headers = Object.entries(item.headers).map(([key, value]) => ` -H ${quoted(`${key}: ${value}`)}`).join("");
  return `curl -X POST ${quoted(item.routed_to ?? item.url)}${headers} -d ${quoted(typeof item.body === "string" ? item.body : JSON.stringify(item.body))}`;
}

function Delivery({ item }) {
  const attempts = S.deliveries.filter((other) => (item.run_id ? other.run_id === item.run_id && other.kind === item.kind : item.message_id && other.message_id === item.message_id));
  return html`<p class="lead"><${Outcome} item=${item} /> <span class="url">${item.url}</span></p>
    <p class="note">${full(item.ms, S.zone)} · ${T.cols.attempt} ${item.attempt}${item.duration_seconds !== undefined ? ` · ${item.duration_seconds ? span(item.duration_seconds * 1000) : "0 s"}` : ""}${item.run_id ? ` · ${item.run_id}` : ""}${item.message_id ? ` · ${item.message_id}` : ""}</p>
    ${item.error && html`<p class="alert">${item.error}</p>`}${item.routed_to && html`<p>${T.detail.routed}: ${item.routed_to}</p>`}${item.note && html`<p>${T.detail.note}: ${item.note}</p>`}
    <p><${Copy} text=${curl(item)} label=${T.detail.copy} /></p>
    <h3>${T.detail.request}</h3><${Table} of=${item.headers} /><${Block} value=${item.body} />
    <h3>${T.detail.answer}</h3>${item.status && html`<p><b>${item.status}</b></p>`}<${Table} of=${item.response_headers} /><${Block} value=${item.response_body} />
    <h3>${T.signature.title}</h3><${Signature} item=${item} />
    ${attempts.length > 1 && html`<h3>${T.detail.attempts}</h3><ol class="attempts">${attempts.map((other) => html`<li key=${other.seq}><button type="button" class="link" aria-current=${other === item} onClick=${() => open(other)}>${short(other.ms, S.zone)} #${other.attempt}</button> <${Outcome} item=${other} /></li>`)}</ol>`}`;
}
// The open questions that a request met, as the emulator finds them by replaying the session up to it.
function Met({ seq }) {
  const [found, setFound] = useState(null);
  useEffect(() => {
    const leaving = new AbortController();
    setFound(null);
    ask("GET", `assumptions/asked?seq=${seq}`, undefined, {}, leaving.signal).then(setFound, (error) => leaving.signal.aborted || setFound({ error: error.message }));
    return () => leaving.abort();
  }, [seq]);
  const asked = found?.items?.filter((one) => one.kind !== "shape"), shapes = found?.items?.filter((one) => one.kind === "shape");
  const list = (items) => html`<ul class="plain">${items.map((one) => html`<li key=${one.id}><code>${one.id}</code> <${Badge} kind="wait" text=${one.answer} /> <span>${one.question}</span></li>`)}</ul>`;
  return html`<h3>${T.met.title}</h3>${!found ? html`<p class="none" role="status">${T.met.finding}</p>` : found.error || !found.complete ? html`<p class="none">${found.error ?? T.met.unknown}</p>`
    : html`${asked.length ? list(asked) : html`<p class="none">${T.met.none}</p>`}${shapes.length > 0 && html`<h4>${T.met.shapes}</h4>${list(shapes)}`}`}`;
}
function Request({ item }) {
  return html`<p class="lead"><${Badge} kind=${tone(item.status)} text=${item.status} /> <span class="url">${item.method} ${item.path}</span></p>
    <p class="note">${full(item.ms, S.zone)} · ${name(item.operation)} · seq ${item.seq}</p>
    ${item.ignored?.length > 0 && html`<p class="alert">${T.detail.ignored}: ${item.ignored.map((field) => html`<mark>${field}</mark> `)}</p>`}
    ${item.replayed_from && html`<p>${T.detail.replayed(item.replayed_from)}</p>`}${item.note && html`<p>${T.detail.note}: ${item.note}</p>`}
    <p><${Copy} text=${curl(item)} label=${T.detail.copy} /></p>
    <h3>${T.detail.body}</h3><${Block} value=${item.body} /><h3>${T.detail.answer}</h3><${Block} value=${item.response} />
    <${Met} seq=${item.seq} />`;
}

// What one mark of the timeline stands for when it is more than one, at the same instant or too near to be told apart.
function Together({ item: { items, count } }) {
  return html`<p class="note">${full(items[0].ms, S.zone)}</p><ol class="attempts">${items.map((one) => html`<li key=${one.seq}><button type="button" class="link" onClick=${() => open(one)}>${one.kind} · ${named(one) ?? place(one.url)}${one.attempt > 1 ? ` #${one.attempt}` : ""}</button> <${Outcome} item=${one} /></li>`)}</ol>
    ${count > items.length && html`<p class="note">${T.more(count - items.length)}</p>`}`;
}

const KINDS = { request: [Request, () => T.detail.request], delivery: [Delivery, (item) => `${item.kind} · ${place(item.url)}`], together: [Together, (item) => T.timeline.marks(item.count)] };
export function Detail() {
  const box = useRef(null), item = S.detail;
  useEffect(() => { if (!item) return undefined; const before = document.activeElement; box.current?.focus(); return () => before?.focus?.({ preventScroll: true }); }, [!item]);
  if (!item) return null;
  const [Kind, titled] = KINDS[item.type], title = titled(item);
  return html`<aside class="detail" role="dialog" aria-label=${title} tabindex="-1" ref=${box}><header><h2>${title}</h2><button type="button" class="icon" aria-label=${T.close} onClick=${() => set({ detail: null })}>✕</button></header>
    <div class="inside"><${Kind} item=${item} /></div></aside>`;
}
