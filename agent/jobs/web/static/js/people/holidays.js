// The days on which the holiday week stands for the usual one: ranges of dates, added and removed.

import { h } from "../lib/dom.js";
import { locale, t } from "../lib/i18n.js";
import { icon } from "../lib/icons.js";
import { field, fold } from "../lib/ui.js";

const inWords = (text) =>
  new Date(text + "T12:00").toLocaleDateString(locale.region, { day: "numeric", month: "short", year: "numeric" });

/** `state.dates` are the ranges, `state.wrong` what is wrong now; `change({dates})` makes them others. */
export const holidays = (state, change, redraw) =>
  fold(
    t("times.holidays"),
    { key: "holidays" },
    h("p.soft", t("times.holidays_text")),
    h(
      "ul.rows.plain",
      state.dates.map((one, index) =>
        h(
          "li.row",
          { key: "dates-" + index },
          h("span.row-main", t("times.dates", { first: inWords(one.first), last: inWords(one.last) })),
          h(
            "button.round",
            {
              type: "button",
              "aria-label": t("times.remove_dates", { first: inWords(one.first) }),
              onclick: () => change({ dates: state.dates.filter((_, at) => at !== index) }),
            },
            icon("trash"),
          ),
        ),
      ),
    ),
    form(state, change, redraw),
  );

function form(state, change, redraw) {
  const add = (event) => {
    event.preventDefault();
    const values = new FormData(event.target);
    const first = String(values.get("first"));
    const last = String(values.get("last")) || first;
    state.wrong = !first || last < first ? "first" : null;
    if (state.wrong) return redraw();
    event.target.reset();
    change({ dates: [...state.dates, { first, last }] });
  };
  return h(
    "form",
    { key: "add-dates", novalidate: true, onsubmit: add },
    h(
      "div.pair",
      field({
        name: "first",
        label: t("times.first_day"),
        type: "date",
        error: state.wrong === "first" ? t("times.no_dates") : null,
      }),
      field({ name: "last", label: t("times.last_day"), type: "date" }),
    ),
    h("div.actions.left", h("button.button.plain.small", { type: "submit" }, icon("plus"), h("span", t("times.add_dates")))),
  );
}
