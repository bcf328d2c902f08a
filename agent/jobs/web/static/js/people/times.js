// The times of a person or device: tonight, the week as seven bars with the rows of a day, holidays, and all of it in words.

import { get, inTurn, post, put } from "../lib/api.js";
import { h } from "../lib/dom.js";
import { pair, series, t } from "../lib/i18n.js";
import { icon } from "../lib/icons.js";
import { clock, offset } from "../lib/time.js";
import { button, card, choice, field, heading, say, toast } from "../lib/ui.js";
import {
  byDay,
  copied,
  dayLetter,
  dayLong,
  DAYS,
  minutesOf,
  MINUTES,
  pieces,
  SCHOOL,
  sentences,
  SUGGESTED,
  timeText,
  timeWords,
  WINDOWS_MAX,
  windowsOf,
} from "../lib/week.js";
import { holidays } from "./holidays.js";
import { internetRow, timeCode, whose } from "./internet.js";

const KINDS = ["bedtime", "break", "homework"];
const LATER_S = 1800;
const NEW = { kind: "bedtime", begin: 1230, end: 420, label: "" };
const today = () => DAYS[(new Date().getDay() + 6) % 7];

/** `about()` gives the owner and what the first view knows of them; `back` is the address of their page. */
export function times({ redraw, about, back }) {
  const state = { limits: null, version: null, usual: byDay([]), holiday: byDay([]), dates: [], at: "usual", day: today(), changed: false, wrong: null };

  const load = inTurn(async () => {
    const { path } = whose(about());
    state.limits = await get(path + "/limits");
    if (!state.changed) adopt();
  });

  function adopt() {
    const { windows, dates, version } = state.limits;
    // What is saved goes by what the draft was made of, however often the page hears of others meanwhile.
    Object.assign(state, { version, usual: byDay(windows), holiday: byDay(windows, true), dates: dates || [], changed: false, wrong: null });
  }

  async function reload() {
    await load().catch(say);
    redraw();
  }

  const change = (values) => {
    Object.assign(state, values, { changed: true });
    redraw();
  };
  const week = () => state[state.at];
  const setWeek = (made) => change({ [state.at]: made });
  const windows = () => [...windowsOf(state.usual), ...windowsOf(state.holiday, true)];

  function draw() {
    const owner = about();
    const { label } = whose(owner);
    return [
      h("a.back", { href: back, "data-go": true }, icon("back"), label),
      heading(t("times.title", { who: label })),
      standing(owner),
      tonight(owner),
      suggestion(owner),
      weekCard(),
      saveCard(owner),
      holidays(state, change, redraw),
      clockCard(),
    ];
  }

  function standing(owner) {
    const { now, next, consent } = state.limits;
    if (consent === "waiting") return h("p.care-text", t("times.waiting", { who: whose(owner).label }));
    if (consent === "suspended")
      return card({ key: "suspended", class: "care" }, h("p", t("times.suspended")), button(t("times.confirm"), () => turnOn(owner), { tone: "primary" }));
    const until = now.held ? now.until : next && next.at;
    return card({ key: "now" }, internetRow(owner, { held: now.held, why: now.why, until }, reload));
  }

  /** Once, for the window that runs or comes next. */
  function tonight(owner) {
    if (!state.limits.windows.length) return null;
    const once = (kind, seconds) => async () => {
      try {
        await post(whose(owner).path + "/exceptions", { kind, ...(seconds ? { seconds } : {}) });
        toast(t("times.done_" + kind));
      } catch (error) {
        say(error);
      }
      await reload();
    };
    return card(
      { key: "tonight" },
      h("h2", t("times.tonight")),
      h(
        "div.actions.left",
        button(t("times.off"), once("off"), { tone: "plain small" }),
        button(t("times.later"), once("later", LATER_S), { tone: "plain small" }),
        button(t("times.earlier"), once("earlier"), { tone: "plain small" }),
        button(t("times.code"), timeCode, { tone: "plain small", picture: "lock" }),
      ),
    );
  }

  function suggestion({ person }) {
    const proposed = person && SUGGESTED[person.group];
    if (!proposed || windows().length) return null;
    return card(
      { key: "suggestion" },
      h("h2", t("times.suggested", { group: t("group." + person.group) })),
      h("ul.plain-list", sentences(windowsOf(proposed())).map((one) => h("li", icon("moon"), one))),
      h(
        "div.actions.left",
        button(t("times.use"), () => change({ usual: proposed() }), { tone: "primary" }),
      ),
    );
  }

  const weekCard = () =>
    card(
      { key: "week" },
      h(
        "div.chips.sheet-chips",
        { role: "group", "aria-label": t("times.which_week") },
        ["usual", "holiday"].map((one) =>
          h(
            "button.chip",
            { type: "button", "aria-pressed": String(state.at === one), onclick: () => (Object.assign(state, { at: one, wrong: null }), redraw()) },
            t("times.week_" + one),
          ),
        ),
      ),
      h("div.week", DAYS.map(bar)),
      dayRows(),
    );

  const bar = (day) =>
    h(
      "button.week-day",
      {
        type: "button",
        key: "bar-" + day,
        "aria-pressed": String(state.day === day),
        "aria-label": pair(dayLong(day), dayInWords(day)),
        onclick: () => (Object.assign(state, { day, wrong: null }), redraw()),
      },
      h(
        "span.week-bar",
        pieces(week(), day).map(({ kind, from, to }) =>
          h("span.week-piece", {
            class: kind,
            style: { top: `${(from / MINUTES) * 100}%`, height: `${((to - from) / MINUTES) * 100}%` },
          }),
        ),
      ),
      h("span.week-name", dayLetter(day)),
    );

  const dayInWords = (day) =>
    series(week()[day].map((row) => `${t("times.kind_" + row.kind)} ${timeWords(row.begin)}–${timeWords(row.end)}`)) || t("times.free");

  function dayRows() {
    const rows = week()[state.day];
    const edit = (made) => setWeek({ ...week(), [state.day]: made });
    return h(
      "div.day-rows",
      { key: "rows-" + state.at + state.day },
      h("h2", dayLong(state.day)),
      rows.length ? rows.map((row, index) => windowRow(row, index, edit)) : h("p.soft", t("times.free")),
      h(
        "div.actions.left",
        windows().length < WINDOWS_MAX
          ? button(t("times.add"), () => edit([...rows, { ...NEW }]), { tone: "plain small", picture: "plus" })
          : null,
        rows.length
          ? [
              button(t("times.copy_school"), () => setWeek(copied(week(), state.day, SCHOOL)), { tone: "plain small" }),
              button(t("times.copy_all"), () => setWeek(copied(week(), state.day, DAYS)), { tone: "plain small" }),
            ]
          : null,
      ),
    );
  }

  function windowRow(row, index, edit) {
    const rows = week()[state.day];
    const replaced = (values) => edit(rows.map((one, at) => (at === index ? { ...one, ...values } : one)));
    const time = (name) => {
      const place = `${name}-${state.at}-${state.day}-${index}`;
      return field({
        name: place,
        label: t("times." + name),
        value: timeText(row[name]),
        autocomplete: "off",
        error: state.wrong === place ? t("times.no_time") : null,
        onchange: (event) => {
          const minutes = minutesOf(event.target.value);
          if (minutes === null) {
            state.wrong = place;
            return redraw();
          }
          state.wrong = null;
          event.target.value = timeText(minutes);
          replaced({ [name]: minutes });
        },
      });
    };
    return h(
      "div.window",
      { key: `window-${index}` },
      choice({
        name: `kind-${state.at}-${state.day}-${index}`,
        label: t("times.kind"),
        value: row.kind,
        options: KINDS.map((kind) => [kind, t("times.kind_" + kind)]),
        onchange: (kind) => replaced({ kind }),
      }),
      time("begin"),
      time("end"),
      h(
        "button.round",
        { type: "button", "aria-label": t("times.remove", { time: timeText(row.begin) }), onclick: () => edit(rows.filter((_, at) => at !== index)) },
        icon("trash"),
      ),
    );
  }

  const saveCard = (owner) =>
    card(
      { key: "save", class: state.changed ? "save changed" : "save" },
      h("h2", t("times.in_words")),
      windows().length
        ? h("ul.plain-list", { "aria-live": "polite" }, sentences(windows()).map((one) => h("li", icon("clock"), one)))
        : h("p.soft", t("times.none")),
      h("p.hint", t("times.nothing_recorded")),
      state.changed
        ? h(
            "div.actions.left",
            button(t("times.save"), () => save(owner), { tone: "primary" }),
            button(t("times.discard"), () => (adopt(), redraw()), { tone: "plain" }),
          )
        : null,
    );

  async function save(owner) {
    try {
      await put(whose(owner).path + "/limits", { windows: windows(), dates: state.dates, version: state.version });
      state.changed = false;
      toast(t("saved"));
    } catch (error) {
      // Somebody else's change is shown beneath this one, which stays until it is saved or discarded.
      say(error);
    }
    await reload();
    // It was shown now: the next save is meant.
    state.version = state.limits.version;
    if (!state.changed && state.limits.consent === "off" && windows().length) await turnOn(owner);
  }

  async function turnOn(owner) {
    try {
      const { items } = await get("/features");
      await put(whose(owner).path + "/features/limits", { on: true, agree: items.find((one) => one.name === "limits").version });
    } catch (error) {
      say(error);
    }
    await reload();
  }

  /** "Berlin, summer time", or what the zone is east of UTC. */
  function zoneWords() {
    const { place, summer, offset_min: east } = state.limits.clock;
    const name = place ? place.split("/").pop().replaceAll("_", " ") : `UTC${east < 0 ? "−" : "+"}${Math.abs(east) / 60}`;
    return summer ? t("times.summer", { place: name }) : name;
  }

  /** The router's clock decides, not this browser's. */
  function clockCard() {
    const { trusted, offset_min: east, now } = state.limits.clock;
    const here = offset() / 60;
    const shown = clock(now + east * 60 - here * 60);
    return card(
      { key: "clock" },
      h("p.soft", t("times.router_clock", { time: shown, zone: zoneWords() })),
      trusted ? null : h("p.care-text", t("times.clock_unknown")),
      east === here ? null : h("p.care-text", t("times.clock_differs", { time: clock(now) })),
    );
  }

  return { load, draw, wants: ["limits", "hold", "device", "feature"] };
}
