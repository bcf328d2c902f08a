// The week of a person or device, or of all children and teens: to look at, and to print.

import { get, inTurn } from "../lib/api.js";
import { noon, ofSite, opened, sevenDays } from "../history/sevendays.js";
import { h } from "../lib/dom.js";
import { t } from "../lib/i18n.js";
import { icon } from "../lib/icons.js";
import { date } from "../lib/time.js";
import { button, empty, heading, say } from "../lib/ui.js";
import { whose } from "./internet.js";

const FRESH_MS = 60_000; // adding a week up is work for the router
const WEEKS = [0, 7]; // days ago

/** `about()` gives the owner, null for the family; `back` is the address of their page. */
export function familyWeek({ redraw, about, back }) {
  const state = { week: null, at: 0, ago: WEEKS[0] };
  const sites = new Map(); // person's or device's key → what was opened

  const load = inTurn(async () => {
    if (state.week && Date.now() - state.at < FRESH_MS) return;
    const owner = about();
    state.week = await get("/week", { ...(owner ? whose(owner).body : {}), ago: state.ago });
    state.at = Date.now();
    sites.clear();
  });

  const take = async (ago) => {
    Object.assign(state, { ago, at: 0 });
    await load().catch(say);
    redraw();
  };

  /** The visits of one of them. */
  function of(one) {
    const who = one.person_id ? { person_id: one.person_id } : { device_id: one.device_id };
    const key = JSON.stringify(who);
    if (!sites.has(key)) sites.set(key, opened((site) => get("/history", { ...who, ...ofSite(site, state.week) }), redraw));
    return sites.get(key);
  }

  function draw() {
    const { week, ago } = state;
    const owner = about();
    return [
      h("a.back", { href: owner ? back : "/", "data-go": true }, icon("back"), owner ? whose(owner).label : t("nav.overview")),
      heading(owner ? t("week.of", { who: whose(owner).label }) : t("week.family")),
      h("p.soft", `${date(noon(week.days[0].day))} – ${date(noon(week.days.at(-1).day))}`),
      h(
        "div.chips.sheet-chips",
        { role: "group", "aria-label": t("week.which") },
        WEEKS.map((one) =>
          h("button.chip", { type: "button", "aria-pressed": String(one === ago), onclick: () => take(one) }, t(one ? "week.before" : "history.week")),
        ),
      ),
      week.items.length ? null : empty("history", t("week.nobody"), t("week.nobody_text")),
      week.items.map((one) =>
        h(
          "section.seven-days",
          { key: "week-" + (one.person_id || "d" + one.device_id), "aria-label": one.name || one.label },
          owner ? null : h("h2", one.name || one.label),
          sevenDays(one, week, of(one), owner ? "h2" : "h3"),
        ),
      ),
      week.items.length ? h("div.actions.left", button(t("week.print"), () => window.print(), { tone: "plain", picture: "list" })) : null,
    ];
  }

  return { load, draw, wants: ["limits", "hold", "request"] };
}
