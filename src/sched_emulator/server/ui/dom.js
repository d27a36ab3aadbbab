// The library, and the small parts that every panel is made of.
import { createElement, render, Fragment } from "./preact.js";
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "./hooks.js";
import htm from "./htm.js";
import { T } from "./texts.js";

export { render, Fragment, useEffect, useLayoutEffect, useMemo, useRef, useState };
export const html = htm.bind(createElement);

export const MARKS = { delivered: "✓", succeeded: "✓", failed: "✗", timeout: "✗", refused: "✗", running: "…", captured: "◇", queued: "…", scheduled: "○", skipped: "–" };
export const TONES = { delivered: "good", succeeded: "good", failed: "bad", timeout: "bad", refused: "bad", running: "wait", captured: "mute", queued: "wait", scheduled: "mute", skipped: "mute" };
export const tone = (status) => (status >= 500 ? "bad" : status >= 400 ? "warn" : "good");

export const Badge = ({ kind, text }) => html`<span class="badge ${kind}">${text}</span>`;
export const Outcome = ({ item }) => html`<${Badge} kind=${TONES[item.outcome] ?? "mute"} text=${`${MARKS[item.outcome] ?? ""} ${item.status ?? T.outcomes[item.outcome]}`} />`;
export const State = ({ state }) => html`<${Badge} kind=${TONES[state]} text=${`${MARKS[state]} ${T.states[state]}`} />`;
export const None = ({ text }) => html`<p class="none">${text}</p>`;

export function Copy({ text, label }) {
  const [done, setDone] = useState(false);
  const copy = async () => {
    try { await navigator.clipboard.writeText(text); } catch {
      const area = Object.assign(document.createElement("textarea"), { value: text });
      document.body.append(area); area.select(); document.execCommand("copy"); area.remove();
    }
    setDone(true); setTimeout(() => setDone(false), 1500);
  };
  return html`<button type="button" class="small" onClick=${copy}>${done ? T.detail.copied : label}</button>`;
}

// A button that asks once more before it does what cannot be undone.
export function Sure({ label, question, yes, no, onYes }) {
  const [asking, setAsking] = useState(false);
  if (!asking) return html`<button type="button" class="small" onClick=${() => setAsking(true)}>${label}</button>`;
  return html`<span class="sure" role="group" aria-label=${question}>${question}
    <button type="button" class="small danger" onClick=${() => { setAsking(false); onYes(); }}>${yes}</button>
    <button type="button" class="small" onClick=${() => setAsking(false)}>${no}</button></span>`;
}

// A list of any length, of which only what is in view is drawn. Rows are all equally high. New ones come on top.
export function Rows({ items, height = 36, row, label, empty, onOpen, id }) {
  const box = useRef(null), [view, setView] = useState({ top: 0, high: 600 }), [at, setAt] = useState(0), before = useRef(items.length);
  const measure = () => box.current && setView({ top: box.current.scrollTop, high: box.current.clientHeight || 600 });
  useLayoutEffect(() => {
    const element = box.current, added = items.length - before.current;
    if (element && added > 0 && element.scrollTop > height) element.scrollTop += added * height; // what one reads stays where it is
    before.current = items.length;
  }, [items.length]);
  useEffect(() => {
    if (!box.current) return undefined;
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(box.current);
    return () => observer.disconnect();
  }, [items.length === 0]);
  if (!items.length) return html`<${None} text=${empty} />`;
  const first = Math.max(0, Math.floor(view.top / height) - 6), last = Math.min(items.length, Math.ceil((view.top + view.high) / height) + 6);
  const key = (event) => {
    const move = { ArrowDown: 1, ArrowUp: -1, PageDown: 12, PageUp: -12, Home: -Infinity, End: Infinity }[event.key];
    if (move !== undefined) {
      const next = Math.min(Math.max(at + move, 0), items.length - 1);
      setAt(next);
      const element = box.current;
      if (next * height < element.scrollTop) element.scrollTop = next * height;
      else if ((next + 1) * height > element.scrollTop + element.clientHeight) element.scrollTop = (next + 1) * height - element.clientHeight;
    } else if (event.key === "Enter" && onOpen) onOpen(items[items.length - 1 - at]);
    else return;
    event.preventDefault(); event.stopPropagation();
  };
  const shown = [];
  for (let index = first; index < last; index++) {
    const item = items[items.length - 1 - index];
    shown.push(html`<div role="option" id=${`${id}-${index}`} key=${item.seq ?? index} class="row ${index === at ? "at" : ""}" aria-selected=${index === at} aria-posinset=${index + 1} aria-setsize=${items.length}
      style=${{ transform: `translateY(${index * height}px)`, height: `${height}px` }} onClick=${() => { setAt(index); onOpen?.(item); }}>${row(item)}</div>`);
  }
  return html`<div class="rows" ref=${box} tabindex="0" role="listbox" aria-label=${label} style=${{ flexBasis: `${items.length * height + 2}px` }} aria-activedescendant=${`${id}-${at}`} onScroll=${measure} onKeyDown=${key}>
    <div role="presentation" style=${{ height: `${items.length * height}px` }}>${shown}</div></div>`;
}
