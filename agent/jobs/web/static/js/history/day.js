// A day as a timeline of its hours.

import { h } from "../lib/dom.js";
import { t } from "../lib/i18n.js";
import { icon } from "../lib/icons.js";
import { dayName, midnight } from "../lib/time.js";
import { card } from "../lib/ui.js";
import { HOURS, hourOf, hourScale } from "./hours.js";

/** One day's visits by hour. `go(back)` shows another day, `choose(hour)` one hour of it, or all of it again (null). */
export function timeline({ back, visits, hour: chosen }, { go, choose }) {
  const start = midnight(back);
  const counts = HOURS.map((hour) => visits.filter((one) => hourOf(one) === hour).length);
  const most = Math.max(1, ...counts);
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
      { role: "group", "aria-label": t("history.hours") },
      counts.map((count, hour) =>
        h(
          "button.bar",
          {
            key: "hour-" + hour,
            type: "button",
            disabled: !count,
            "aria-pressed": String(hour === chosen),
            "aria-label": t("history.hour", { n: count, hour: String(hour) }),
            title: t("history.hour", { n: count, hour: String(hour) }),
            onclick: () => choose(hour === chosen ? null : hour),
          },
          h("span", { style: { height: count ? 12 + (88 * count) / most + "%" : "0" } }),
        ),
      ),
    ),
    hourScale(),
  );
}
