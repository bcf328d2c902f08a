// The records of this device, for the person who uses it: shown when asked for, to see, to mark as wrong, to ask about.

import { h } from "../lib/dom.js";
import { dispute } from "../history/visit.js";
import { t } from "../lib/i18n.js";
import { icon } from "../lib/icons.js";
import { clock, dayName, midnightOf, when } from "../lib/time.js";
import { button, card } from "../lib/ui.js";

// Pages of the router's listings.
const MORE = 1;

/** `page.load` asks the router again, `page.look` with other values of the state: for more `pages` of older records, or for
 * `background` as well. `page.ask` sends a message. */
export const records = (state, page) =>
  state.shown && state.visits
    ? [visited(state, page), blocked(state, page)]
    : card(
        { key: "content" },
        h("h2", t("me.content")),
        h("div.actions.left", button(t("me.show"), () => page.show(), { tone: "plain", picture: "history" })),
      );

function visited({ own, visits, pages, background }, page) {
  const { items, more } = visits;
  const days = [...new Set(items.map((one) => midnightOf(one.last)))];
  return card(
    { key: "visits", class: "flush" },
    h("h2.group", t("me.visits_title")),
    days.length ? null : h("p.nothing", t(own.device.features.history.on ? "me.quiet" : "history.none")),
    days.map((day) => [
      h("h3.subgroup", dayName(day)),
      h(
        "ul.rows",
        items.filter((one) => midnightOf(one.last) === day).map((one) => visit(one, page)),
      ),
    ]),
    more ? older(pages, page) : null,
    h(
      "label.check.pad",
      h("input", {
        type: "checkbox",
        checked: background,
        onchange: (event) => page.look({ background: event.target.checked }),
      }),
      h("span", t("me.background")),
    ),
  );
}

const older = (pages, page) => button(t("more"), () => page.look({ pages: pages + MORE }), { tone: "plain wide" });

const visit = (one, page) =>
  h(
    "li.row",
    { key: "visit-" + one.id },
    h(
      "span.row-main",
      h(
        "span.named",
        h("strong.site", one.site),
        one.status === "disputed" ? h("span.badge.care", t("history.disputed")) : null,
        one.background ? h("span.badge", t("history.background")) : null,
      ),
    ),
    h("span.times", clock(one.last)),
    h(
      "button.round",
      {
        type: "button",
        "aria-pressed": String(one.status === "disputed"),
        "aria-label": t("me.dispute", { site: one.site }),
        title: t("history.dispute"),
        onclick: () => dispute("/me/visits/", one).then(page.load),
      },
      icon("flag"),
    ),
  );

const blocked = ({ attempts: { items, more }, pages }, page) =>
  items.length
    ? card(
        { key: "refused", class: "flush" },
        h("h2.group", t("protection.blocked")),
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
        more ? older(pages, page) : null,
      )
    : null;
