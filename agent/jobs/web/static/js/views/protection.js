// What was refused and why, the household's own rules, and the lists.

import { all, del, get, post, put } from "../api.js";
import { h } from "../dom.js";
import { said, t } from "../i18n.js";
import { icon } from "../icons.js";
import { midnight, when } from "../time.js";
import { button, card, choice, empty, field, form, heading, say, sheet, toast, toggle } from "../ui.js";

const DAYS = 7;
const PAGE = 50;
const FEW = 8;
const SPANS = { hour: 3600, day: 86400, week: 604800, ever: null };

export function protection({ redraw }) {
  const state = { devices: [], attempts: [], more: null, counts: [], rules: [], lists: [], feeds: [], status: null, asked: null, progress: null };

  async function load() {
    const [devices, page, counts, rules, lists, status, progress] = await Promise.all([
      get("/devices"), get("/attempts", { limit: PAGE }), get("/attempts/counts", { days: DAYS }),
      all("/rules"), get("/lists"), get("/status"), get("/lists/progress"),
    ]);
    Object.assign(state, { progress, devices: devices.items, attempts: page.items, more: page.next, counts: counts.items, rules, lists: lists.items, feeds: lists.feeds || [], previous: lists.previous, status });
  }

  const reload = async () => {
    await load().catch(say);
    redraw();
  };
  const label = (id) => (state.devices.find((one) => one.id === id) || { label: t("device.gone") }).label;

  function draw() {
    return [heading(t("nav.protection")), standing(), held(), week(), refused(), question(), rules(), lists(), card({ key: "limits" }, h("h2", null, t("limits.title")), h("p.soft", null, t("limits.text")))];
  }

  function standing() {
    const { lists: loaded } = state.status;
    const on = state.devices.filter((one) => one.features.protection.on).length;
    const fine = loaded.state === "ready" && on;
    return card({ class: fine ? "hero fine" : "hero care", key: "standing" }, h("span.hero-picture", null, icon(fine ? "shield" : "warn")),
      h("div", null, h("p.hero-line", null, t(on ? "protection." + loaded.state : "protection.nobody", { n: on })),
        h("p.hero-more", null, t("protection.rules", { n: loaded.rules }))));
  }

  function week() {
    if (!state.counts.length) return null;
    const days = [...Array(DAYS).keys()].reverse().map((back) => ({ start: midnight(back), end: midnight(back - 1) }));
    const of = (one) => state.counts.filter((row) => row.day + 43200 >= one.start && row.day + 43200 < one.end);
    const sums = days.map((one) => of(one).reduce((sum, row) => sum + row.count, 0));
    const most = Math.max(1, ...sums);
    const kinds = [...new Set(state.counts.map((row) => row.category))].sort();
    return card({ key: "counts" }, h("h2", null, t("protection.week")),
      h("div.columns", { role: "img", "aria-label": t("protection.week_label", { n: sums.reduce((a, b) => a + b, 0) }) },
        days.map((one, at) => h("div.column", null, h("span.column-count", null, sums[at] || ""),
          h("span.column-bar", { style: { height: (80 * sums[at]) / most + "px" } }), h("span.column-day", null, new Date(one.start * 1000).toLocaleDateString(document.documentElement.lang, { weekday: "narrow" }))))),
      h("p.legend", null, kinds.map((kind) => h("span.badge." + tone(kind), null, category(kind), " ",
        String(state.counts.filter((row) => row.category === kind).reduce((sum, row) => sum + row.count, 0))))));
  }

  const category = (kind) => t("category." + kind, {}, kind || t("category.none"));
  const tone = (kind) => ({ phishing: "plum", malware: "danger", fraud: "care" })[kind] || "teal";

  function refused() {
    if (!state.attempts.length) return empty("shield", t("protection.empty"), t("protection.empty_text"));
    return card({ key: "attempts", class: "flush" }, h("h3.group", null, t("protection.refused")),
      h("ul.rows", null, state.attempts.slice(0, state.all ? undefined : FEW).map((one) => h("li", { key: "attempt-" + one.id },
        h("button.row", { type: "button", onclick: () => explain(one) },
          h("span.row-main", null, h("strong.site", null, one.target), h("span.soft", null, `${label(one.device_id)} · ${when(one.at)}${one.hits > 1 ? " · " + t("protection.times", { n: one.hits }) : ""}`)),
          h("span.badge." + tone(one.rule.category), null, category(one.rule.category)), icon("next"))))),
      state.more || (!state.all && state.attempts.length > FEW) ? button(t("more"), more, { tone: "plain wide" }) : null,
      adults() ? h("p.soft.pad", null, t("protection.adults")) : null);
  }

  const adults = () => state.devices.some((one) => one.features.protection.on && one.person && one.person.group === "adult");

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

  async function explain(attempt) {
    const now = await get("/explanation", { attempt_id: attempt.id }).catch(say);
    if (!now) return;
    const { rule } = attempt;
    await sheet(attempt.target, (close) => [
      h("dl.facts", null,
        h("dt", null, t("why.device")), h("dd", null, label(attempt.device_id)),
        h("dt", null, t("why.when")), h("dd", null, when(attempt.at)),
        h("dt", null, t("why.list")), h("dd", null, rule.list_name || t("why.own_rule"), rule.list_version ? h("span.soft", null, " " + rule.list_version) : null),
        h("dt", null, t("why.rule")), h("dd", null, h("code", null, rule.text)),
        h("dt", null, t("why.now")), h("dd", null, reason(now))),
      now.verdict === "block" ? allowForm(attempt, close) : null,
      rule.list_id ? h("div.actions.left", null, button(t("refusal.report"), () => report({ attempt_id: attempt.id }), { tone: "plain small", picture: "flag" })) : null,
    ]);
  }

  // The decision as it would be now, with the rule that makes it.
  function reason({ verdict, rule, applies }) {
    const kind = !rule ? "none" : rule.list_id === "lookalike" ? "lookalike" : rule.scope === "shipped" ? (verdict === "block" ? "around" : "helpline") : rule.list_id ? "list" : "own";
    const text = t(`why.${verdict}_${kind}`, { list: rule && rule.list_name, rule: rule && rule.text });
    return applies === false ? `${text} ${t("why.off")}` : text;
  }

  async function report(what) {
    const state = { with_day: false, with_version: false };
    let told = await get("/refusal-report", what).catch(say);
    if (!told) return;
    await sheet(t("refusal.report"), (close, again) => [
      h("p.soft", null, t("refusal.text")),
      Object.keys(state).map((name) => h("label.check", { key: name }, h("input", {
        type: "checkbox",
        onchange: async (event) => {
          state[name] = event.target.checked;
          told = await get("/refusal-report", { ...what, ...state }).catch(say) || told;
          again();
        },
      }), h("span", null, t("refusal." + name)))),
      h("pre", { tabindex: "0" }, told.text),
      h("div.actions", null,
        told.to ? h("a.button.plain", { href: told.to, target: "_blank", rel: "noreferrer noopener" }, t("refusal.home")) : null,
        button(t("refusal.copy"), () => navigator.clipboard.writeText(told.text).then(() => toast(t("refusal.copied")), () => {}), { tone: "primary" })),
    ]);
  }

  const allowForm = (attempt, close) => form({ key: "allow" }, async (values) => {
    close();
    await addRule("allow", attempt.target, values, attempt.device_id);
  },
  h("h3", null, t("allow.title")), h("p.care-text", null, t("allow.warning")),
  h("div.pair", null,
    choice({ name: "scope", label: t("allow.scope"), value: "device", options: [["device", label(attempt.device_id)], ["household", t("allow.everyone")]] }),
    choice({ name: "span", label: t("allow.span"), value: "hour", options: Object.keys(SPANS).map((one) => [one, t("allow.span_" + one)]) })),
  h("div.actions", null, h("button.button.danger", { type: "submit" }, h("span", null, t("allow.go")))));

  async function addRule(action, name, { scope, span }, device_id) {
    try {
      const rule = await post("/rules", {
        action, name, scope, ...(scope === "device" ? { device_id } : {}), ...(SPANS[span] ? { seconds: SPANS[span] } : {}),
      });
      toast(t(`rule.${action}_done`, { name: rule.name }), { label: t("undo"), call: () => del("/rules/" + rule.id).then(reload, say) });
    } catch (error) {
      say(error);
    }
    await reload();
  }

  const question = () => card({ key: "ask" }, h("h2", null, t("ask.title")), h("p.soft", null, t("ask.text")),
    form({ key: "ask-form" }, async (values) => {
      state.asked = await get("/explanation", { name: values.name.trim() }).catch(say);
      redraw();
    },
    h("div.inline", null, field({ name: "name", label: t("ask.name"), autocapitalize: "off", spellcheck: "false", inputmode: "url" }), h("button.button.plain", { type: "submit" }, h("span", null, t("ask.go"))))),
    state.asked ? h("div.answer", { role: "status", key: "answer", class: state.asked.verdict === "block" ? "care" : "fine" },
      h("p", null, h("strong", null, state.asked.name), " ", t("ask.verdict_" + state.asked.verdict)), h("p.soft", null, reason(state.asked)),
      h("div.actions.left", null, button(t(state.asked.verdict === "block" ? "allow.go" : "block.go"),
        () => addRule(state.asked.verdict === "block" ? "allow" : "block", state.asked.name, { scope: "household", span: "ever" }), { tone: "plain small" }))) : null);

  const rules = () => state.rules.length ? card({ key: "rules", class: "flush" }, h("h3.group", null, t("rule.title")),
    h("ul.rows", null, state.rules.map((one) => h("li.row", { key: "rule-" + one.id },
      h("span.row-main", null, h("strong.site", null, one.name), h("span.soft", null, [
        one.scope === "household" ? t("allow.everyone") : one.scope === "device" ? label(one.device_id) : t("rule.person"),
        one.expires_at ? t("rule.until", { when: when(one.expires_at) }) : null].filter(Boolean).join(" · "))),
      h("span.badge", { class: one.action === "allow" ? "care" : "teal" }, t("rule." + one.action)),
      h("button.round", { type: "button", "aria-label": t("rule.remove", { name: one.name }), onclick: () => removeRule(one) }, icon("trash")))))) : null;

  async function removeRule(rule) {
    try {
      await del("/rules/" + rule.id);
      const left = rule.expires_at ? Math.max(60, rule.expires_at - Math.floor(Date.now() / 1000)) : null;
      toast(t("rule.removed", { name: rule.name }), {
        label: t("undo"),
        call: () => post("/rules", {
          action: rule.action, name: rule.name, scope: rule.scope, ...(left ? { seconds: left } : {}),
          ...(rule.device_id ? { device_id: rule.device_id } : {}), ...(rule.person_id ? { person_id: rule.person_id } : {}),
        }).then(reload, say),
      });
    } catch (error) {
      say(error);
    }
    await reload();
  }

  const lists = () => card({ key: "lists", class: "flush" }, h("h3.group", null, t("lists.title")),
    state.lists.length ? h("ul.rows", null, state.lists.map((one) => h("li.row", { key: "list-" + one.id + one.category },
      h("span.row-main", null, h("strong", null, one.name), h("span.soft", null, [
        t("lists.rules", { n: one.rules || 0 }), one.loaded_at ? t("lists.loaded", { when: when(one.loaded_at) }) : null, t("lists.state_" + one.state, {}, "")].filter(Boolean).join(" · "))),
      h("span.badge." + tone(one.category), null, category(one.category))))) : h("p.nothing", null, t("lists.empty")),
    state.progress.running ? h("div.pad", { key: "progress", role: "status" }, h("p", null, t("lists.step_" + state.progress.step, { name: state.progress.name })),
      h("progress", { max: state.progress.total || 1, value: state.progress.done, "aria-label": t("lists.update") })) : null,
    state.progress.message && !state.progress.running ? h("p.care-text.pad", { role: "status" }, state.progress.message) : null,
    h("div.actions.left.pad", null,
      state.progress.running === null ? null : button(t("lists.update"), () => ask(() => post("/lists/update"), "lists.started"), { tone: "plain", picture: "refresh" }),
      state.feeds.length ? button(t("lists.choose"), choose, { tone: "plain", picture: "edit" }) : null,
      state.previous ? button(t("lists.rollback"), () => ask(() => post("/lists/rollback"), "lists.rolled_back"), { tone: "plain" }) : null,
      button(t("helplines.open"), helplines, { tone: "plain", picture: "speak" })));

  const held = () => state.feeds.filter((one) => one.held).map((one) => card({ key: "held-" + one.id, class: "answer care" },
    h("h2", null, t("lists.held", { name: one.name })), h("p", null, one.held.reason || one.message),
    h("div.actions.left", null,
      button(t("lists.accept"), () => ask(() => post(`/lists/${one.id}/decision`, { decision: "accept" }), "saved"), { tone: "plain small" }),
      button(t("lists.reject"), () => ask(() => post(`/lists/${one.id}/decision`, { decision: "reject" }), "saved"), { tone: "plain small" }))));

  async function ask(act, done) {
    try {
      await act();
      toast(t(done));
    } catch (error) {
      say(error);
    }
    await reload();
  }

  const choose = () => sheet(t("lists.choose"), (close, again) => [
    h("p.soft", null, t("lists.choose_text")),
    h("ul.rows", null, state.feeds.map((one) => h("li", { key: "feed-" + one.id },
      toggle({
        key: one.id, label: one.name, on: one.chosen, tone: "teal",
        note: [said(one.for), category(one.category), one.licence].filter(Boolean).join(" · "),
        onchange: async (on) => {
          await ask(() => put("/lists/" + one.id, { on }), "saved");
          again();
        },
      })))),
  ]);

  async function helplines() {
    const page = await get("/helplines").catch(say);
    if (page) await sheet(t("helplines.title"), () => [h("p.soft", null, t("helplines.text")), h("ul.rows", null, page.items.map((one) => h("li.row", null, h("span.row-main", null, h("strong.site", null, one.name), h("span.soft", null, said(one.note))))))]);
  }

  return { load, draw, wants: ["status", "device", "feature", "attempt", "lists"] };
}

