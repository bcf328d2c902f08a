// What was blocked in a week, by day and by category.

import { category, tone } from "./categories.js";
import { h } from "../lib/dom.js";
import { series, t } from "../lib/i18n.js";
import { dayName, midnight } from "../lib/time.js";
import { card } from "../lib/ui.js";

export const DAYS = 7;
const HIGHEST_PX = 80;

/** `counts` are the router's rows: the day's start, a category, how many. */
export function weekCard(counts) {
  if (!counts.length) return null;
  const kinds = [...new Set(counts.map((row) => row.category))].sort();
  const days = [...Array(DAYS).keys()].reverse().map((back) => {
    // The router's days are in this browser's zone; one is found by its middle, for the sake of summer time.
    const rows = counts.filter((row) => row.day + 43200 >= midnight(back) && row.day + 43200 < midnight(back - 1));
    return { start: midnight(back), sum: total(rows), kinds: kinds.map((kind) => [kind, total(rows, kind)]) };
  });
  const most = Math.max(1, ...days.map((one) => one.sum));
  return card(
    { key: "counts" },
    h("h2", t("protection.week")),
    h(
      "ul.columns",
      days.map((one) => column(one, most)),
    ),
    h(
      "p.legend",
      kinds.map((kind) => h("span.badge." + tone(kind), category(kind), " ", String(total(counts, kind)))),
    ),
  );
}

const total = (rows, kind) =>
  rows.filter((row) => kind === undefined || row.category === kind).reduce((sum, row) => sum + row.count, 0);

function column({ start, sum, kinds }, most) {
  const some = kinds.filter(([, count]) => count);
  return h(
    "li.column",
    h("span.hidden", series([dayName(start), ...some.map(([kind, count]) => `${category(kind)} ${count}`)])),
    h("span.column-count", { "aria-hidden": "true" }, sum || ""),
    h(
      "span.column-bar",
      { "aria-hidden": "true" },
      some.map(([kind, count]) => h("span." + tone(kind), { style: { height: (HIGHEST_PX * count) / most + "px" } })),
    ),
    h(
      "span.column-day",
      { "aria-hidden": "true" },
      new Date(start * 1000).toLocaleDateString(document.documentElement.lang, { weekday: "narrow" }),
    ),
  );
}
