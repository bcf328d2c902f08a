// A day as a timeline of its hours.

import { h } from "../lib/dom.js";
import { t } from "../lib/i18n.js";
import { icon } from "../lib/icons.js";
import { dayName, midnight } from "../lib/time.js";
import { card, choice } from "../lib/ui.js";
import { HOURS, hourScale } from "./hours.js";

/** One day by hour. `go(back)` shows another day, `choose(hour)` one hour of it, or all of it again (null). The bars are a
 * picture; hours are chosen below it, by a thumb too. */
export function timeline({ back, hour: chosen }, counts, { go, choose }) {
  const start = midnight(back);
  const most = Math.max(1, ...counts);
  const label = (hour) => t("history.hour", { n: counts[hour], hour: String(hour).padStart(2, "0") });
  return card(
    { key: "day" },
    h(
      "div.stepper",
      h(
        "button.round",
        { type: "button", "aria-label": t("history.earlier"), onclick: () => go(back + 1) },
        icon("back"),
      ),
      h("h2", { "aria-live": "polite" }, dayName(start)),
      h(
        "button.round",
        {
          type: "button",
          "aria-label": t("history.later"),
          disabled: back === 0,
          onclick: () => go(back - 1),
        },
        icon("next"),
      ),
    ),
    h(
      "div.timeline",
      { "aria-hidden": "true" },
      counts.map((count, hour) =>
        h(
          "div.bar",
          { class: hour === chosen ? "chosen" : "" },
          h("span", { style: { height: count ? 12 + (88 * count) / most + "%" : "0" } }),
        ),
      ),
    ),
    hourScale(),
    counts.some(Boolean)
      ? choice({
          name: "hour",
          label: t("history.hours"),
          value: chosen === null ? "" : chosen,
          options: [["", t("history.all_hours")], ...HOURS.filter((hour) => counts[hour]).map((hour) => [hour, label(hour)])],
          onchange: (value) => choose(value === "" ? null : Number(value)),
        })
      : null,
  );
}
