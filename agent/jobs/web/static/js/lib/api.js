// The one JSON API: session, CSRF token, problem details, and the sentence for each of them.

import { said, sentences, t } from "./i18n.js";
import { found, lost } from "./offline.js";

export class Problem extends Error {
  constructor(status, body) {
    super(body.detail || "");
    this.status = status;
    this.kind = (body.type || "").split("/").pop() || "unreachable";
    this.body = body;
  }

  /** A sentence in the reader's language; the server's own words where the catalogue has none. */
  get sentence() {
    const own = t("problem." + this.kind, { wait: this.body.wait_s }, "");
    return own || (this.message ? whole(said(this.body.sentence || this.message)) : t("problem.unreachable"));
  }
}

/** A sentence of its own: with a capital letter and a full stop. */
export const whole = (text) => text[0].toUpperCase() + text.slice(1) + (/[.!?。！？]$/.test(text) ? "" : stop(text));
export const stop = (text) => (/\p{Script=Han}$/u.test(text) ? "。" : ".");

export const session = { signed_in: false, csrf: null };
// The router's moment of the last answer: from there on an event stream says whether something was missed.
export const moment = { asked: "" };
const watchers = [];
/** `call` runs whenever an answer says that the session is over. */
export const onSignedOut = (call) => watchers.push(call);

export async function call(method, path, body) {
  const answer = await ask(
    method,
    path,
    body === undefined ? undefined : JSON.stringify(body),
    body === undefined ? "" : "application/json",
  );
  return answer.status === 204 ? null : answer.json().catch(() => ({}));
}

/** Sends a file; gives the answer's value. */
export const send = async (method, path, blob) => (await ask(method, path, blob, blob.type)).json();

/** An answer that is a file; a request for the password comes as a Problem like elsewhere. */
export const fetchFile = async (method, path, body) =>
  (await ask(method, path, body && JSON.stringify(body), body && "application/json")).blob();

async function ask(method, path, body, type) {
  /** @type {Record<string, string>} */
  const headers = {};
  if (type) headers["Content-Type"] = type;
  if (session.csrf) headers["X-CSRF-Token"] = session.csrf;
  let answer;
  try {
    answer = await fetch("/api/v1" + path, { method, headers, body, cache: "no-store" });
  } catch {
    lost();
    throw new Problem(0, {});
  }
  found();
  moment.asked = answer.headers.get("Asked-At") || moment.asked;
  if (answer.ok) return answer;
  const [told] = await Promise.all([answer.json().catch(() => ({})), sentences()]);
  const problem = new Problem(answer.status, told);
  if (problem.kind === "sign-in") for (const watcher of watchers) watcher();
  throw problem;
}

/** Hands a file to the browser's downloads. */
export function keep(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

export const get = (path, query) => call("GET", path + search(query));
export const post = (path, body) => call("POST", path, body || {});
export const put = (path, body) => call("PUT", path, body || {});
export const patch = (path, body) => call("PATCH", path, body || {});
export const del = (path) => call("DELETE", path);

export function search(query) {
  const pairs = Object.entries(query || {}).filter(
    ([, value]) => value !== undefined && value !== null && value !== "",
  );
  return pairs.length ? "?" + new URLSearchParams(pairs) : "";
}

export async function loadSession() {
  Object.assign(session, await get("/session"));
  return session;
}

export function adopt(state) {
  Object.assign(session, state);
}

const PAGE = 200;
// What is drawn at once of a long listing; the rest when somebody asks.
const SHOWN = 100;

/** The first pages of a listing, and whether there are `more`. */
export async function pagesOf(path, query, pages, limit = SHOWN) {
  const items = [];
  let after;
  do {
    const page = await get(path, { ...query, limit, after });
    items.push(...page.items);
    after = page.next;
  } while (after && --pages > 0);
  return { items, more: Boolean(after) };
}

/** All of a listing, up to a bound. */
export const all = async (path, query, most = 2000) => (await pagesOf(path, query, most / PAGE, PAGE)).items;

/** Loads one after the other, so that an older answer never replaces a newer one. Calls that wait share one load. */
export function inTurn(load) {
  let last = Promise.resolve();
  let waiting = null;
  return () => {
    waiting =
      waiting ||
      last
        .catch(() => {})
        .then(() => {
          waiting = null;
          last = load();
          return last;
        });
    return waiting;
  };
}
