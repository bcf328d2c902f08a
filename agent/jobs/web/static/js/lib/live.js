// The event stream: open while somebody looks, closed while the tab is hidden, so that the router may sleep.

import { get, moment, search } from "./api.js";
import { found, lost } from "./offline.js";

// Looking is use, a forgotten stream is not: a visible page says so this often.
const PRESENCE_MS = 4 * 60 * 1000;
const KINDS = ["device", "feature", "attempt", "history", "ledger", "lists", "status", "request", "report", "hold", "limits", "usage"];
// Several events of one change become one look.
const GATHER_MS = 120;

let source = null;
let path = null;
let asked = "";
/** @type {(kinds: Set<string>) => void} */
let call = () => {};
/** @type {(event: object) => void} */
let tell = () => {};
let gathering = null;
let presence = null;
let kinds = new Set();

/** Run `change(kinds)` after events, `told(event)` for each warning; the stream lives until `unfollow()`, and goes on for
 * whoever follows the same address next.
 * @param {string} address @param {(kinds: Set<string>) => void} change @param {(event: any) => void} [told] */
export function follow(address, change, told = () => {}) {
  if (address !== path) {
    unfollow();
    // What is loaded from here on is asked for later than this.
    asked = moment.asked;
  }
  path = address;
  call = change;
  tell = told;
  open();
}

export function unfollow() {
  path = null;
  close();
}

function open() {
  if (!path || source || document.hidden) return;
  // What happened before the stream stands is told first, as a change of "status".
  source = new EventSource("/api/v1" + path + search({ asked }));
  for (const kind of KINDS) source.addEventListener(kind, () => gather(kind));
  // A warning is in no list that could be asked for: the event is all there is.
  source.addEventListener("lookalike", (event) => tell(JSON.parse(event.data)));
  // The job says good night; the next look wakes it.
  source.addEventListener("sleep", close);
  source.addEventListener("open", found);
  source.addEventListener("error", lost);
  presence = setInterval(() => get("/session").catch(() => {}), PRESENCE_MS);
}

function close() {
  if (source) source.close();
  source = null;
  clearInterval(presence);
}

function gather(kind) {
  kinds.add(kind);
  if (gathering) return;
  gathering = setTimeout(() => {
    const seen = kinds;
    kinds = new Set();
    gathering = null;
    if (path) call(seen);
  }, GATHER_MS);
}

document.addEventListener("visibilitychange", () => {
  if (document.hidden) close();
  else open();
});
for (const kind of ["pointerdown", "keydown"]) document.addEventListener(kind, () => open(), { passive: true });
