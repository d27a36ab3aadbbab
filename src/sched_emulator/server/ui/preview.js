// A schedule before it runs: its year, a month of it, the days around a change of the clocks, and where several meet.
import { Badge, None, html, useEffect, useMemo, useState } from "./dom.js";
import { Zones } from "./clock.js";
import { full, ms, part, relative } from "./format.js";
import { S, ask, now, set } from "./store.js";
import { LOCALE, T } from "./texts.js";

const P = T.preview, CELL = 13, GAP = 3;
const utc = (text) => Date.parse(`${text}T00:00:00Z`);
const weekday = (text) => (new Date(utc(text)).getUTCDay() + 6) % 7; // Monday first
const DAYS = [...Array(7).keys()].map((i) => part(Date.UTC(2024, 0, 1 + i), "UTC", { weekday: "short" }));
const monthOf = (days) => days[Math.min(9, days.length - 1)].date.slice(0, 7); // of the next month, where this one is as good as over
export const dayText = (day) => P.day(part(utc(day.date), "UTC", { weekday: "short", day: "numeric", month: "short", year: "numeric" }), day.fires, day.shift_seconds);

// The same picture as `sched-emulator cron EXPR --svg FILE` draws.
function Year({ days, chosen, onPick }) {
  const [at, setAt] = useState(0), first = weekday(days[0].date), weeks = Math.ceil((days.length + first) / 7), step = CELL + GAP, months = [];
  days.forEach((day, i) => { if (day.date.endsWith("-01") || i === 0) { const column = Math.floor((i + first) / 7); if (months.length && column - months.at(-1).column < 3) months.pop(); months.push({ column, text: part(utc(day.date), "UTC", { month: "short" }) }); } });
  const key = (event) => { const by = { ArrowRight: 7, ArrowLeft: -7, ArrowDown: 1, ArrowUp: -1 }[event.key]; if (by) setAt(Math.min(Math.max(at + by, 0), days.length - 1)); else if (event.key === "Enter") onPick(days[at].date); else return; event.preventDefault(); event.stopPropagation(); };
  return html`<div class="wide"><svg class="year" width=${weeks * step + 40} height=${7 * step + 24} viewBox=${`0 0 ${weeks * step + 40} ${7 * step + 24}`} role="application" tabindex="0" aria-label=${`${P.year}. ${dayText(days[at])}`} onKeyDown=${key}>
    ${months.map((month) => html`<text key=${month.column} x=${38 + month.column * step} y="12">${month.text}</text>`)}
    ${[0, 2, 4].map((row) => html`<text key=${row} x="0" y=${20 + row * step + 11}>${DAYS[row]}</text>`)}
    ${days.map((day, i) => html`<rect key=${day.date} class="day level-${day.level} ${day.shift_seconds ? "shift" : ""} ${day.date.slice(0, 7) === chosen ? "chosen" : ""} ${i === at ? "at" : ""}" x=${38 + Math.floor((i + first) / 7) * step} y=${20 + ((i + first) % 7) * step} width=${CELL} height=${CELL} rx="3" onClick=${() => { setAt(i); onPick(day.date); }}><title>${dayText(day)}</title></rect>`)}</svg></div>`;
}
const Legend = () => html`<p class="scale">${P.less} ${[0, 1, 2, 3, 4].map((level) => html`<svg key=${level} width="13" height="13" aria-hidden="true"><rect class="day level-${level}" width="13" height="13" rx="3" /></svg>`)} ${P.moreFires}<svg width="13" height="13" aria-hidden="true"><rect class="day level-0 shift" x="1" y="1" width="11" height="11" rx="3" /></svg> ${T.timeline.shift(1).split(" ")[0]}</p>`;

// Each day a row of 24 hours of local time, each fire a mark.
function Hours({ days, fires }) {
  const byDay = new Map();
  for (const fire of fires) { const day = fire.local.slice(0, 10); if (!byDay.has(day)) byDay.set(day, []); byDay.get(day).push(fire); }
  const hour = (local) => Number(local.slice(11, 13)) + Number(local.slice(14, 16)) / 60 + Number(local.slice(17, 19)) / 3600;
  return html`<div class="hours" role="table" aria-label=${P.month}><div class="hour-scale" aria-hidden="true">${[0, 6, 12, 18, 24].map((h) => html`<span key=${h} style=${{ left: `${(100 * h) / 24}%` }}>${String(h).padStart(2, "0")}</span>`)}</div>
    ${days.map((day) => { const own = byDay.get(day.date) ?? [], twice = own.filter((fire, i) => i && fire.local.slice(0, 19) <= own[i - 1].local.slice(0, 19)); return html`<div key=${day.date} role="row" class="hour-row ${day.shift_seconds ? "shift" : ""} ${weekday(day.date) > 4 ? "weekend" : ""}"><span role="rowheader" class="hour-day">${part(utc(day.date), "UTC", { weekday: "short", day: "numeric", month: "short" })}</span>
      <span role="cell" class="hour-line" aria-label=${dayText(day)}>${own.length === day.fires || own.length < 60 ? own.slice(0, 300).map((fire) => html`<i key=${fire.at} class=${twice.includes(fire) ? "again" : ""} style=${{ left: `${(100 * hour(fire.local)) / 24}%` }} title=${fire.local}></i>`) : ""}${own.length < day.fires && html`<em>${P.many(day.fires)}</em>`}</span>${day.shift_seconds !== 0 && html`<span class="hour-note">${T.timeline.shift(day.shift_seconds / 3600)}</span>`}</div>`; })}</div>`;
}

export function Preview() {
  const given = S.preview ?? {}, [text, setText] = useState(given.schedule ?? "0 9 * * 1-5"), [zone, setZone] = useState(given.timezone ?? S.zone), [shown, setShown] = useState(null), [wrong, setWrong] = useState(""), [month, setMonth] = useState(null), [detail, setDetail] = useState(null), [around, setAround] = useState(null), [met, setMet] = useState(null);
  const load = async (schedule, timezone) => {
    try {
      const answer = await ask("POST", "schedules", { schedules: [{ schedule, timezone }], from: new Date(now()).toISOString() });
      const found = answer.schedules[0], shifts = found.days.filter((day) => day.shift_seconds);
      setShown(found); setWrong(""); setMonth(monthOf(found.days)); setAround(shifts.length ? null : "none");
      if (shifts.length) {
        const begin = new Date(utc(shifts[0].date) - 2 * 86400e3).toISOString();
        const near = (await ask("POST", "schedules", { schedules: [{ schedule, timezone }], from: begin, days: 5 })).schedules[0];
        setAround(near);
      }
    } catch (error) { setWrong(error.message); }
  };
  useEffect(() => { if (S.clock) load(text, zone); }, [!!S.clock]);
  useEffect(() => { if (S.preview) { setText(S.preview.schedule); setZone(S.preview.timezone); load(S.preview.schedule, S.preview.timezone); S.preview = null; } }, [S.preview]);
  useEffect(() => {
    if (!shown || !month) return;
    const days = shown.days.filter((day) => day.date.slice(0, 7) === month);
    const from = new Date(utc(days[0].date) - 15 * 3600e3).toISOString(); // no zone is further ahead
    ask("POST", "schedules", { schedules: [{ schedule: shown.schedule, timezone: shown.timezone }], from, days: Math.min(days.length + 2, 366) }).then((answer) => setDetail({ days, fires: answer.schedules[0].fires }), () => {});
  }, [shown, month]);
  const crons = S.crons.filter((cron) => cron.schedule), submit = (event) => { event.preventDefault(); load(text.trim(), zone); };
  const meet = async () => { try { const some = crons.filter((cron) => cron.enabled).slice(0, 50); setMet({ names: some.map((cron) => cron.name), ...(await ask("POST", "schedules", { schedules: some.map((cron) => ({ schedule: cron.schedule, timezone: cron.timezone })), from: new Date(now()).toISOString(), days: 31 })) }); } catch (error) { setWrong(error.message); } };
  return html`<section class="panel" aria-label=${T.panels.preview}><header><h2>${T.panels.preview}</h2></header><div class="scroll">
    <form class="inline" onSubmit=${submit}><label class="field grow"><span>${P.expression}</span><input class="mono" value=${text} aria-invalid=${!!wrong} onInput=${(event) => setText(event.target.value)} spellcheck=${false} autocomplete="off" /></label><${Zones} id="preview-zone" label=${P.zone} value=${zone} onPick=${setZone} /><button type="submit" class="primary">${P.show}</button>
      ${crons.length > 0 && html`<label class="field own"><span>${P.own}</span><select value="" onChange=${(event) => { const cron = crons.find((one) => one.cron_id === event.target.value); if (cron) { setText(cron.schedule); setZone(cron.timezone); load(cron.schedule, cron.timezone); } }}><option value="">–</option>${crons.map((cron) => html`<option key=${cron.cron_id} value=${cron.cron_id}>${cron.name}</option>`)}</select></label>`}</form>
    ${wrong && html`<p class="alert" role="alert">${wrong}</p>`}
    ${shown && html`<section class="card" aria-label=${P.year}><div class="title"><h3><code>${shown.schedule}</code></h3><span class="facts">${shown.timezone} · ${P.total(shown.total.toLocaleString(LOCALE), shown.days.length)}</span></div><${Year} days=${shown.days} chosen=${month} onPick=${(day) => setMonth(day.slice(0, 7))} /><${Legend} /></section>
      <div class="halves"><section class="card" aria-label=${P.month}><div class="title"><h3>${month && part(utc(`${month}-15`), "UTC", { month: "long", year: "numeric" })}</h3><span class="facts">${P.local}</span></div>${detail && html`<${Hours} ...${detail} />`}</section>
      <div><section class="card" aria-label=${P.fires}><div class="title"><h3>${P.fires}</h3></div><ol class="coming">${shown.fires.slice(0, 6).map((fire) => html`<li key=${fire.at}><b>${relative(ms(fire.at), now())}</b><span>${full(ms(fire.at), shown.timezone)}</span><time>${fire.at.slice(11, 19)} UTC</time></li>`)}</ol></section>
      <section class="card" aria-label=${P.changes}><div class="title"><h3>${P.changes}</h3></div>${around === "none" ? html`<${None} text=${P.nochange} />` : around && html`<${Hours} days=${around.days} fires=${around.fires} />`}</section>
      ${crons.length > 1 && html`<section class="card" aria-label=${P.meet}><div class="title"><h3>${P.meet}</h3><button type="button" class="small" onClick=${meet}>${P.check}</button></div>${met && (met.meetings.length ? html`<p class="note">${P.meets(met.meetings.length, !met.complete)}</p><ol class="coming">${met.meetings.slice(0, 12).map((item) => html`<li key=${item.at}><b>${full(ms(item.at), S.zone)}</b><span>${item.schedules.map((n) => met.names[n]).join(", ")}</span></li>`)}</ol>` : html`<${None} text=${T.none.meetings} />`)}</section>`}</div></div>`}</div></section>`;
}
