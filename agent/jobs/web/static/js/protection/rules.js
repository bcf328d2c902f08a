// Your rules: allow and block, for some time or always, each with undo.

import { del, get, post } from "../lib/api.js";
import { h } from "../lib/dom.js";
import { series, t } from "../lib/i18n.js";
import { icon } from "../lib/icons.js";
import { protect } from "../people/switches.js";
import { readText, saveText } from "./ruletext.js";
import { when } from "../lib/time.js";
import { button, card, choice, confirm, form, say, toast } from "../lib/ui.js";

const SPANS = { hour: 3600, day: 86400, week: 604800, ever: null };

/** For whom a rule may be: everyone, each person, each device, as the values of a choice. */
function whom(devices) {
  const people = new Map(devices.filter((one) => one.person).map((one) => [one.person.id, one.person.name]));
  return [
    ["household", t("allow.everyone")],
    ...[...people].map(([id, name]) => ["person:" + id, t("allow.person", { name })]),
    ...devices.map((one) => ["device:" + one.id, one.label]),
  ];
}

/** A form that allows or blocks a site: for whom (first `value`) and for how long (first `span`); `place` tells two of
 * them on one page apart, `tried` (see attempt) adds the rule and remembers why it could not. */
export const ruleForm = ({ action, name, devices, value, span, place, tried }) =>
  form(
    { key: `rule-${action}-${name}` },
    tried.run,
    h(
      "div.pair",
      choice({ name: "whom", id: place + "-whom", label: t("allow.scope"), value, options: whom(devices) }),
      choice({
        name: "span",
        id: place + "-span",
        label: t("allow.span"),
        value: span,
        options: Object.keys(SPANS).map((one) => [one, t("allow.span_" + one)]),
      }),
    ),
    tried.other(),
    h(
      "div.actions",
      h("button.button", { type: "submit", class: action === "allow" ? "danger" : "" }, h("span", t(action + ".go"))),
    ),
  );

/** `whom` is "household", "person:ID" or "device:ID". False when it was given up; throws what the router says. */
export async function addRule(action, name, { whom, span }, reload) {
  const [scope, id] = whom.split(":");
  const wanted = {
    action,
    name,
    scope,
    ...(id ? { [scope + "_id"]: Number(id) } : {}),
    ...(SPANS[span] ? { seconds: SPANS[span] } : {}),
  };
  const rule = await sure(wanted);
  if (!rule) return false;
  const done = t(`rule.${action}_done`, { name: rule.name });
  // Without protection the rule is idle there: turning that on matters more than the way back.
  if (rule.unprotected.length)
    toast(done + " " + t("rule.unprotected", { devices: series(rule.unprotected) }), {
      label: t("rule.protect"),
      call: () => get("/devices").then(({ items }) => protect(idle(rule, items), reload), say),
    });
  else toast(done, { label: t("undo"), call: () => del("/rules/" + rule.id).then(reload).catch(say) });
  await reload();
  return true;
}

/** Those of one device or person for whom the rule does nothing, since protection is off there. */
const idle = (rule, devices) =>
  devices.filter(
    (one) =>
      !one.features.protection.on &&
      (rule.device_id === one.id || (rule.scope === "person" && one.person && one.person.id === rule.person_id)),
  );

/** The rule as it was added; of a name that covers many sites only after a question, else null. */
export async function sure(wanted) {
  try {
    return await post("/rules", wanted);
  } catch (error) {
    if (error.kind !== "wide") throw error;
    const go = await confirm(t("rule.wide"), error.sentence, t(wanted.action + ".go"));
    return go ? post("/rules", { ...wanted, sure: true }) : null;
  }
}

export const rulesCard = (rules, devices, reload) =>
  card(
    { key: "rules", class: "flush" },
    h("h2.group", t("rule.title")),
    rules.length ? ruleRows(rules, devices, reload) : h("p.nothing", t("rule.none")),
    h(
      "div.actions.left.pad",
      rules.length ? button(t("ruletext.save"), saveText, { tone: "plain small", picture: "download" }) : null,
      button(t("ruletext.read"), () => readText(reload), { tone: "plain small" }),
    ),
  );

export const ruleRows = (rules, devices, reload) =>
  h(
    "ul.rows",
    rules.map((one) => row(one, devices, reload)),
  );

/** What a rule waits for, and one tap that gives it. */
function waits(rule, devices, reload) {
  const without = idle(rule, devices);
  return without.length
    ? h(
        "span.care-text",
        t("rule.unprotected", { devices: series(without.map((one) => one.label)) }),
        " ",
        h("button.link", { type: "button", onclick: () => protect(without, reload) }, t("rule.protect")),
      )
    : null;
}

const row = (rule, devices, reload) =>
  h(
    "li.row",
    { key: "rule-" + rule.id },
    h(
      "span.row-main",
      h(
        "span.named",
        h("strong.site", rule.name),
        h("span.badge", { class: rule.action === "allow" ? "care" : "teal" }, t("rule." + rule.action)),
      ),
      h(
        "span.soft",
        [
          concerned(rule, devices),
          rule.expires_at ? t("rule.until", { when: when(rule.expires_at) }) : null,
        ]
          .filter(Boolean)
          .join(" · "),
      ),
      waits(rule, devices, reload),
    ),
    h(
      "button.round",
      {
        type: "button",
        "aria-label": t("rule.remove", { name: rule.name }),
        onclick: () => removeRule(rule, reload),
      },
      icon("trash"),
    ),
  );

function concerned(rule, devices) {
  if (rule.scope === "household") return t("allow.everyone");
  const person = devices.map((one) => one.person).find((one) => one && one.id === rule.person_id);
  if (rule.scope === "person") return person ? person.name : t("rule.person");
  return (devices.find((one) => one.id === rule.device_id) || { label: t("device.gone") }).label;
}

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
        }).then(reload).catch(say),
    });
  } catch (error) {
    say(error);
  }
  await reload().catch(say);
}
