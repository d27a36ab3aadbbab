// The page: what stands where, and the keys.
import { html, render, useEffect, useRef, useState } from "./dom.js";
import { Clock, nextEvent, step, toggle } from "./clock.js";
import { Cost } from "./cost.js";
import { Detail, Journal, Overview } from "./journal.js";
import { Assumptions, Empty, Outside, Sandboxes } from "./outside.js";
import { Crons, Queues, Runs, Tasks } from "./panels.js";
import { Preview } from "./preview.js";
import { S, choose, now, save, set, start, subscribe } from "./store.js";
import { T } from "./texts.js";
import { Timeline, follow, pan, zoom } from "./timeline.js";

const PANELS = { overview: Overview, crons: Crons, tasks: Tasks, queues: Queues, runs: Runs, deliveries: () => html`<${Journal} key="d" type="delivery" />`, requests: () => html`<${Journal} key="r" type="request" />`, outside: Outside, assumptions: Assumptions, cost: Cost, preview: Preview, sandboxes: Sandboxes };
const COUNTS = { crons: () => S.totals.crons, tasks: () => S.totals.tasks, queues: () => S.totals.queues, runs: () => S.totals.runs, deliveries: () => S.deliveries.length, requests: () => S.requests.length, outside: () => S.targets.length + S.faults.length, sandboxes: () => S.sandboxes.length };
const go = (panel) => { history.replaceState(null, "", `#${panel}`); set({ panel, detail: null }); };
const dark = matchMedia("(prefers-color-scheme: dark)"), paint = () => { document.documentElement.dataset.theme = S.theme === "auto" ? (dark.matches ? "dark" : "light") : S.theme; set({}); };
const theme = (value) => { save("theme", value); S.theme = value; paint(); };
dark.addEventListener("change", paint);
paint();

function Head() {
  const next = { auto: "light", light: "dark", dark: "auto" };
  return html`<header class="top"><a class="brand" href="#overview" onClick=${(event) => { event.preventDefault(); go("overview"); }}><img src="/_emulator/ui/icon.svg" alt="" width="24" height="24" /><h1>${T.name}</h1></a>
    ${S.sandboxes.length > 0 && html`<label class="box"><span class="hidden">${T.sandbox}</span><select value=${S.sandbox?.id ?? ""} onChange=${(event) => choose(S.sandboxes.find((item) => item.id === event.target.value))}>${!S.sandbox && html`<option value="">–</option>`}${S.sandboxes.map((item) => html`<option key=${item.id} value=${item.id}>${item.key}</option>`)}</select></label>`}
    <span class="grow"></span><span class="status ${S.connection}" role="status"><i aria-hidden="true"></i><span>${T.connection[S.connection]}</span></span>
    <button type="button" class="icon" aria-label=${T.theme[S.theme]} title=${T.theme[S.theme]} onClick=${() => theme(next[S.theme])}>${{ auto: "◐", light: "☀", dark: "☾" }[S.theme]}</button>
    <button type="button" class="icon" aria-label=${T.help} title=${T.help} aria-expanded=${S.help} onClick=${() => set({ help: !S.help })}>?</button></header>`;
}
function Nav() {
  const ref = useRef(null);
  useEffect(() => ref.current?.querySelector("[aria-current=page]")?.scrollIntoView({ block: "nearest", inline: "center" }), [S.panel]);
  return html`<nav ref=${ref} aria-label=${T.nav}>${Object.keys(PANELS).map((name) => { const count = COUNTS[name]?.(); return html`<a key=${name} href=${`#${name}`} aria-current=${S.panel === name ? "page" : undefined} onClick=${(event) => { event.preventDefault(); go(name); }}><span>${T.panels[name]}</span>${count > 0 && html`<span class="n">${count > 9999 ? `${Math.floor(count / 1000)}k` : count}</span>`}</a>`; })}</nav>`;
}
function Help() {
  const box = useRef(null);
  useEffect(() => { if (S.help) box.current?.focus(); }, [S.help]);
  return S.help && html`<div class="help" role="dialog" aria-label=${T.help} tabindex="-1" ref=${box}><header><h2>${T.help}</h2><button type="button" class="icon" aria-label=${T.close} onClick=${() => set({ help: false })}>✕</button></header><dl>${T.keys.map(([key, does]) => html`<dt key=${key}><kbd>${key}</kbd></dt><dd>${does}</dd>`)}</dl></div>`;
}

function keys(event) {
  if (event.key === "Escape") { if (S.help || S.detail) { set({ help: false, detail: null }); event.preventDefault(); } else document.activeElement?.blur(); return; }
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName)) return;
  const pressed = /^(BUTTON|A)$/.test(event.target.tagName), names = Object.keys(PANELS);
  const act = { "?": () => set({ help: !S.help }), "+": () => zoom(0.6), "=": () => zoom(0.6), "-": () => zoom(1.6), 0: follow, f: toggle, g: () => document.getElementById("jump")?.focus(),
    ArrowLeft: () => pan(-0.15), ArrowRight: () => (event.shiftKey ? step({ seconds: 3600 }) : pan(0.15)), ...(pressed ? {} : { " ": nextEvent }) }[event.key] ?? (/^[1-9]$/.test(event.key) ? () => go(names[event.key - 1]) : null);
  if (!act) return;
  event.preventDefault();
  act();
}

function App() {
  const [, draw] = useState(0);
  useEffect(() => subscribe(() => draw((n) => n + 1)), []);
  useEffect(() => {
    addEventListener("keydown", keys);
    const hash = () => { const panel = location.hash.slice(1); if (panel in PANELS) set({ panel }); };
    addEventListener("hashchange", hash);
    const tick = setInterval(() => { if (S.clock?.mode === "wall") set({}); }, 250);
    start();
    return () => { removeEventListener("keydown", keys); removeEventListener("hashchange", hash); clearInterval(tick); };
  }, []);
  const Panel = PANELS[S.panel] ?? Overview, blank = !S.sandbox || (S.clock && !S.facts.length && !S.due.length && !S.missed && S.panel === "overview");
  return html`<a class="skip" href="#panel" onClick=${(event) => { event.preventDefault(); document.getElementById("panel").focus(); }}>${T.skip}</a>
    <${Head} />${S.sandbox && html`<div class="stage"><${Clock} /><${Timeline} /></div>`}
    <div class="body"><${Nav} /><main id="panel" tabindex="-1">${blank && S.panel !== "sandboxes" ? html`<${Empty} />` : html`<${Panel} key=${S.sandbox?.id} />`}</main></div>
    <${Detail} /><${Help} /><div class="toasts" role="status" aria-live="polite">${S.toasts.map((item) => html`<p key=${item.id} class=${item.kind}>${item.text}</p>`)}</div>`;
}
render(html`<${App} />`, document.getElementById("app"));
