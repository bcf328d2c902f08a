// What was blocked and why, your rules, and the lists.

import { all, get, inTurn, Problem } from "../lib/api.js";
import { category, tone } from "../protection/categories.js";
import { h } from "../lib/dom.js";
import { attempt, Wrong } from "../lib/form.js";
import { asked, explain, reason, report } from "../protection/explain.js";
import { byName, t, told } from "../lib/i18n.js";
import { icon } from "../lib/icons.js";
import { heldCards, listsCard } from "../protection/lists.js";
import { lookalikesCard } from "../protection/lookalikes.js";
import { addRule, ruleForm, rulesCard } from "../protection/rules.js";
import { DAYS, weekCard } from "../protection/blocked.js";
import { offset, when } from "../lib/time.js";
import { button, card, empty, field, form, heading, say } from "../lib/ui.js";

const PAGE = 50;
const FEW = 8;

export function protection({ redraw }) {
  const state = {
    devices: [],
    attempts: [],
    more: null,
    counts: [],
    rules: [],
    lists: [],
    feeds: [],
    status: null,
    asked: null,
    progress: null,
    previous: null,
  };

  const load = inTurn(async () => {
    const [devices, page, counts, rules, lists, status, progress] = await Promise.all([
      get("/devices"),
      get("/attempts", { limit: PAGE }),
      get("/attempts/counts", { days: DAYS, tz_offset: offset() }),
      all("/rules"),
      get("/lists"),
      get("/status"),
      get("/lists/progress"),
    ]);
    Object.assign(state, {
      progress,
      devices: devices.items.sort((one, other) => byName(one.label, other.label)),
      attempts: page.items,
      more: page.next,
      counts: counts.items,
      rules,
      lists: lists.items,
      feeds: lists.feeds || [],
      previous: lists.previous,
      status,
    });
  });

  const asking = attempt(redraw, async ({ name }) => {
    if (!name.trim()) throw new Wrong("name", t("request.site_missing"));
    try {
      state.asked = await get("/explanation", { name: asked(name) });
    } catch (error) {
      throw error instanceof Problem ? new Wrong("name", error.sentence) : error;
    }
  });
  const adding = attempt(redraw, (values) =>
    addRule(state.asked.verdict === "block" ? "allow" : "block", state.asked.name, values, reload),
  );

  const reload = async () => {
    await load().catch(say);
    redraw();
  };
  const label = (id) => (state.devices.find((one) => one.id === id) || { label: t("device.gone") }).label;

  function draw() {
    return [
      heading(t("nav.protection")),
      standing(),
      heldCards(state.feeds, reload),
      lookalikesCard(label, reload),
      weekCard(state.counts),
      blocked(),
      question(),
      rulesCard(state.rules, state.devices, reload),
      listsCard(state, reload),
      card({ key: "limits" }, h("h2", t("limits.title")), h("p.soft", t("limits.text"))),
    ];
  }

  function standing() {
    const { lists: loaded, kernel } = state.status;
    const on = state.devices.filter((one) => one.features.protection.on).length;
    const fine = loaded.state === "ready" && on;
    return card(
      { class: fine ? "hero fine" : "hero care", key: "standing" },
      h("span.hero-picture", icon(fine ? "shield" : "warn")),
      h(
        "div",
        h("p.hero-line", t(on ? "protection." + loaded.state : "protection.off", { n: on })),
        h("p.hero-more", loaded.state === "none" ? t(on ? "protection.update_now" : "protection.none_more") : t("protection.rules", { n: loaded.rules })),
        kernel.connections ? h("p.hero-more", told(kernel, "connections")) : null,
      ),
    );
  }

  function blocked() {
    if (!state.attempts.length) return empty("shield", t("protection.empty"), t("protection.empty_text"));
    return card(
      { key: "attempts", class: "flush" },
      h("h2.group", t("protection.blocked")),
      h(
        "ul.rows",
        state.attempts
          .slice(0, state.all ? undefined : FEW)
          .map((one) =>
            h(
              "li",
              { key: "attempt-" + one.id },
              h(
                "button.row",
                { type: "button", onclick: () => explain(one, label, (...given) => allow(one, ...given)) },
                h(
                  "span.row-main",
                  h("span.named", h("strong.site", one.target), h("span.badge." + tone(one.rule.category), category(one.rule.category))),
                  h(
                    "span.soft",
                    `${label(one.device_id)} · ${when(one.at)}${one.hits > 1 ? " · " + t("protection.times", { n: one.hits }) : ""}`,
                  ),
                ),
                icon("next"),
              ),
            ),
          ),
      ),
      state.more || (!state.all && state.attempts.length > FEW)
        ? button(t("more"), more, { tone: "plain wide" })
        : null,
      adults() ? h("p.soft.pad", t("protection.adults")) : null,
    );
  }

  // A list says danger; a rule of one's own, or one that keeps protection from being bypassed, does not.
  const allow = ({ target, device_id, rule }, close, again, kept) => [
    h("h3", t("allow.title")),
    rule.list_id && rule.list_id !== "lookalike" ? h("p.care-text", t("allow.warning")) : null,
    rule.scope === "shipped" ? h("p.care-text", t("allow.bypass")) : null,
    ruleForm({
      action: "allow",
      name: target,
      devices: state.devices,
      value: "device:" + device_id,
      span: "hour",
      place: "blocked",
      tried: (kept.tried =
        kept.tried ||
        attempt(again, async (values) => {
          if (await addRule("allow", target, values, reload)) close();
        })),
    }),
  ];

  const adults = () =>
    state.devices.some((one) => one.features.protection.on && one.person && one.person.group === "adult");

  async function more() {
    const first = !state.all;
    state.all = true;
    if (first) return redraw();
    try {
      const page = await get("/attempts", { limit: PAGE, after: state.more });
      state.attempts.push(...page.items);
      state.more = page.next;
    } catch (error) {
      say(error);
    }
    redraw();
  }

  const question = () =>
    card(
      { key: "ask" },
      h("h2", t("ask.title")),
      h("p.soft", t("ask.text")),
      form(
        { key: "ask-form" },
        async (values) => {
          await asking.run(values);
          redraw();
        },
        h(
          "div.inline",
          field({
            name: "name",
            label: t("ask.name"),
            autocapitalize: "off",
            spellcheck: "false",
            inputmode: "url",
            error: asking.at("name"),
          }),
          h("button.button.plain", { type: "submit" }, h("span", t("ask.go"))),
        ),
      ),
      state.asked
        ? h(
            "div.answer",
            { role: "status", key: "answer", class: state.asked.verdict === "block" ? "care" : "fine" },
            h("p", h("strong", state.asked.name), " ", t("ask.verdict_" + state.asked.verdict)),
            h("p.soft", reason(state.asked)),
            ruleForm({
              action: state.asked.verdict === "block" ? "allow" : "block",
              name: state.asked.name,
              devices: state.devices,
              value: "household",
              span: "ever",
              place: "asked",
              tried: adding,
            }),
            state.asked.verdict === "block" && state.asked.rule.list_id
              ? button(t("mistake.report"), () => report({ name: state.asked.name }), {
                  tone: "plain small",
                  picture: "flag",
                })
              : null,
          )
        : null,
    );

  return { load, draw, wants: ["status", "device", "feature", "attempt", "lists"] };
}
