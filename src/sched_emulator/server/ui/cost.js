// What the calls of the sandbox have cost, by operation, and what is left of its balance.
import { Badge, Copy, None, html, useEffect, useState } from "./dom.js";
import { usd } from "./format.js";
import { S, ask, attempt, now, soon } from "./store.js";
import { PRICES, T } from "./texts.js";

const C = T.cost;
function Spent({ all, items }) {
  if (!items.length) return html`<${None} text=${T.none.spent} />`;
  const most = items[0].usd || 1, calls = items.reduce((sum, item) => sum + item.calls, 0);
  return html`<p class="figure"><b>${usd(all)}</b> <span>${C.calls(calls)}</span></p>
    <div class="wide" tabindex="0" role="region" aria-label=${C.by}><table><thead><tr><th>${T.cols.operation}</th><th></th><th class="num">${C.number}</th><th class="num">${C.usd}</th></tr></thead><tbody>
    ${items.map((item) => html`<tr key=${item.operation}><td><code>${item.operation.replace("scheduling.", "")}</code></td><td class="share" aria-hidden="true"><i style=${{ width: item.usd ? `max(2px, ${(100 * item.usd) / most}%)` : 0 }}></i></td><td class="num">${item.calls}</td><td class="num">${item.usd ? usd(item.usd) : C.free}</td></tr>`)}</tbody></table></div>`;
}
function Balance({ left }) {
  const [amount, setAmount] = useState(""), limited = left !== null;
  const put = async (balance) => { if (await attempt(() => ask("PUT", "account", { balance_usd: balance }))) { setAmount(""); soon("account"); } };
  return html`<p class="figure"><b>${limited ? usd(left) : C.unlimited}</b> ${limited && left <= 0 && html`<${Badge} kind="bad" text=${C.empty} />`}</p>
    <form class="inline" onSubmit=${(event) => { event.preventDefault(); put(Number(amount)); }}><label class="field grow"><span>${C.set}</span><input required type="number" step="any" value=${amount} onInput=${(event) => setAmount(event.target.value)} /></label>
      <button type="submit" class="primary">${C.put}</button><button type="button" disabled=${!limited} onClick=${() => put(null)}>${C.lift}</button></form><p class="note pad">${C.rule}</p>`;
}
const Unpriced = () => html`<p>${C.unknown}</p>${PRICES.map(([does, command]) => html`<h4>${does}</h4><div class="command"><pre tabindex="0">${command}</pre><${Copy} text=${command} label=${T.empty.copy} /></div>`)}<p class="note pad">${C.then}</p>`;

// What the crons would cost in the days to come, where the emulator says it.
function Ahead() {
  const crons = S.crons.filter((cron) => cron.schedule && cron.enabled), some = crons.slice(0, 50), schedules = some.map(({ schedule, timezone }) => ({ schedule, timezone })), asked = JSON.stringify(schedules), [found, setFound] = useState(null);
  useEffect(() => {
    let current = true;
    if (some.length) ask("POST", "schedules", { schedules, from: new Date(now()).toISOString(), days: C.days }).then((answer) => current && setFound({ asked, ...answer }), () => {});
    return () => { current = false; };
  }, [asked]);
  if (found?.asked !== asked || found.cost_usd === undefined) return null;
  return html`<section class="card" aria-label=${C.ahead}><div class="title"><h3>${C.ahead}</h3></div><p class="figure"><b>${usd(found.cost_usd)}</b> <span>${C.crons(some.length)}</span></p>
    <table><thead><tr><th>${T.cols.name}</th><th class="num">${C.fires}</th><th class="num">${C.usd}</th></tr></thead><tbody>${some.map((cron, i) => html`<tr key=${cron.cron_id}><td>${cron.name}</td><td class="num">${found.schedules[i].total}</td><td class="num">${usd(found.schedules[i].cost_usd)}</td></tr>`)}</tbody></table>
    ${crons.length > some.length && html`<p class="note pad">${T.more(crons.length - some.length)}</p>`}</section>`;
}

export function Cost() {
  const account = S.account;
  return html`<section class="panel" aria-label=${T.panels.cost}><header><h2>${T.panels.cost}</h2></header>${account && html`<div class="scroll"><div class="halves">
    <section class="card" aria-label=${C.spent}><div class="title"><h3>${C.spent}</h3></div>${account.spent ? html`<${Spent} all=${account.spent_usd} items=${account.spent} />` : html`<${Unpriced} />`}</section>
    <div><section class="card" aria-label=${C.balance}><div class="title"><h3>${C.balance}</h3></div><${Balance} left=${account.balance_usd} /></section>${account.spent && html`<${Ahead} />`}</div></div></div>`}</section>`;
}
