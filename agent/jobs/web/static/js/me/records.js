// What was recorded of this device, for the person behind it: to see, to dispute, to ask about.

import { patch } from "../api.js";
import { h } from "../dom.js";
import { t } from "../i18n.js";
import { icon } from "../icons.js";
import { clock, dayName, midnightOf, when } from "../time.js";
import { button, card, say, toast } from "../ui.js";

/** `page.load` asks the router again, `page.more` for older records as well; `page.ask` says something to the household. */
export const records = ({ visits, attempts }, page) => [contacted(visits, page), refused(attempts, page)];

function contacted({ items, more }, page) {
  const days = [...new Set(items.map((one) => midnightOf(one.last)))];
  return card(
    { key: "visits", class: "flush" },
    h("h3.group", t("me.visits_title")),
    days.length ? null : h("p.nothing", t("history.none")),
    days.map((day) => [
      h("h4.subgroup", dayName(day)),
      h(
        "ul.rows",
        items.filter((one) => midnightOf(one.last) === day).map((one) => visit(one, page)),
      ),
    ]),
    more ? button(t("more"), page.more, { tone: "plain wide" }) : null,
  );
}

const visit = (one, page) =>
  h(
    "li.row",
    { key: "visit-" + one.id },
    h("span.row-main", h("strong.site", one.site)),
    one.status === "disputed" ? h("span.badge.care", t("history.disputed")) : null,
    one.background ? h("span.badge", t("history.background")) : null,
    h("span.times", clock(one.last)),
    h(
      "button.round",
      {
        type: "button",
        "aria-pressed": String(one.status === "disputed"),
        "aria-label": t("me.dispute", { site: one.site }),
        title: t("history.dispute"),
        onclick: () => dispute(one, page),
      },
      icon("flag"),
    ),
  );

async function dispute(visit, page) {
  const undo = visit.status === "disputed";
  try {
    await patch("/me/visits/" + visit.id, { undo });
    toast(t(undo ? "history.undisputed_done" : "history.disputed_done"));
  } catch (error) {
    say(error);
  }
  await page.load();
}

const refused = ({ items, more }, page) =>
  items.length
    ? card(
        { key: "refused", class: "flush" },
        h("h3.group", t("protection.refused")),
        h(
          "ul.rows",
          items.map((one) =>
            h(
              "li.row",
              { key: "attempt-" + one.id },
              h("span.row-main", h("strong.site", one.target), h("span.soft", one.rule.list_name)),
              h("span.times", when(one.at)),
              button(t("request.ask"), () => page.ask("unblock", one.target), { tone: "plain small" }),
            ),
          ),
        ),
        more ? button(t("more"), page.more, { tone: "plain wide" }) : null,
      )
    : null;
