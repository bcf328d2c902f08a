// The household's own rules: allow and refuse, for some time or for good, each with undo.

import { del, post } from "./api.js";
import { h } from "./dom.js";
import { t } from "./i18n.js";
import { icon } from "./icons.js";
import { when } from "./time.js";
import { card, choice, form, say, toast } from "./ui.js";

const SPANS = { hour: 3600, day: 86400, week: 604800, ever: null };

/** The form that allows what was refused: for whom and for how long. */
export const allowForm = (attempt, label, reload, close) =>
  form(
    { key: "allow" },
    async (values) => {
      close();
      await addRule("allow", attempt.target, values, attempt.device_id, reload);
    },
    h("h3", t("allow.title")),
    h("p.care-text", t("allow.warning")),
    h(
      "div.pair",
      choice({
        name: "scope",
        label: t("allow.scope"),
        value: "device",
        options: [
          ["device", label(attempt.device_id)],
          ["household", t("allow.everyone")],
        ],
      }),
      choice({
        name: "span",
        label: t("allow.span"),
        value: "hour",
        options: Object.keys(SPANS).map((one) => [one, t("allow.span_" + one)]),
      }),
    ),
    h("div.actions", h("button.button.danger", { type: "submit" }, h("span", t("allow.go")))),
  );

export async function addRule(action, name, { scope, span }, device_id, reload) {
  try {
    const rule = await post("/rules", {
      action,
      name,
      scope,
      ...(scope === "device" ? { device_id } : {}),
      ...(SPANS[span] ? { seconds: SPANS[span] } : {}),
    });
    toast(t(`rule.${action}_done`, { name: rule.name }), {
      label: t("undo"),
      call: () => del("/rules/" + rule.id).then(reload, say),
    });
  } catch (error) {
    say(error);
  }
  await reload();
}

export const rulesCard = (rules, label, reload) =>
  rules.length
    ? card(
        { key: "rules", class: "flush" },
        h("h3.group", t("rule.title")),
        h(
          "ul.rows",
          rules.map((one) =>
            h(
              "li.row",
              { key: "rule-" + one.id },
              h(
                "span.row-main",
                h("strong.site", one.name),
                h(
                  "span.soft",
                  [
                    one.scope === "household"
                      ? t("allow.everyone")
                      : one.scope === "device"
                        ? label(one.device_id)
                        : t("rule.person"),
                    one.expires_at ? t("rule.until", { when: when(one.expires_at) }) : null,
                  ]
                    .filter(Boolean)
                    .join(" · "),
                ),
              ),
              h("span.badge", { class: one.action === "allow" ? "care" : "teal" }, t("rule." + one.action)),
              h(
                "button.round",
                {
                  type: "button",
                  "aria-label": t("rule.remove", { name: one.name }),
                  onclick: () => removeRule(one, reload),
                },
                icon("trash"),
              ),
            ),
          ),
        ),
      )
    : null;

async function removeRule(rule, reload) {
  try {
    await del("/rules/" + rule.id);
    const left = rule.expires_at ? Math.max(60, rule.expires_at - Math.floor(Date.now() / 1000)) : null;
    toast(t("rule.removed", { name: rule.name }), {
      label: t("undo"),
      call: () =>
        post("/rules", {
          action: rule.action,
          name: rule.name,
          scope: rule.scope,
          ...(left ? { seconds: left } : {}),
          ...(rule.device_id ? { device_id: rule.device_id } : {}),
          ...(rule.person_id ? { person_id: rule.person_id } : {}),
        }).then(reload, say),
    });
  } catch (error) {
    say(error);
  }
  await reload();
}
