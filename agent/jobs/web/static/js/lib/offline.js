// Whether the router can be reached: one line above every view says since when not, and tries again.

import { h } from "./dom.js";
import { t } from "./i18n.js";
import { clock } from "./time.js";

// A stream that comes back within this was never away for a reader.
const SHORT_MS = 1500;
const AGAIN_MS = 5000;

let lostAt = null;
let waiting = null;
let again = null;
let retry = () => {};
let back = () => {};
/** @type {Set<() => void>} */
const sooner = new Set();

/** `ask()` reaches out to the router, `found()` runs when it answers again. */
export function watchConnection(ask, found) {
  retry = () => ask().catch(() => {});
  back = found;
}

/** Whether the line stands there. */
export const offline = () => Boolean(bar().firstChild);

/** `withdraw()` takes back a message that the line says as well, if the line comes. */
export const untilLine = (withdraw) => sooner.add(withdraw);

export function lost() {
  if (lostAt) return;
  lostAt = Date.now() / 1000;
  waiting = setTimeout(show, SHORT_MS);
  again = setInterval(() => retry(), AGAIN_MS);
}

export function found() {
  sooner.clear();
  if (!lostAt) return;
  const shown = offline();
  clearTimeout(waiting);
  clearInterval(again);
  lostAt = null;
  bar().replaceChildren();
  document.documentElement.classList.remove("offline");
  if (shown) back();
}

const bar = () => document.getElementById("offline");

function show() {
  document.documentElement.classList.add("offline");
  bar().replaceChildren(
    h("span", t("offline.since", { when: clock(lostAt) })),
    h("button.link", { type: "button", onclick: () => retry() }, t("offline.retry")),
  );
  for (const withdraw of sooner) withdraw();
  sooner.clear();
}
