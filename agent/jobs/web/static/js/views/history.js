// What a device contacted: a week as a heat map, a day as a timeline, a list to search.

import { all, del, get, inTurn, patch, put } from "../api.js";
import { h } from "../dom.js";
import { t } from "../i18n.js";
import { icon } from "../icons.js";
import { clock, dayName, duration, midnight, shortDay, when } from "../time.js";
import { button, card, confirm, empty, heading, say, toast } from "../ui.js";
import { background } from "../background.js";
import { eraseAfterAsking, note } from "../switching.js";

const HOURS = [...Array(24).keys()];
const DAYS = 7;
const WAIT_FOR_TYPING_MS = 250;

export function history({ redraw, query }) {
  const state = { whom: [], who: null, back: 0, days: [], visits: [], search: "", hour: null };
  const wanted = Number(query.get("device"));
  let typing = null;
  const folds = background({ whom: () => state.who.query, period, row: (one) => row(one, clock), redraw });

  const load = inTurn(async () => {
    const { items } = await get("/devices");
    state.whom = whom(
      items.filter((one) => one.features.history.on || one.kept.visits || one.features.history.suspended),
    );
    const asked = state.who ? state.who.key : "device-" + wanted;
    state.who =
      state.whom.find((one) => one.key === asked) || state.whom.find((one) => one.visits) || state.whom[0] || null;
    if (state.who) await loadVisits();
  });

  // Whoever searches looks through everything; a day shows what somebody opened.
  function period() {
    return state.search ? { search: state.search } : { from: midnight(state.back), to: midnight(state.back - 1) };
  }

  async function loadVisits() {
    const tz_offset = -new Date().getTimezoneOffset() * 60;
    const show = state.search ? "all" : "visits";
    [state.days, state.visits] = await Promise.all([
      get("/history/days", { ...state.who.query, tz_offset }).then((page) => page.items),
      all("/history", { ...state.who.query, ...period(), show }, 1000),
      folds.refresh(),
    ]);
  }

  // Each device, and each person who has several.
  function whom(devices) {
    const people = new Map();
    for (const one of devices) if (one.person) people.set(one.person.id, [...(people.get(one.person.id) || []), one]);
    const several = [...people.values()]
      .filter((own) => own.length > 1)
      .map((own) => ({
        key: "person-" + own[0].person.id,
        label: own[0].person.name,
        query: { person_id: own[0].person.id },
        visits: own.some((one) => one.kept.visits),
        devices: own,
      }));
    return [
      ...several,
      ...devices.map((one) => ({
        key: "device-" + one.id,
        label: one.label,
        query: { device_id: one.id },
        visits: one.kept.visits,
        devices: [one],
      })),
    ];
  }

  async function pick(values) {
    Object.assign(state, { hour: null }, values);
    if (Object.keys(values).length) folds.clear();
    try {
      await loadVisits();
    } catch (error) {
      say(error);
    }
    redraw();
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
        t("history.contacted", { device: state.who.label }),
        " ",
        standing(state.who.devices),
        ".",
      ),
      searchField(),
      state.search ? found() : [week(), timeline(), list()],
    ];
  }

  function standing(devices) {
    const on = devices.filter((one) => one.features.history.on);
    if (devices.length === 1 || !on.length) return note(devices[0].features.history);
    return t("switch.some_devices", { n: on.length, of: devices.length });
  }

  const searchField = () =>
    h(
      "div.search",
      { key: "search" },
      icon("search"),
      h("input", {
        type: "search",
        "aria-label": t("history.search"),
        placeholder: t("history.search"),
        value: state.search,
        oninput: (event) => {
          const search = event.target.value.trim();
          clearTimeout(typing);
          typing = setTimeout(() => pick({ search }), WAIT_FOR_TYPING_MS);
        },
      }),
    );

  function week() {
    const rows = [...Array(DAYS).keys()].map((back) => ({
      back,
      start: midnight(back),
      hours: hoursOf(midnight(back)),
    }));
    const most = Math.max(1, ...rows.flatMap((row) => row.hours));
    return card(
      { key: "week" },
      h("h2", t("history.week")),
      h(
        "table.heat",
        h("caption.hidden", t("history.week_caption")),
        h("colgroup", h("col.heat-days")),
        h(
          "thead.hidden",
          h(
            "tr",
            h("th", t("history.day")),
            HOURS.map((hour) => h("th", { scope: "col" }, String(hour))),
          ),
        ),
        h(
          "tbody",
          rows.map(({ back, start, hours }) =>
            h(
              "tr",
              { class: back === state.back ? "picked" : "" },
              h(
                "th",
                { scope: "row" },
                h(
                  "button",
                  {
                    type: "button",
                    "aria-pressed": String(back === state.back),
                    "aria-label": dayName(start),
                    onclick: () => pick({ back }),
                  },
                  shortDay(start),
                ),
              ),
              hours.map((count) => h("td", { class: "heat-" + level(count, most) }, h("span.hidden", String(count)))),
            ),
          ),
        ),
      ),
      h(
        "div.heat-scale",
        { "aria-hidden": "true" },
        h("span", "0"),
        h("span", "6"),
        h("span", "12"),
        h("span", "18"),
        h("span", "24"),
      ),
    );
  }

  // The router's hours are in this browser's zone already, by tz_offset; a day is found by its middle.
  function hoursOf(start) {
    const row = state.days.find((one) => Math.abs(one.start - start) < 43200);
    return row ? row.hours : HOURS.map(() => 0);
  }

  const level = (count, most) => (count ? Math.max(1, Math.ceil((4 * Math.log(1 + count)) / Math.log(1 + most))) : 0);

  function timeline() {
    const start = midnight(state.back);
    const counts = HOURS.map((hour) => state.visits.filter((one) => hourOf(one) === hour).length);
    const most = Math.max(1, ...counts);
    return card(
      { key: "day" },
      h(
        "div.stepper",
        h(
          "button.round",
          { type: "button", "aria-label": t("history.earlier"), onclick: () => pick({ back: state.back + 1 }) },
          icon("back"),
        ),
        h("h2", { "aria-live": "polite" }, dayName(start)),
        h(
          "button.round",
          {
            type: "button",
            "aria-label": t("history.later"),
            disabled: state.back === 0,
            onclick: () => pick({ back: state.back - 1 }),
          },
          icon("next"),
        ),
      ),
      h(
        "div.timeline",
        { role: "group", "aria-label": t("history.hours") },
        counts.map((count, hour) =>
          h(
            "button.bar",
            {
              key: "hour-" + hour,
              type: "button",
              disabled: !count,
              "aria-pressed": String(hour === state.hour),
              "aria-label": t("history.hour", { n: count, hour: String(hour) }),
              title: t("history.hour", { n: count, hour: String(hour) }),
              onclick: () => {
                state.hour = state.hour === hour ? null : hour;
                redraw();
              },
            },
            h("span", { style: { height: count ? 12 + (88 * count) / most + "%" : "0" } }),
          ),
        ),
      ),
      h(
        "div.heat-scale",
        { "aria-hidden": "true" },
        h("span", "0"),
        h("span", "6"),
        h("span", "12"),
        h("span", "18"),
        h("span", "24"),
      ),
    );
  }

  const hourOf = (visit) => new Date(visit.last * 1000).getHours();

  function list() {
    const shown = state.visits.filter((one) => state.hour === null || hourOf(one) === state.hour);
    const on = state.who.devices.some((one) => one.features.history.on);
    if (!shown.length) return [h("p.nothing", t(on ? "history.quiet" : "history.none")), folds.apart()];
    const hours = [...new Set(shown.map(hourOf))];
    return card(
      { key: "list", class: "flush" },
      hours.map((hour) => [
        h("h3.hour", `${String(hour).padStart(2, "0")}:00`),
        h(
          "ul.visits",
          shown.filter((one) => hourOf(one) === hour).map((one) => row(one, clock)),
        ),
      ]),
      folds.apart(),
      h("div.actions.left.pad", button(t("history.erase_day"), eraseDay, { tone: "plain small", picture: "trash" })),
    );
  }

  const found = () =>
    card(
      { key: "found", class: "flush" },
      h("h3.group", t("history.found", { n: state.visits.length })),
      state.visits.length
        ? h(
            "ul.visits",
            state.visits.map((one) => row(one, when)),
          )
        : h("p.nothing", t("history.not_found")),
    );

  const row = (visit, format) =>
    h(
      "li",
      { key: "visit-" + visit.id },
      h(
        "details.visit",
        { class: visit.status },
        h(
          "summary",
          h("span.site", visit.site),
          visit.status === "disputed" ? h("span.badge.care", t("history.disputed")) : null,
          visit.background && state.search ? h("span.badge", t("history.background")) : null,
          h(
            "span.times",
            format(visit.first) + (visit.last - visit.first >= 60 ? `–${clock(visit.last)}` : ""),
            visit.last - visit.first >= 60 ? h("span.soft", duration(visit.last - visit.first)) : null,
          ),
        ),
        h(
          "div.visit-more",
          h(
            "p",
            t("history.accessed", {
              n: visit.hits,
              first: clock(visit.first),
              last: clock(visit.last),
              device: deviceOf(visit),
            }),
          ),
          h(
            "ul.hosts",
            visit.hosts.map((host) => h("li", host)),
          ),
          h("p.soft", t("history.source_" + visit.source)),
          folds.pulledIn(visit),
          h(
            "div.actions.left",
            button(t(visit.background ? "history.opened" : "history.not_opened"), () => sort(visit), {
              tone: "plain small",
              picture: "history",
            }),
            button(t(visit.status === "disputed" ? "history.undispute" : "history.dispute"), () => dispute(visit), {
              tone: "plain small",
              picture: "flag",
            }),
            button(t("history.remove"), () => remove(visit), { tone: "plain small", picture: "trash" }),
          ),
        ),
      ),
    );

  const deviceOf = (visit) => (state.who.devices.find((one) => one.id === visit.device_id) || state.who).label;

  async function dispute(visit) {
    const undo = visit.status === "disputed";
    try {
      await patch("/visits/" + visit.id, { undo });
      toast(t(undo ? "history.undisputed_done" : "history.disputed_done"));
    } catch (error) {
      say(error);
    }
    await pick({});
  }

  async function sort(visit) {
    try {
      await put(`/visits/${visit.id}/background`, { background: !visit.background });
      toast(t(visit.background ? "history.opened_done" : "history.not_opened_done"));
    } catch (error) {
      say(error);
    }
    await pick({});
  }

  async function eraseDay() {
    const what = { ...state.who.query, feature: "history", from: midnight(state.back), to: midnight(state.back - 1) };
    await eraseAfterAsking(what);
    await pick({});
  }

  async function remove(visit) {
    if (
      !(await confirm(
        t("history.remove_title"),
        t(visit.folded ? "history.remove_all_text" : "history.remove_text", {
          site: visit.site,
          when: when(visit.last),
          n: visit.folded,
        }),
        t("history.remove"),
      ))
    )
      return;
    try {
      await del("/visits/" + visit.id);
    } catch (error) {
      say(error);
    }
    await pick({});
  }

  return { load, draw, wants: ["status", "device", "feature", "history"] };
}
