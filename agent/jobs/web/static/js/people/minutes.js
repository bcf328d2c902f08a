// The minutes of use of a person or device: whether they are counted, today's and the days before, how many a day, and more.

import { get, inTurn, post, put } from "../lib/api.js";
import { h } from "../lib/dom.js";
import { series, t, told } from "../lib/i18n.js";
import { icon } from "../lib/icons.js";
import { day as dayWords } from "../lib/time.js";
import { button, card, choice, field, heading, say, toast, toggle } from "../lib/ui.js";
import { dayLong, DAYS } from "../lib/week.js";
import { formSheet, Wrong } from "../lib/form.js";
import { whose } from "./internet.js";
import { consent, eraseAfterAsking } from "./switches.js";

const SHOWN_DAYS = 14;
const STEPS = [0, 15, 30, 45, 60, 90, 120, 150, 180, 240, 300, 360];
const MORE = [15, 30, 60];
const BANK_MAX = 300;
const FREE = DAYS.map(() => null);
// Two choices are enough for most.
/** @type {[string, number, number][]} */
const PARTS = [
  ["school", 0, 5],
  ["weekend", 5, 7],
];

/** "45 min", "2 hours", "1 h 30 min" */
export function length(minutes) {
  if (minutes < 60) return t("internet.minutes", { n: minutes });
  const [hours, rest] = [Math.floor(minutes / 60), minutes % 60];
  return rest ? t("minutes.both", { h: hours, n: rest }) : t("internet.hours", { n: hours });
}

/** "1 h 20 min today, 40 min left"; null where nothing is counted. */
export const todayWords = (now) =>
  now && now.on
    ? now.left === null
      ? t("minutes.today", { time: length(now.today) })
      : t("minutes.today_left", { time: length(now.today), left: length(now.left) })
    : null;

/** The newest first. */
export const dayList = (items) =>
  h(
    "ul.plain-list.minutes",
    items.map((one) => h("li", h("span", dayWords(new Date(one.day + "T12:00").getTime() / 1000)), h("strong", length(one.minutes)))),
  );

/** `about()` gives the owner; `back` is the address of their page. */
export function minutes({ redraw, about, back }) {
  /** @type {Record<string, any>} */
  const state = { usage: null, week: FREE, each: false, changed: false, busy: false };

  const load = inTurn(async () => {
    state.usage = await get(whose(about()).path + "/usage", { days: SHOWN_DAYS });
    if (state.changed) return;
    state.week = state.usage.week || FREE;
    state.each = state.each || PARTS.some(([, from, to]) => new Set(state.week.slice(from, to)).size > 1);
  });

  async function reload() {
    await load().catch(say);
    redraw();
  }

  /** What the router says no to is said, and what is so then is shown. */
  const doing = (step) => async () => {
    try {
      await step();
    } catch (error) {
      say(error);
    }
    await reload();
  };

  function draw() {
    const { label } = whose(about());
    return [
      h("a.back", { href: back, "data-go": true }, icon("back"), label),
      heading(t("minutes.title", { who: label })),
      counting(),
      allowance(),
      state.usage.week ? more() : null,
      state.usage.items.length ? card({ key: "days" }, h("h2", t("minutes.days")), dayList(state.usage.items)) : null,
    ];
  }

  function counting() {
    const { usage } = state;
    const { label } = whose(about());
    const on = usage.consent === "on";
    const left = (on && usage.not_counted) || [];
    return card(
      { key: "counting" },
      on ? h("p.internet-state.large", icon("clock"), h("span", todayWords(usage.now))) : null,
      toggle({
        key: "usage",
        label: t("feature.usage"),
        of: label,
        on: left.length ? "mixed" : on,
        busy: state.busy,
        note: left.length ? t("minutes.not_on", { names: series(left) }) : t("minutes.consent_" + usage.consent),
        onchange: (wanted) => turn(left.length ? true : wanted),
      }),
      left.length ? h("p", button(t("switch.all_off"), () => turn(false), { tone: "plain small" })) : null,
      usage.trouble ? h("p.care-text", told(usage, "trouble")) : null,
      h("p.hint", t("minutes.about")),
    );
  }

  async function turn(on) {
    const { path, label, body } = whose(about());
    const agree = on ? await consent("usage", label) : null;
    if (on && !agree) return;
    state.busy = true;
    redraw();
    try {
      const done = await put(path + "/features/usage", on ? { on, agree } : { on });
      if (on && state.usage.consent === "off" && done.device && !done.device.features.usage.on) toast(t("switch.waiting_agreement"));
      if (!on && done.remaining)
        toast(t("minutes.remain", { n: done.remaining }), {
          label: t("switch.delete_now"),
          call: () => eraseAfterAsking({ ...body, feature: "usage" }).then(reload),
        });
    } catch (error) {
      say(error);
    }
    state.busy = false;
    await reload();
  }

  const allowance = () =>
    card(
      { key: "allowance", class: state.changed ? "save changed" : "save" },
      h("h2", t("minutes.allowance")),
      h("p.soft", t(state.usage.resets === "wake" ? "minutes.allowance_text_wake" : "minutes.allowance_text")),
      state.each
        ? DAYS.map((day, at) => amount(day, dayLong(day), at, at + 1))
        : PARTS.map(([name, from, to]) => amount(name, t("minutes." + name), from, to)),
      h(
        "div.actions.left",
        state.changed
          ? [
              button(t("minutes.save"), doing(save), { tone: "primary" }),
              button(t("times.discard"), doing(async () => void Object.assign(state, { changed: false })), { tone: "plain" }),
            ]
          : null,
        state.each ? null : button(t("minutes.each"), () => (Object.assign(state, { each: true }), redraw()), { tone: "plain small" }),
      ),
    );

  function amount(name, label, from, to) {
    const value = state.week[from];
    const steps = value === null || STEPS.includes(value) ? STEPS : [...STEPS, value].sort((one, other) => one - other);
    return choice({
      name: "allowance-" + name,
      label,
      value: value === null ? "" : String(value),
      options: [["", t("minutes.no_limit")], ...steps.map((one) => [String(one), length(one)])],
      onchange: (chosen) => {
        const week = state.week.map((one, at) => (at >= from && at < to ? (chosen === "" ? null : Number(chosen)) : one));
        Object.assign(state, { week, changed: true });
        redraw();
      },
    });
  }

  async function save() {
    await put(whose(about()).path + "/allowance", { minutes: state.week.every((one) => one === null) ? null : state.week });
    state.changed = false;
    toast(t("saved"));
  }

  const give = (minutes, more = {}) => post(whose(about()).path + "/bonus", { minutes, ...more });

  const more = () =>
    card(
      { key: "more" },
      h("h2", t("minutes.more")),
      h(
        "div.actions.left",
        MORE.map((one) =>
          button("+" + length(one), doing(() => give(one)), { tone: "plain small", "aria-label": t("minutes.give_today", { time: length(one) }) }),
        ),
        button(t("minutes.bank_fill"), bankSheet, { tone: "plain small" }),
      ),
      state.usage.bonuses.length
        ? h(
            "ul.plain-list",
            state.usage.bonuses.map((one) => h("li", icon("plus"), t(one.text ? "minutes.given_for" : "minutes.given", { time: length(one.minutes), what: one.text }))),
          )
        : null,
      h("p.soft", t("minutes.bank", { time: length(state.usage.bank) })),
    );

  const bankSheet = () =>
    formSheet(t("minutes.bank_fill"), {
      names: ["minutes"],
      go: t("minutes.bank_go"),
      submit: async (values) => {
        const typed = Number(values.minutes);
        if (!Number.isInteger(typed) || typed < 1 || typed > BANK_MAX) throw new Wrong("minutes", t("minutes.bank_wrong", { n: BANK_MAX }));
        await give(typed, { bank: true });
        await reload();
      },
      build: (at) => [
        h("p.soft", t("minutes.bank_text")),
        field({ name: "minutes", label: t("minutes.bank_minutes"), value: "30", inputmode: "numeric", autocomplete: "off", error: at("minutes") }),
      ],
    });

  return { load, draw, wants: ["limits", "hold", "device", "feature", "usage"] };
}
