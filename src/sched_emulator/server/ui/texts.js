// Everything that the dashboard says. A language is another file like this one.
export const LOCALE = "en-GB";
export const T = {
  name: "sched-emulator",
  skip: "Skip to the panels",
  panels: {
    overview: "Overview", crons: "Crons", tasks: "Tasks", queues: "Queues", runs: "Runs", deliveries: "Deliveries",
    requests: "Requests", outside: "Targets & faults", assumptions: "Assumptions", cost: "Cost", preview: "Preview", sandboxes: "Sandboxes",
  },
  nav: "Panels",
  connection: { live: "Live", lost: "Emulator not reachable, trying again", wait: "Waiting for the first sandbox", connecting: "Connecting" },
  theme: { auto: "Theme: as the system", light: "Theme: light", dark: "Theme: dark" },
  sandbox: "Sandbox",
  help: "Keyboard",
  close: "Close",
  clock: {
    title: "Clock", zone: "Time zone shown", frozen: "frozen", runs: (speed) => (speed === 1 ? "running" : `running ${speed}×`),
    next: "Next event", nothing: "Nothing is due.", nextIs: (what, when) => `Next: ${what} ${when}`,
    steps: [["+1 min", 60], ["+1 h", 3600], ["+1 d", 86400], ["+1 w", 604800]],
    jump: "Duration or instant", jumpHint: "90m or 2026-03-01", go: "Go", freeze: "Freeze", run: "Run", fast: "60×",
    late: (seconds) => `${seconds.toFixed(1)} s behind: more is due than can happen`,
    advancing: "Time passes …", waiting: (url, attempt, seconds) => `waiting for ${url} (attempt ${attempt}, ${seconds.toFixed(1)} s)`,
    moved: (fired, stopped) => `${fired} ${fired === 1 ? "event" : "events"} happened${stopped === "max_events" ? "; more are due" : stopped === "idle" ? "; nothing more is due" : ""}.`,
  },
  timeline: {
    title: "Timeline", label: (from, to) => `What happened and what is due from ${from} to ${to}. Arrow keys move, plus and minus zoom, 0 follows now.`,
    drag: "Now. Drag to the right, or press the right arrow, to let time pass.", to: (when) => `let time pass to ${when}`,
    spans: [["10 min", 600], ["1 h", 3600], ["1 d", 86400], ["1 w", 604800], ["1 mo", 2678400], ["1 y", 31622400]],
    follow: "Follow now", requests: "requests", messages: "messages", others: (n) => `${n} more`, marks: (n) => `${n} at once`, shift: (h) => `clocks ${h > 0 ? "forward" : "back"} ${Math.abs(h)} h`,
    legend: { delivered: "delivered", failed: "failed", captured: "captured", due: "due" },
  },
  outcomes: { delivered: "delivered", failed: "failed", timeout: "timed out", refused: "refused", running: "under way", captured: "captured" },
  states: { scheduled: "scheduled", queued: "queued", running: "running", succeeded: "succeeded", failed: "failed", skipped: "skipped" },
  kinds: { cron: "fire of", run: "start of", task: "start of", retry: "retry of", failure: "failure webhook of", message: "delay ends:", lease: "lease ends:", push: "push from", attempt: "answer for" },
  happened: "What happened", comes: "What happens next", more: (n) => `and ${n} more`, total: (shown, all) => (shown < all ? `${shown} of ${all}` : `${all}`),
  none: { happened: "Nothing yet.", comes: "Nothing is due. Make a cron, a task or a delayed message.", crons: "No crons yet.", tasks: "No tasks yet.", queues: "No queues yet.", runs: "No runs yet.", deliveries: "No deliveries yet.", requests: "No requests yet.", messages: "No messages.", filtered: "Nothing fits the filter.", targets: "No scripts: deliveries go to real receivers or are captured.", faults: "No faults.", routes: "No routes.", unused: "Everything was met at least once.", relied: "No other answer would have changed anything.", meetings: "They do not meet in these days.", spent: "Nothing yet: no call was answered." },
  missed: (n) => `${n} older facts are no longer kept`,
  cols: { at: "When", what: "What", outcome: "Outcome", status: "Status", attempt: "Attempt", name: "Name", last: "Last runs", operation: "Operation", id: "Id", place: "Where", until: "Until", attempts: "Tries", payload: "Payload", key: "Key", now: "Now", mode: "Clock", requests: "Requests" },
  filter: { text: "Filter by text", status: "Status", all: "All", ok: "Succeeded", bad: "Failed" },
  cron: { pause: "Pause", resume: "Resume", trigger: "Trigger now", preview: "Preview", paused: "paused", once: "once", under: (n) => `${n} under way`, waiting: (n) => `${n} waiting` },
  queue: { available: "available", delayed: "delayed", in_flight: "in flight", dead: "dead", next: (time) => `changes ${time}`, peek: "Peek", hide: "Hide", publish: "Publish", purge: "Purge", redrive: "Redrive", payload: "Payload (JSON object)", delay: "Delay in seconds", pushed: (url) => `pushed to ${url}`, confirmPurge: (name) => `Remove all messages of ${name}?`, sure: "Yes, purge", no: "Keep them", bad: "The payload must be a JSON object." },
  detail: { request: "Request", answer: "Answer", body: "Body", attempts: "All attempts", copy: "Copy as curl", copied: "Copied", ignored: "Had no effect", replayed: (seq) => `Same answer as request ${seq} (idempotency key)`, note: "Note", routed: "Routed to", nothing: "No body." },
  signature: { title: "Signature", signed: (name) => `Signed: ${name}.`, none: "No signature header.", secret: "The secret that your receiver uses", fits: "This secret signs it", other: "Another secret was used", missing: (name) => `The header ${name} is missing`, base64: "No base64 behind whsec_", how: "Checked in this page, over the body as it was sent. The secret is sent nowhere and kept nowhere.", insecure: "A browser checks signatures only for pages from 127.0.0.1, localhost or https. Open the dashboard there, or use sched_emulator.signatures.verify." },
  met: { title: "Assumptions it asked", finding: "Replaying the session up to this request …", none: "It asked no open question.", shapes: "Names and forms", unknown: "The session is longer than what is kept of it." },
  outside: { answer: "Let a receiver answer", url: "URL (* is anything)", status: "Answers", statusHint: "503, 503, 200", script: "Script it", fail: "Let requests fail", operation: "Operation (* is anything)", code: "Status", times: "How often", add: "Add fault", targets: "Scripted receivers", faults: "Faults", routes: "Routes", unused: "Never met by anything", used: (n) => (n === 0 ? "not met yet" : n === 1 ? "met once" : `met ${n} times`), clear: "Clear all", five: "503 for the next five", then: { "repeat-last": "then the last again", cycle: "then from the start" } },
  assume: { relied: "What this session relied on", prove: "Prove it", proving: "Replaying the session under every other answer …", was: "came", would: "would have come", with: (other) => `with “${other}”`, all: "All open questions", changed: "switched", search: "Search", deflt: "default", before: "Replays the session under every other answer, and shows what would have come instead.", incomplete: "The session is longer than what is kept: there may be more." },
  preview: { expression: "Cron expression", zone: "Time zone", show: "Show", own: "or a cron of this sandbox", year: "The year ahead", total: (n, t) => `${n} fires in ${t} days`, day: (d, n, s) => `${d}: ${n} ${n === 1 ? "fire" : "fires"}${s ? `, clocks ${s > 0 ? "forward" : "back"}` : ""}`, month: "The month", changes: "Around a change of the clocks", meet: "Where several crons of this sandbox meet", check: "Look for meetings", meets: (n, more) => `${n}${more ? " or more" : ""} meetings in 31 days`, less: "less", moreFires: "more", nochange: "The clocks do not change in this zone.", local: "local", many: (n) => `${n} a day`, fires: "The next fires" },
  cost: { spent: "What calls have cost", by: "Cost by operation", calls: (n) => `for ${n} ${n === 1 ? "call" : "calls"}`, number: "Calls", days: 31, ahead: "What 31 days of these crons would cost", crons: (n) => `for ${n} ${n === 1 ? "cron" : "crons"}`, fires: "Fires", usd: "USD", free: "free", balance: "Balance", unlimited: "No limit", empty: "used up", set: "Balance in US dollars", put: "Set", lift: "No limit", rule: "Calls are drawn from it. A write that it does not cover is answered with 402; a top-up raises it.", unknown: "What calls cost is not known: the emulator was started without prices. The gateway tells them to everyone, so no key is needed.", then: "Each answer then says what it cost, and this panel adds up." },
  sandboxes: { look: "Look at it", looking: "looking at it", reset: "Reset", forget: "Forget", confirm: { reset: "Reset it?", forget: "Forget it?" }, yes: "Yes", no: "No", intro: "Each key is a sandbox with its own clock and everything in it." },
  empty: { title: "Nothing has happened yet", intro: "Paste one of these. This page shows what happens, as it happens.", copy: "Copy", curl: "curl", python: "Python", node: "Node", make: "Make a sandbox for ifr_local", noSandbox: "No sandbox yet" },
  keys: [["Space", "next event"], ["→ / ←", "move the timeline"], ["Shift →", "+1 hour"], ["+ / −", "zoom"], ["0", "follow now"], ["f", "freeze or run"], ["g", "go to a duration or instant"], ["1 – 9", "panels"], ["Esc", "close"], ["?", "this list"]],
  ago: { now: "now", in: (text) => `in ${text}`, past: (text) => `${text} ago` },
  units: [["y", 31557600e3], ["d", 86400e3], ["h", 3600e3], ["min", 60e3], ["s", 1e3], ["ms", 1]],
  failed: "That did not work",
};
export const PRICES = [
  ["Keep the gateway's prices, once", "sched-emulator drift --target https://api.infrai.cc --save prices.json"],
  ["Start the emulator with them", "sched-emulator serve --prices prices.json"],
];
export const SNIPPETS = (base) => ({
  curl: `curl ${base}/v1/scheduling/cron/create \\
  -H 'Authorization: Bearer ifr_local' \\
  -H 'Content-Type: application/json' \\
  -d '{"name": "hourly", "schedule": "0 * * * *", "url": "http://localhost:3000/jobs/hourly"}'`,
  python: `import json, urllib.request

urllib.request.urlopen(urllib.request.Request(
    "${base}/v1/scheduling/cron/create",
    json.dumps({"name": "hourly", "schedule": "0 * * * *", "url": "http://localhost:3000/jobs/hourly"}).encode(),
    {"Authorization": "Bearer ifr_local", "Content-Type": "application/json"},
))`,
  node: `await fetch("${base}/v1/scheduling/cron/create", {
  method: "POST",
  headers: { Authorization: "Bearer ifr_local", "Content-Type": "application/json" },
  body: JSON.stringify({ name: "hourly", schedule: "0 * * * *", url: "http://localhost:3000/jobs/hourly" }),
});`,
});
