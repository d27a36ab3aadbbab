// What the sandbox meets outside itself, the open questions, and the sandboxes there are.
import { Badge, Copy, None, Sure, html, useEffect, useState } from "./dom.js";
import { full, json, line, ms } from "./format.js";
import { BASE, S, ask, attempt, choose, look, soon, toast } from "./store.js";
import { SNIPPETS, T } from "./texts.js";

const O = T.outside;
const send = async (method, path, body, ...names) => { const done = await attempt(() => ask(method, path, body)); if (done) soon(...names); return done; };
const parse = (text) => text.split(/[,\s]+/).filter(Boolean).map((word) => (/^\d+$/.test(word) ? Number(word) : word));

function Script() {
  const [url, setUrl] = useState("*"), [answers, setAnswers] = useState("503, 503, 200");
  const add = (responses) => send("POST", "targets", { url, responses }, "targets", "unused");
  const submit = (event) => { event.preventDefault(); add(parse(answers)); };
  return html`<form class="inline" onSubmit=${submit}><label class="field grow"><span>${O.url}</span><input required value=${url} onInput=${(event) => setUrl(event.target.value)} spellcheck=${false} /></label>
    <label class="field"><span>${O.status}</span><input required value=${answers} placeholder=${O.statusHint} onInput=${(event) => setAnswers(event.target.value)} spellcheck=${false} /></label>
    <button type="submit" class="primary">${O.script}</button><button type="button" onClick=${() => add([503, 503, 503, 503, 503, 200])}>${O.five}</button></form>`;
}
function Fault() {
  const [operation, setOperation] = useState("*"), [status, setStatus] = useState("503"), [times, setTimes] = useState("1");
  const submit = (event) => { event.preventDefault(); send("POST", "faults", { operation, status: Number(status), ...(times ? { times: Number(times) } : {}) }, "faults", "unused"); };
  return html`<form class="inline" onSubmit=${submit}><label class="field grow"><span>${O.operation}</span><input required value=${operation} onInput=${(event) => setOperation(event.target.value)} spellcheck=${false} /></label>
    <label class="field"><span>${O.code}</span><input required type="number" min="400" max="599" value=${status} onInput=${(event) => setStatus(event.target.value)} /></label>
    <label class="field"><span>${O.times}</span><input type="number" min="1" value=${times} onInput=${(event) => setTimes(event.target.value)} /></label><button type="submit" class="primary">${O.add}</button></form>`;
}
const answer = (response) => response.error ?? `${response.status ?? 200}${response.latency_seconds ? ` (${response.latency_seconds} s)` : ""}`;
const short = (responses) => { const runs = []; for (const text of responses.map(answer)) { if (runs.at(-1)?.[0] === text) runs.at(-1)[1]++; else runs.push([text, 1]); } return runs.map(([text, n]) => (n > 1 ? `${n}× ${text}` : text)).join(", "); };

export function Outside() {
  const routes = Object.entries(S.routes);
  return html`<section class="panel" aria-label=${T.panels.outside}><header><h2>${T.panels.outside}</h2></header><div class="scroll">
    <div class="halves"><section class="card" aria-label=${O.targets}><div class="title"><h3>${O.answer}</h3></div><${Script} />
      <h4>${O.targets}</h4>${S.targets.length ? html`<ul class="plain">${S.targets.map((item, i) => html`<li key=${i}><code>${item.url}</code> <span>${short(item.responses)}</span> <small>${O.then[item.then]}</small> <${Badge} kind=${item.used ? "good" : "mute"} text=${O.used(item.used)} /></li>`)}</ul><div class="actions"><button type="button" class="small" aria-label=${`${O.clear}: ${O.targets}`} onClick=${() => send("DELETE", "targets", undefined, "targets", "unused")}>${O.clear}</button></div>` : html`<${None} text=${T.none.targets} />`}</section>
    <section class="card" aria-label=${O.faults}><div class="title"><h3>${O.fail}</h3></div><${Fault} />
      <h4>${O.faults}</h4>${S.faults.length ? html`<ul class="plain">${S.faults.map((item, i) => html`<li key=${i}><code>${item.operation}</code> <span>${item.drop ? "drop" : item.status ?? item.code ?? ""}${item.times ? ` ×${item.times}` : ""}${item.latency_seconds ? ` ${item.latency_seconds} s` : ""}</span> <${Badge} kind=${item.used ? "good" : "mute"} text=${O.used(item.used)} /></li>`)}</ul><div class="actions"><button type="button" class="small" aria-label=${`${O.clear}: ${O.faults}`} onClick=${() => send("DELETE", "faults", undefined, "faults", "unused")}>${O.clear}</button></div>` : html`<${None} text=${T.none.faults} />`}</section></div>
    <div class="halves"><section class="card" aria-label=${O.routes}><div class="title"><h3>${O.routes}</h3></div>${routes.length ? html`<dl class="pairs">${routes.map(([from, to]) => html`<dt key=${from}>${from}</dt><dd>→ ${to}</dd>`)}</dl>` : html`<${None} text=${T.none.routes} />`}</section>
    <section class="card" aria-label=${O.unused}><div class="title"><h3>${O.unused}</h3></div>${S.unused.length ? html`<ul class="plain">${S.unused.map((item, i) => html`<li key=${i}><${Badge} kind="warn" text=${item.kind} /> <code>${item.url ?? item.operation ?? `${item.from} → ${item.to}`}</code></li>`)}</ul>` : html`<${None} text=${T.none.unused} />`}</section></div></div></section>`;
}

export function Assumptions() {
  const A = T.assume, [all, setAll] = useState([]), [answers, setAnswers] = useState({}), [text, setText] = useState(""), [relied, setRelied] = useState(null), [proving, setProving] = useState(false);
  const box = S.sandbox?.id;
  useEffect(() => { ask("GET", "assumptions/catalogue").then((answer) => setAll(answer.items), () => {}); setRelied(null); attempt(() => ask("GET", "assumptions")).then((found) => found && setAnswers(found)); }, [box]);
  const pick = async (id, value) => { const found = await attempt(() => ask("PUT", "assumptions", { [id]: value })); if (found) { setAnswers(found); toast(`${id} = ${found[id]}`); } };
  const prove = async () => { setProving(true); setRelied(await attempt(() => ask("GET", "assumptions/relied"))); setProving(false); };
  const wanted = text.toLowerCase(), shown = all.filter((item) => !wanted || `${item.id} ${item.question}`.toLowerCase().includes(wanted)).sort((a, b) => (answers[b.id] !== b.default) - (answers[a.id] !== a.default));
  return html`<section class="panel" aria-label=${T.panels.assumptions}><header><h2>${T.panels.assumptions}</h2></header><div class="scroll">
    <section class="card" aria-label=${A.relied}><div class="title"><h3>${A.relied}</h3><button type="button" class="small" disabled=${proving} onClick=${prove}>${A.prove}</button></div>
      ${!proving && !relied && html`<p class="note">${A.before}</p>`}${proving && html`<p role="status">${A.proving}</p>`}${relied && !relied.complete && html`<p class="note">${A.incomplete}</p>`}
      ${relied && (relied.items.length ? html`<ul class="proofs">${relied.items.map((item, i) => html`<li key=${i}><p><code>${item.id}</code> <${Badge} kind="good" text=${item.answer} /> ${item.question}</p><dl class="proof"><dt>${A.was}</dt><dd><pre tabindex="0">${line(json(item.was) ?? "–", 600)}</pre></dd><dt>${A.with(item.other)}</dt><dd><pre tabindex="0">${line(json(item.would_be) ?? "–", 600)}</pre></dd></dl></li>`)}</ul>` : html`<${None} text=${T.none.relied} />`)}</section>
    <section class="card" aria-label=${A.all}><div class="title"><h3>${A.all}</h3></div><input type="search" aria-label=${A.search} placeholder=${A.search} value=${text} onInput=${(event) => setText(event.target.value)} />
      <ul class="questions">${shown.map((item) => html`<li key=${item.id}><div><label for=${`a-${item.id}`}><code>${item.id}</code>${answers[item.id] !== item.default && html` <${Badge} kind="warn" text=${A.changed} />`}<span>${item.question}</span></label><p class="note">${item.answers[answers[item.id]] ?? item.possible}</p></div>
        ${item.kind === "constant" ? html`<input id=${`a-${item.id}`} type="number" value=${answers[item.id]} onChange=${(event) => pick(item.id, Number(event.target.value))} />` : html`<select id=${`a-${item.id}`} value=${answers[item.id]} onChange=${(event) => pick(item.id, event.target.value)}>${Object.keys(item.answers).map((word) => html`<option key=${word} value=${word}>${word}${word === item.default ? ` (${A.deflt})` : ""}</option>`)}</select>`}</li>`)}</ul></section></div></section>`;
}

export function Sandboxes() {
  const B = T.sandboxes;
  const act = async (box, method, path) => { const done = await attempt(() => ask(method, path, method === "POST" ? {} : undefined, { "X-Emulator-Sandbox": box.id })); if (done) await look(); };
  return html`<section class="panel" aria-label=${T.panels.sandboxes}><header><h2>${T.panels.sandboxes}</h2><p class="count">${S.sandboxes.length}</p></header><p class="note pad">${B.intro}</p>
    <div class="wide" tabindex="0" role="region" aria-label=${T.panels.sandboxes}><table class="stacked"><thead><tr><th>${T.cols.key}</th><th>${T.cols.now}</th><th>${T.cols.mode}</th><th class="num">${T.panels.crons}</th><th class="num">${T.panels.queues}</th><th class="num">${T.cols.requests}</th><th></th></tr></thead><tbody>
    ${S.sandboxes.map((box) => html`<tr key=${box.id} class=${box.id === S.sandbox?.id ? "chosen" : ""}><td class="first"><code>${box.key}</code></td><td class="when-cell" data-name=${T.cols.now}>${full(ms(box.now), S.zone)}</td><td data-name=${T.cols.mode}>${box.mode === "frozen" ? T.clock.frozen : T.clock.run}</td><td class="num" data-name=${T.panels.crons}>${box.crons}</td><td class="num" data-name=${T.panels.queues}>${box.queues}</td><td class="num" data-name=${T.cols.requests}>${box.requests}</td>
      <td class="actions last">${box.id === S.sandbox?.id ? html`<${Badge} kind="good" text=${B.looking} />` : html`<button type="button" class="small" aria-label=${`${B.look}: ${box.key}`} onClick=${() => choose(box)}>${B.look}</button>`}
      <${Sure} label=${B.reset} question=${B.confirm.reset} yes=${B.yes} no=${B.no} onYes=${() => act(box, "POST", "reset")} /><${Sure} label=${B.forget} question=${B.confirm.forget} yes=${B.yes} no=${B.no} onYes=${() => act(box, "DELETE", "sandbox")} /></td></tr>`)}</tbody></table></div></section>`;
}

export function Empty() {
  const E = T.empty, [language, setLanguage] = useState("curl"), snippets = SNIPPETS(BASE);
  const make = async () => { await attempt(() => ask("GET", "clock", undefined, { Authorization: "Bearer ifr_local" })); await look(); };
  return html`<section class="empty" aria-label=${E.title}><h2>${S.sandbox ? E.title : E.noSandbox}</h2><p>${E.intro}</p>
    <div class="tabs" role="tablist">${["curl", "python", "node"].map((item) => html`<button type="button" role="tab" id=${`tab-${item}`} aria-controls="snippet" aria-selected=${item === language} tabindex=${item === language ? 0 : -1} onClick=${() => setLanguage(item)}
      onKeyDown=${(event) => { const all = ["curl", "python", "node"], by = { ArrowRight: 1, ArrowLeft: 2 }[event.key]; if (by) { const next = all[(all.indexOf(item) + by) % 3]; setLanguage(next); document.getElementById(`tab-${next}`).focus(); event.stopPropagation(); } }}>${E[item]}</button>`)}<${Copy} text=${snippets[language]} label=${E.copy} /></div>
    <pre id="snippet" role="tabpanel" aria-labelledby=${`tab-${language}`} tabindex="0">${snippets[language]}</pre>${!S.sandbox && html`<p><button type="button" class="primary" onClick=${make}>${E.make}</button></p>`}</section>`;
}
