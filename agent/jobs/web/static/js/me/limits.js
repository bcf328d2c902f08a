// /me: whether this device has internet now, until when and why, the rules in words, who changed them, and asking for more.

import { get, post, put } from "../lib/api.js";
import { h } from "../lib/dom.js";
import { pair, said, t } from "../lib/i18n.js";
import { icon } from "../lib/icons.js";
import { when } from "../lib/time.js";
import { formSheet, Wrong } from "../lib/form.js";
import { button, card, choice, field, fold, textarea, toast } from "../lib/ui.js";
import { DAYS, minutesOf, sentences, timeText } from "../lib/week.js";
import { lengthWords, stateText } from "../people/internet.js";

const ASKED = [900, 1800, 3600];

/** Null where no limits are on for this device. */
export const limitsCard = ({ limits, requests }, load) =>
  limits && limits.now && (limits.consent !== "off" || limits.now.held)
    ? [nowCard(limits, openRequest(requests || []), load), changes(limits.changed || [])]
    : null;

const openRequest = (requests) => requests.some((one) => one.state === "open" && ["time", "tonight"].includes(one.kind));

function nowCard({ now, next, windows, words }, waiting, load) {
  const until = now.held ? now.until : next && next.at;
  const left = until ? Math.ceil((until - Date.now() / 1000) / 60) : 0;
  const rules = windows ? sentences(windows) : (words || []).map(said);
  return card(
    { key: "limits", class: now.held ? "limits held" : "limits" },
    h("p.internet-state.large", icon(now.held ? "moon" : "globe"), h("span", stateText({ ...now, until }, "me.held_off_open"))),
    left > 0 && left <= 60 ? h("p", { role: "timer" }, t(now.held ? "me.back_in" : "me.off_in", { n: left })) : null,
    rules.length ? h("ul.plain-list", rules.map((one) => h("li", icon("clock"), one))) : null,
    h("p.soft", t("me.limits_text")),
    waiting ? [h("p.soft", t("me.asked")), codeButton(load)] : askButtons(load),
  );
}

const askButtons = (load) => [
  h("h2", t("me.ask_title")),
  h(
    "div.actions.left",
    ASKED.map((seconds) =>
      button(lengthWords(seconds), () => ask({ kind: "time", seconds }, load), {
        tone: "plain small",
        "aria-label": t("me.ask_minutes", { n: seconds / 60 }),
      }),
    ),
    button(t("requests.tonight"), () => ask({ kind: "tonight" }, load), { tone: "plain small", "aria-label": t("me.ask_tonight") }),
  ),
  codeButton(load),
];

const changes = (changed) =>
  changed.length
    ? fold(
        t("me.limits_changed"),
        { key: "limits-changed" },
        h(
          "ul.plain-list",
          changed.map((one) => h("li", h("span", `${when(one.at)} · ${pair(t("actor." + one.who.split(":")[0], {}, one.who), t("activity." + one.what, {}, one.what))}`))),
        ),
      )
    : null;

const codeButton = (load) => h("div.actions.left", button(t("me.code"), () => typed(load), { tone: "plain small", picture: "lock" }));

/** The code that whoever looks after the network has on their own screen. */
const typed = (load) =>
  formSheet(t("me.code"), {
    names: ["code"],
    go: t("me.code_go"),
    submit: async ({ code, grant }) => {
      if (!code.trim()) throw new Wrong("code", t("me.code_missing"));
      await post("/me/time-code", { code: code.trim(), grant: grant === "tonight" ? grant : Number(grant) });
      toast(t("me.code_done"));
      await load();
    },
    build: (at) => [
      h("p.soft", t("me.code_text")),
      field({ name: "code", label: t("pin.code"), inputmode: "numeric", autocomplete: "off", maxlength: 9, required: true, autofocus: true, error: at("code") }),
      choice({
        name: "grant",
        label: t("me.code_for"),
        value: "900",
        options: [...ASKED.map((seconds) => [String(seconds), lengthWords(seconds)]), ["tonight", t("requests.tonight")]],
      }),
    ],
  });

/** A line may go with it. */
const ask = (what, load) =>
  formSheet(t("me.ask_title"), {
    names: ["text"],
    go: t("request.go"),
    submit: async (values) => {
      const text = values.text.trim().replace(/\s+/g, " ");
      await post("/me/requests", { ...what, ...(text ? { text } : {}) });
      toast(t("request.sent"));
      await load();
    },
    build: (at) => textarea({ name: "text", label: t("me.ask_text"), rows: 2, maxlength: 200, error: at("text") }),
  });

/** An adult's own bedtime: their own word, with their PIN. */
export const ownTimes = ({ limits, pin }, load) =>
  card(
    { key: "own-times" },
    h("h2", t("me.own_times")),
    h("p.soft", t("me.own_times_text")),
    h("div.actions.left", button(t("me.own_times_set"), () => (pin.entered ? ownBedtime(limits, pin, load) : toast(t("me.pin_first"))), { tone: "plain small" })),
  );

async function ownBedtime(limits, pin, load) {
  const [row] = (await get("/features")).items.filter((one) => one.name === "limits");
  const [first] = (limits.windows || []).filter((one) => one.kind === "bedtime");
  await formSheet(t("me.own_times"), {
    names: ["begin", "end", "pin"],
    go: t("save"),
    submit: async ({ begin, end, pin: given }) => {
      const none = !begin.trim() && !end.trim();
      const [from, to] = [minutesOf(begin), minutesOf(end)];
      if (!none && from === null) throw new Wrong("begin", t("times.no_time"));
      if (!none && to === null) throw new Wrong("end", t("times.no_time"));
      const windows = none ? [] : [{ kind: "bedtime", days: DAYS.join(","), begin: timeText(from), end: timeText(to) }];
      await put("/me/limits", { windows, agree: row.version, ...(given ? { pin: given } : {}) });
      toast(t("saved"));
      await load();
    },
    build: (at) => [
      h("p.soft", t("me.own_times_form")),
      field({ name: "begin", label: t("times.begin"), value: first ? first.begin : "", error: at("begin") }),
      field({ name: "end", label: t("times.end"), value: first ? first.end : "", error: at("end") }),
      pin.proven ? null : field({ name: "pin", id: "pin-times", label: t("pin.pin"), type: "password", autocomplete: "current-password", error: at("pin") }),
    ],
  });
}
