// What the calls of the sandbox have cost, by operation, and what is left of its balance.
import { Badge, Copy, None, html, useState } from "./dom.js";
import { usd } from "./format.js";
import { S, ask, attempt, soon } from "./store.js";
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

export function Cost() {
  const account = S.account;
  return html`<section class="panel" aria-label=${T.panels.cost}><header><h2>${T.panels.cost}</h2></header>${account && html`<div class="scroll"><div class="halves">
    <section class="card" aria-label=${C.spent}><div class="title"><h3>${C.spent}</h3></div>${account.spent ? html`<${Spent} all=${account.spent_usd} items=${account.spent} />` : html`<${Unpriced} />`}</section>
    <section class="card" aria-label=${C.balance}><div class="title"><h3>${C.balance}</h3></div><${Balance} left=${account.balance_usd} /></section></div></div>`}</section>`;
}
