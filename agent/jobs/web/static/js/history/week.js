// A week as a heat map.

import { h } from "../lib/dom.js";
import { t } from "../lib/i18n.js";
import { dayName, midnight, shortDay } from "../lib/time.js";
import { card } from "../lib/ui.js";
import { HOURS, hourScale } from "./hours.js";

const DAYS = 7;

/** Seven days by hour. `days` are the router's rows, `back` the day that is looked at; `pick(back)` takes another. */
export function week({ days, back: picked }, pick) {
  const rows = [...Array(DAYS).keys()].map((back) => ({
    back,
    start: midnight(back),
    hours: hoursOf(days, midnight(back)),
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
            { class: back === picked ? "picked" : "" },
            h(
              "th",
              { scope: "row" },
              h(
                "button",
                {
                  type: "button",
                  "aria-pressed": String(back === picked),
                  "aria-label": `${shortDay(start)}: ${dayName(start)}`,
                  onclick: () => pick(back),
                },
                shortDay(start),
              ),
            ),
            hours.map((count) => h("td", { class: "heat-" + level(count, most) }, h("span.hidden", String(count)))),
          ),
        ),
      ),
    ),
    hourScale(),
  );
}

// The router's hours are in this browser's zone already, by tz_offset; a day is found by its middle.
export function hoursOf(days, start) {
  const row = days.find((one) => Math.abs(one.start - start) < 43200);
  return row ? row.hours : HOURS.map(() => 0);
}

/** 0 to 4, by how many of the most. */
export const level = (count, most) => (count ? Math.max(1, Math.ceil((4 * Math.log(1 + count)) / Math.log(1 + most))) : 0);
