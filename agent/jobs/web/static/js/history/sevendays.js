// Seven days of somebody, as the router adds them up: hours online, a table of days, the longest sites, what happened.

import { h } from "../lib/dom.js";
import { pair, t } from "../lib/i18n.js";
import { shortDay, when } from "../lib/time.js";
import { card } from "../lib/ui.js";
import { hourScale } from "./hours.js";
import { siteRow } from "./siterow.js";
import { level } from "./week.js";

export const noon = (day) => new Date(day + "T12:00").getTime() / 1000;
const sum = (numbers) => numbers.reduce((total, one) => total + one, 0);
const length = (minutes) => `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, "0")}`;

/** `one` is of the router's reply `week`; `visits(site)` gives what is known of a site's visits, `open(site)` asks for them;
 * `title` is the kind of headings. */
export function sevenDays(one, { days }, { visits, open }, title = "h3") {
  const { history, gaps, changes, requests } = one;
  return [
    table(one, days),
    history && sum(history.hours.flat()) ? heat(history.hours, days, title) : null,
    history && history.sites.length
      ? card(
          { key: "sites", class: "flush" },
          h(title + ".group", t("week.sites")),
          h(
            "ul.visits",
            history.sites.map(({ site, minutes, visits: n }) => siteRow({ site, n, time: length(minutes), own: visits(site) }, () => open(site))),
          ),
          history.more ? h("p.pad.soft", t("week.more", { n: history.more })) : null,
        )
      : null,
    gaps.length || changes.length || requests.length
      ? card(
          { key: "happened" },
          h(title, t("week.happened")),
          h(
            "ul.plain-list",
            gaps.map((gap) => h("li", h("span", t("week.gap", { from: when(gap.from), to: when(gap.to) })))),
            changes.filter((row) => row.what !== "gap").map((row) => h("li", h("span", changeWords(row)))),
            requests.map((row) => h("li", h("span", `${when(row.at)} · ${row.answer ? pair(t("request." + row.kind), row.answer) : t("request." + row.kind)}`))),
          ),
        )
      : null,
  ];
}

const changeWords = ({ at, who, what, until }) =>
  [when(at), t("actor." + who.split(":")[0], {}, who), t("activity." + what, {}, what) + (until ? t("week.until", { when: when(until) }) : "")].join(" · ");

/** What there is, a row for each day: minutes as hours, blocks as numbers. */
function table({ history, minutes, off, blocked }, days) {
  const columns = [
    history && ["online", history.hours.map((hours) => length(sum(hours)))],
    minutes && ["screen", minutes.days.map(length)],
    off && ["off", off.days.map(length)],
    blocked && ["blocked", blocked],
  ].filter(Boolean);
  if (!columns.length) return card({ key: "days" }, h("p.soft", t("week.nothing")));
  return card(
    { key: "days" },
    h(
      "table.seven",
      h("caption.hidden", t("week.days")),
      h("thead", h("tr", h("th", h("span.hidden", t("history.day"))), columns.map(([name]) => h("th", { scope: "col" }, t("week." + name))))),
      h(
        "tbody",
        days.map(({ day }, at) => h("tr", h("th", { scope: "row" }, shortDay(noon(day))), columns.map(([, values]) => h("td", String(values[at]))))),
      ),
    ),
    off && off.windows_since ? h("p.hint", t("week.since", { when: when(off.windows_since) })) : null,
  );
}

const heat = (hours, days, title) => {
  const most = Math.max(...hours.flat());
  return card(
    { key: "heat" },
    h(title, t("week.hours")),
    h(
      "table.heat",
      h("caption.hidden", t("history.week_caption")),
      h("colgroup", h("col.heat-days")),
      h(
        "tbody",
        hours.map((row, at) =>
          h(
            "tr",
            h("th", { scope: "row" }, shortDay(noon(days[at].day))),
            row.map((count) => h("td", { class: "heat-" + level(count, most) }, h("span.hidden", String(count)))),
          ),
        ),
      ),
    ),
    hourScale(),
  );
};

/** Keeps the visits of the sites that were opened: `ask(site)` has the router tell them. */
export function opened(ask, redraw) {
  const held = new Map();
  return {
    clear: () => held.clear(),
    visits: (site) => held.get(site),
    open: async (site) => {
      if (held.has(site)) return;
      const { items } = await ask(site);
      held.set(site, items.filter((one) => one.site === site));
      redraw();
    },
  };
}

/** What a site's visits are asked for with; the name is looked for anywhere, so others may come with it. */
export const ofSite = (site, { from, to }) => ({ search: site, show: "visits", from, to, limit: 200 });

