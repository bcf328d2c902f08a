// What a device visited: a week as a heat map, a day as a timeline, a list to search.

import { get, inTurn, pagesOf, stop } from "../lib/api.js";
import { h } from "../lib/dom.js";
import { background } from "../history/background.js";
import { timeline } from "../history/day.js";
import { hourOf } from "../history/hours.js";
import { visitRow } from "../history/visit.js";
import { hoursOf, week } from "../history/week.js";
import { whom } from "../history/whom.js";
import { t } from "../lib/i18n.js";
import { eraseAfterAsking, note } from "../people/switches.js";
import { clock, midnight, offset, when } from "../lib/time.js";
import { button, card, empty, heading, say, searchField } from "../lib/ui.js";

const WAIT_FOR_TYPING_MS = 250;

export function history({ redraw, query }) {
  const state = {
    whom: [],
    who: null,
    back: 0,
    days: [],
    visits: [],
    more: false,
    pages: 1,
    search: "",
    hour: null,
  };
  const wanted = Number(query.get("device"));
  let typing = null;
  const folds = background({ whom: () => state.who.query, period, row: (one) => row(one, clock), redraw });

  const load = inTurn(async () => {
    const { items } = await get("/devices");
    state.whom = whom(
      items.filter((one) => one.features.history.on || one.kept?.visits || one.features.history.suspended),
    );
    const asked = state.who ? state.who.key : "device-" + wanted;
    state.who =
      state.whom.find((one) => one.key === asked) || state.whom.find((one) => one.visits) || state.whom[0] || null;
    if (state.who) await loadVisits();
  });

  // Whoever searches looks through everything; a day shows what somebody opened.
  function period() {
    if (state.search) return { search: state.search };
    if (state.hour === null) return { from: midnight(state.back), to: midnight(state.back - 1) };
    const hour = (n) => new Date(midnight(state.back) * 1000).setHours(n) / 1000;
    return { from: hour(state.hour), to: hour(state.hour + 1) };
  }

  const loadVisits = inTurn(async () => {
    const show = state.search ? "all" : "visits";
    const [days, found] = await Promise.all([
      get("/history/days", { ...state.who.query, tz_offset: offset() }),
      pagesOf("/history", { ...state.who.query, ...period(), show }, state.pages),
      folds.refresh(),
    ]);
    Object.assign(state, { days: days.items, visits: found.items, more: found.more });
  });

  // Other visits are looked at from here on.
  function pick(values) {
    Object.assign(state, { hour: null, pages: 1 }, values);
    folds.clear();
    return refresh();
  }

  async function refresh() {
    try {
      await loadVisits();
    } catch (error) {
      say(error);
    }
    redraw();
  }

  function more() {
    state.pages += 1;
    return refresh();
  }

  function draw() {
    if (!state.who) {
      return [
        heading(t("nav.history")),
        empty(
          "history",
          t("history.empty"),
          t("history.empty_text"),
          h("a.button.primary", { href: "/", "data-go": true }, t("history.empty_go")),
        ),
      ];
    }
    return [
      heading(t("nav.history")),
      h(
        "div.chips",
        { role: "group", "aria-label": t("history.which") },
        state.whom.map((one) =>
          h(
            "button.chip",
            {
              key: one.key,
              type: "button",
              "aria-pressed": String(one === state.who),
              onclick: () => pick({ who: one }),
            },
            one.label,
          ),
        ),
      ),
      h(
        "p.soft",
        t("history.visited", { device: state.who.label }),
        " ",
        standing(state.who.devices),
        stop(standing(state.who.devices)),
      ),
      searchField(t("history.search"), state.search, typedSearch),
      state.search
        ? found()
        : [
            week(state, (back) => pick({ back })),
            timeline(state, hoursOf(state.days, midnight(state.back)), { go: (back) => pick({ back }), choose }),
            list(),
          ],
    ];
  }

  const choose = (hour) => pick({ hour });

  const row = (visit, format) =>
    visitRow(visit, format, { found: Boolean(state.search), deviceOf, folds, reload: refresh });

  const deviceOf = (visit) => (state.who.devices.find((one) => one.id === visit.device_id) || state.who).label;

  function standing(devices) {
    const on = devices.filter((one) => one.features.history.on);
    if (devices.length === 1 || !on.length) return note(devices[0].features.history);
    return t("switch.some_devices", { n: on.length, of: devices.length });
  }

  function typedSearch(text) {
    clearTimeout(typing);
    typing = setTimeout(() => pick({ search: text.trim() }), WAIT_FOR_TYPING_MS);
  }

  function list() {
    const shown = state.visits;
    const on = state.who.devices.some((one) => one.features.history.on);
    if (!shown.length) return [h("p.nothing", t(on ? "history.quiet" : "history.none")), folds.apart()];
    const inHour = (one) => hourOf(one, period().to);
    const hours = [...new Set(shown.map(inHour))];
    return card(
      { key: "list", class: "flush" },
      hours.map((hour) => [
        h("h3.hour", `${String(hour).padStart(2, "0")}:00`),
        h(
          "ul.visits",
          shown.filter((one) => inHour(one) === hour).map((one) => row(one, clock)),
        ),
      ]),
      state.more ? button(t("more"), more, { tone: "plain wide" }) : null,
      folds.apart(),
      h("div.actions.left.pad", button(t("history.delete_day"), eraseDay, { tone: "plain small", picture: "trash" })),
    );
  }

  const found = () =>
    card(
      { key: "found", class: "flush" },
      h("h2.group", t(state.more ? "history.found_more" : "history.found", { n: state.visits.length })),
      state.visits.length
        ? h(
            "ul.visits",
            state.visits.map((one) => row(one, when)),
          )
        : h("p.nothing", t("history.not_found")),
      state.more ? button(t("more"), more, { tone: "plain wide" }) : null,
    );

  async function eraseDay() {
    const what = { ...state.who.query, feature: "history", from: midnight(state.back), to: midnight(state.back - 1) };
    await eraseAfterAsking(what);
    await refresh();
  }

  return { load, draw, wants: ["status", "device", "feature", "history"] };
}
