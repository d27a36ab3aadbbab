// The clock: what time it is, what is next, and everything that moves it.
import { html, useState } from "./dom.js";
import { date, fraction, full, relative, time, zoneName } from "./format.js";
import { S, advance, now, putClock, save, set, toast } from "./store.js";
import { T } from "./texts.js";

const zones = (() => { const all = Intl.supportedValuesOf?.("timeZone") ?? []; return ["UTC", Intl.DateTimeFormat().resolvedOptions().timeZone, ...all].filter((zone, i, list) => zone && list.indexOf(zone) === i); })();
export const told = (done) => done && toast(T.clock.moved(done.fired, done.stopped));
export const step = async (how) => told(await advance(how));
export const nextEvent = () => step({ events: 1 });
export const toggle = () => putClock({ mode: S.clock?.mode === "wall" ? "frozen" : "wall", ...(S.clock?.mode === "wall" ? {} : { speed: 1 }) });

export function Zones({ value, onPick, label, id }) {
  return html`<label class="field zone"><span>${label}</span><select id=${id} value=${value} onChange=${(event) => onPick(event.target.value)}>
    ${zones.map((zone) => html`<option key=${zone} value=${zone}>${zone}</option>`)}</select></label>`;
}

export function what(item) { return `${T.kinds[item.kind] ?? item.kind} ${item.name ?? item.subject}`; }

export function Clock() {
  const [typed, setTyped] = useState(""), clock = S.clock, at = now(), next = S.due[0];
  if (!clock) return html`<section class="clock" aria-label=${T.clock.title}><p class="instant">–</p></section>`;
  const busy = S.pending || !!clock.advancing;
  const go = (event) => {
    event.preventDefault();
    const text = typed.trim();
    if (!text) return;
    step(/^\d{4}-/.test(text) ? { until: text } : { duration: text });
    setTyped("");
  };
  const waiting = clock.advancing?.waiting_for[0];
  return html`<section class="clock" aria-label=${T.clock.title}>
    <div class="face">
      <p class="instant"><span class="day">${date(at, S.zone)}</span> <span class="time">${time(at, S.zone)}<small>${clock.mode === "frozen" ? fraction(at) : ""}</small></span> <span class="offset">${zoneName(at, S.zone)}</span></p>
      <p class="second">${S.zone !== "UTC" && html`<span>${full(at, "UTC")} UTC</span>`}
        <span class="mode ${clock.mode}">${clock.mode === "frozen" ? T.clock.frozen : T.clock.runs(clock.speed)}</span>
        ${clock.behind_seconds && html`<span class="late">${T.clock.late(clock.behind_seconds)}</span>`}
        <span class="next" role="status">${busy ? html`${T.clock.advancing} ${waiting ? T.clock.waiting(waiting.url, waiting.attempt, waiting.real_seconds) : ""}` : next ? T.clock.nextIs(what(next), relative(Date.parse(next.at), at)) : T.clock.nothing}</span></p>
    </div>
    <div class="controls">
      <button type="button" class="primary" disabled=${busy || !next} onClick=${nextEvent}>${T.clock.next}</button>
      ${T.clock.steps.map(([name, seconds]) => html`<button type="button" disabled=${busy} onClick=${() => step({ seconds })}>${name}</button>`)}
      <form onSubmit=${go}><input id="jump" aria-label=${T.clock.jump} placeholder=${T.clock.jumpHint} value=${typed} onInput=${(event) => setTyped(event.target.value)} autocomplete="off" spellcheck=${false} />
        <button type="submit" disabled=${busy}>${T.clock.go}</button></form>
      <span class="group" role="group" aria-label=${T.clock.title}>
        <button type="button" aria-pressed=${clock.mode === "frozen"} onClick=${() => putClock({ mode: "frozen" })}>${T.clock.freeze}</button>
        <button type="button" aria-pressed=${clock.mode === "wall" && clock.speed === 1} onClick=${() => putClock({ mode: "wall", speed: 1 })}>${T.clock.run}</button>
        <button type="button" aria-pressed=${clock.mode === "wall" && clock.speed === 60} onClick=${() => putClock({ mode: "wall", speed: 60 })}>${T.clock.fast}</button></span>
      <${Zones} id="zone" label=${T.clock.zone} value=${S.zone} onPick=${(zone) => { save("zone", zone); set({ zone }); }} />
    </div></section>`;
}
