// Whether a secret signs a delivery, as `sched_emulator.signatures.verify` says it. All of it happens here: the secret is sent nowhere and kept nowhere.
import { Badge, html, useEffect, useMemo, useState } from "./dom.js";
import { sentBody } from "./store.js";
import { T } from "./texts.js";

const G = T.signature, WEBHOOK = ["webhook-id", "webhook-timestamp", "webhook-signature"], OWN = "x-infrai-signature", OWN_TIMESTAMP = "x-infrai-timestamp";
const BASE64 = /^(?:(?:[A-Za-z0-9+/]{4})+|(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}(?:==)?|[A-Za-z0-9+/]{3}=?))$/;
const bytes = (text) => new TextEncoder().encode(text), binary = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));

async function hmac(key, text) {
  const imported = await crypto.subtle.importKey("raw", key, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  return new Uint8Array(await crypto.subtle.sign("HMAC", imported, bytes(text)));
}
// What is said of a body, its headers by their names in small letters, and a secret.
async function judged(body, headers, secret) {
  const webhook = WEBHOOK.some((name) => name in headers), missing = (webhook ? WEBHOOK : [OWN]).find((name) => !headers[name]);
  if (missing) return ["bad", G.missing(missing)];
  let fits;
  if (webhook) {
    const encoded = secret.startsWith("whsec_") ? secret.slice(6) : null;
    if (encoded === "") return null;
    if (encoded !== null && !BASE64.test(encoded)) return ["bad", G.base64];
    const signed = await hmac(encoded === null ? bytes(secret) : binary(encoded.replace(/=+$/, "")), `${headers["webhook-id"]}.${headers["webhook-timestamp"]}.${body}`);
    fits = headers["webhook-signature"].split(/\s+/).includes(`v1,${btoa(String.fromCharCode(...signed))}`);
  } else {
    const timestamp = headers[OWN_TIMESTAMP], signed = await hmac(bytes(secret), timestamp === undefined ? body : `${timestamp}.${body}`);
    fits = headers[OWN] === `sha256=${[...signed].map((byte) => byte.toString(16).padStart(2, "0")).join("")}`;
  }
  return fits ? ["good", G.fits] : ["bad", G.other];
}

export function Signature({ item }) {
  const [secret, setSecret] = useState(""), [verdict, setVerdict] = useState(null), body = useMemo(() => { let asked; return () => (asked ??= sentBody(item)); }, [item]);
  const headers = Object.fromEntries(Object.entries(item.headers).map(([name, value]) => [name.toLowerCase(), value])), header = [...WEBHOOK, OWN].findLast((name) => name in headers);
  useEffect(() => {
    let current = true;
    setVerdict(null);
    if (secret && header) body().then((text) => judged(text, headers, secret)).then((found) => current && setVerdict(found), () => current && setVerdict(["bad", T.failed]));
    return () => { current = false; };
  }, [item, secret]);
  if (!header) return html`<p class="none">${G.none}</p>`;
  if (!globalThis.crypto?.subtle) return html`<p>${G.signed(header)}</p><p class="note">${G.insecure}</p>`;
  return html`<p>${G.signed(header)}</p><div class="inline"><label class="field grow"><span>${G.secret}</span><input class="mono" value=${secret} onInput=${(event) => setSecret(event.target.value)} autocomplete="off" autocapitalize="off" spellcheck=${false} /></label></div>
    <p role="status">${verdict && html`<${Badge} kind=${verdict[0]} text=${verdict[1]} />`}</p><p class="note">${G.how}</p>`;
}
