// What a person's page shows when somebody opens it: sites of today, and the rules that concern them.

import { siteRow } from "../history/siterow.js";
import { all, get } from "../lib/api.js";
import { h } from "../lib/dom.js";
import { byName, t } from "../lib/i18n.js";
import { duration, midnight } from "../lib/time.js";
import { fold, say } from "../lib/ui.js";
import { ruleRows } from "../protection/rules.js";

const SITES = 50; // more than anybody reads through

/** Cards that ask the router when they are opened, and again when something changed (`refresh`). */
export function looked({ redraw, reload }) {
  const held = new Map(); // key → { ask, items }

  async function load(key, ask) {
    try {
      held.set(key, { ask, items: await ask() });
    } catch (error) {
      say(error);
    }
  }

  const card = (key, title, ask, build) =>
    fold(
      title,
      {
        key,
        flush: true,
        ontoggle: async (event) => {
          if (!event.target.open || held.has(key)) return;
          await load(key, ask);
          redraw();
        },
      },
      held.has(key) ? build(held.get(key).items) : h("p.nothing", t("history.looking")),
    );

  return {
    refresh: () => Promise.all([...held].map(([key, { ask }]) => load(key, ask))),
    today: (person) => {
      const from = midnight();
      const ask = () => all("/history", { person_id: person.id, from, show: "visits" });
      return card("person-today", t("person.today"), ask, (visits) => siteRows(visits, from));
    },
    rules: (person, devices) =>
      card("person-rules", t("person.rules"), async () => (await get("/rules", { limit: 200 })).items, (rules) => {
        const own = rules.filter((one) => concerns(one, person, devices));
        return [
          own.length ? ruleRows(own, devices, reload) : h("p.nothing", t("rule.none")),
          h("div.pad", h("a.soft", { href: "/protection", "data-go": true }, t("person.rules_more"))),
        ];
      }),
  };
}

const concerns = (rule, person, devices) =>
  rule.scope === "household" || rule.person_id === person.id || devices.some((one) => one.id === rule.device_id);

/** Sites with their time and their visits, the longest first; the visits stand beneath. */
function siteRows(visits, from) {
  const found = new Map();
  for (const visit of visits) found.set(visit.site, [...(found.get(visit.site) || []), visit]);
  if (!found.size) return h("p.nothing", t("history.quiet"));
  const spent = (own) => own.reduce((sum, one) => sum + one.last - Math.max(one.first, from), 0);
  const rows = [...found].map(([site, own]) => ({ site, own, seconds: spent(own) }));
  rows.sort((one, other) => other.seconds - one.seconds || other.own.length - one.own.length || byName(one.site, other.site));
  return h("ul.visits", rows.slice(0, SITES).map((row) => siteRow({ ...row, n: row.own.length, time: duration(row.seconds) })));
}
