// Summaries for an operator: off until agreed to, shown word for word before and after.

import { get, post } from "../lib/api.js";
import { confirmed } from "../lib/confirm.js";
import { h } from "../lib/dom.js";
import { locale, said, t, told } from "../lib/i18n.js";
import { date, when } from "../lib/time.js";
import { button, card, say, sheet, toast } from "../lib/ui.js";

const SHOWN = ["name", "contact", "country", "purpose", "retention", "address", "key"];

export async function loadReports() {
  const status = await get("/reports/status");
  const { items } = await get("/reports", { limit: 50 });
  return { status, items };
}

export function reportsCard({ status, items }, reload) {
  const on = status.state === "on";
  return card(
    { key: "reports" },
    h("h2", t("reports.title")),
    h("p.soft", t("reports.text")),
    status.operator
      ? [
          operator(status),
          h("p", h("strong", standing(status))),
          budget(status),
        ]
      : h("p", t("reports.nobody")),
    on && status.next_at && !status.exhausted
      ? h("p.soft", t("reports.next", { when: date(status.next_at) }))
      : null,
    on && status.send_at ? h("p.soft", t("reports.next_send", { when: date(status.send_at) })) : null,
    on && status.trouble ? h("p.care-text", told(status, "trouble")) : null,
    h(
      "div.actions.left",
      button(t("reports.preview"), () => preview(null), { tone: "plain" }),
      status.operator && !on ? button(t("reports.opt_in"), () => optIn(status, reload), { tone: "plain" }) : null,
      on || status.waiting ? button(t("reports.opt_out"), () => optOut(reload), { tone: "danger" }) : null,
    ),
    items.length
      ? h(
          "ul.rows",
          items.map((one) =>
            h(
              "li",
              { key: "report-" + one.id },
              h(
                "button.row",
                { type: "button", onclick: () => show(one) },
                h(
                  "span.row-main",
                  h("strong", t("reports.of", { when: date(one.period) })),
                  h("span.soft", `${t("reports.state_" + one.state, {}, one.state)} · ${when(one.made)}`),
                ),
                h("code.soft", (one.hash || "").slice(0, 8)),
              ),
            ),
          ),
        )
      : null,
  );
}

// Suspended by somebody's hand: the operator was changed.
const standing = (status) =>
  status.state === "on"
    ? t("reports.on")
    : status.why
      ? t("reports.why_" + status.why, {}, t("reports.why_operator"))
      : t("reports.off");

const operator = (status) => [
  h(
    "dl.facts",
    SHOWN.map((name) => [h("dt", t("operator." + name)), h("dd.hash", status.operator[name])]),
    h("dt", t("operator.authority")),
    h("dd", t(status.operator.authority ? "operator.authority_own" : "operator.authority_system")),
  ),
  h("p.care-text", said(status.seen)),
];

const epsilon = (thousandths) => (thousandths / 1000).toLocaleString(locale.region);

function budget({ budget: { spent, report, lifetime }, exhausted }) {
  const values = { each: epsilon(report), most: epsilon(lifetime), spent: spent === null ? "?" : epsilon(spent) };
  return [
    h("p.soft", t("reports.budget", values)),
    exhausted ? h("p.care-text", t(spent === null ? "reports.unknown" : "reports.exhausted")) : null,
  ];
}

/** The exact text of what would be sent now; with `agree` the way to agree below it. */
async function preview(agree) {
  const found = await get("/reports/preview").catch(say);
  if (!found) return null;
  return sheet(t(agree ? "reports.opt_in" : "reports.preview"), (close) => [
    agree ? [operator(agree), budget(agree)] : null,
    h("p.soft", t("reports.preview_text", { n: found.items.length })),
    h(
      "table.numbers",
      h(
        "thead",
        h(
          "tr",
          h("th", { scope: "col" }, t("reports.what")),
          h("th", { scope: "col" }, t("reports.number")),
          h("th", { scope: "col" }, t("reports.sent")),
        ),
      ),
      h(
        "tbody",
        found.items.map((one) =>
          h(
            "tr",
            h("th", { scope: "row" }, said(one.what), h("span.soft", " " + one.name)),
            h("td", one.number),
            h("td", one.sent ?? "–"),
          ),
        ),
      ),
    ),
    h("details", { open: Boolean(agree) }, h("summary", t("reports.exact")), h("pre", { tabindex: "0" }, found.text)),
    agree
      ? h(
          "div.actions",
          button(t("cancel"), () => close(false), { tone: "plain" }),
          button(t("reports.agree"), () => close(true), { tone: "primary" }),
        )
      : null,
  ]);
}

async function optIn(status, reload) {
  if (!(await preview(status))) return;
  try {
    const done = await confirmed(() => post("/reports/opt-in", { agree: status.notice, terms: status.terms }));
    if (done) toast(t("reports.on"));
  } catch (error) {
    say(error);
  }
  await reload().catch(say);
}

async function optOut(reload) {
  try {
    await post("/reports/opt-out");
    toast(t("reports.out"));
  } catch (error) {
    say(error);
  }
  await reload().catch(say);
}

async function show(one) {
  const found = await get("/reports/" + one.id).catch(say);
  if (found)
    await sheet(t("reports.of", { when: date(one.period) }), () => [
      h("p", t("reports.state_" + found.state, {}, found.state)),
      found.message ? h("p.soft", told(found, "message")) : null,
      h("p.soft", t("reports.hash")),
      h("code.hash", found.hash || "–"),
      found.text ? h("pre", { tabindex: "0" }, found.text) : null,
    ]);
}
