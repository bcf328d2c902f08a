// Why something was blocked, then and now, and what to do about a mistake of a list.

import { get } from "../lib/api.js";
import { h } from "../lib/dom.js";
import { t } from "../lib/i18n.js";
import { when } from "../lib/time.js";
import { button, say, sheet, toast } from "../lib/ui.js";

/** A site as somebody typed it, as DNS knows it: letters of any script become what the browser itself would ask for. */
export function asked(text) {
  const typed = text.trim();
  if (/^[\x00-\x7f]*$/.test(typed)) return typed;
  try {
    const address = new URL(typed.includes("://") ? typed : "http://" + typed);
    return typed.includes("://") ? address.href : address.hostname;
  } catch {
    return typed;
  }
}

// Names by which a program asks what the network wants, by how they are answered (core/known_resolvers.py).
const CANARIES = ["nxdomain", "nodata"];

/** A sheet about one blocked attempt; `allowForm(close, redraw, kept)` gives what to do about it. */
export async function explain(attempt, label, allowForm) {
  const now = await get("/explanation", { attempt_id: attempt.id }).catch(say);
  if (!now) return;
  const { rule } = attempt;
  await sheet(attempt.target, (close, redraw, kept) => [
    h(
      "dl.facts",
      h("dt", t("why.device")),
      h("dd", label(attempt.device_id)),
      h("dt", t("why.when")),
      h("dd", when(attempt.at)),
      h("dt", t("why.list")),
      h("dd", rule.list_name || t(rule.scope === "shipped" ? "why.shipped" : "why.own_rule"), rule.list_version ? h("span.soft", " " + rule.list_version) : null),
      h("dt", t("why.rule")),
      h("dd", h("code", rule.text)),
      h("dt", t("why.now")),
      h("dd", reason(now)),
    ),
    now.verdict === "block" ? allowForm(close, redraw, kept) : null,
    rule.list_id
      ? h(
          "div.actions.left",
          button(t("mistake.report"), () => report({ attempt_id: attempt.id }), {
            tone: "plain small",
            picture: "flag",
          }),
        )
      : null,
  ]);
}

/** The decision as it would be now, with the rule that makes it. */
export function reason({ verdict, rule, applies, since, safe }) {
  const kind = kindOf(rule, verdict);
  const why = t(`why.${verdict}_${kind}`, { list: rule && rule.list_name, rule: rule && rule.text });
  const opens = safe ? ` ${t("why.safe_form", safe)}` : "";
  const text = since ? `${why} ${t(rule.list_id ? "why.since_list" : "why.since_own", { when: when(since) })}` : why;
  const off = t(rule && rule.scope === "content" ? "why.off_content" : "why.off");
  return applies === false ? `${text}${opens} ${off}` : text + opens;
}

function kindOf(rule, verdict) {
  if (!rule) return "none";
  if (rule.list_id === "lookalike") return "lookalike";
  if (rule.scope === "content" && rule.list_name === "safe search") return "engine";
  if (rule.scope === "content") return rule.category === "service" ? "service" : "kind";
  if (rule.scope === "shipped" && CANARIES.includes(rule.category)) return "canary";
  if (rule.scope === "shipped") return verdict === "block" ? "bypass" : "helpline";
  // As core/match.py writes it of a host that is blocked for its listed pages.
  if (rule.text.endsWith(" (pages of it are listed)")) return "pages";
  return rule.list_id ? "list" : "own";
}

/** A text about a mistake of a list, to be sent by hand. */
export async function report(what) {
  const state = { with_day: false, with_version: false };
  let told = await get("/refusal-report", what).catch(say);
  if (!told) return;
  await sheet(t("mistake.report"), (close, again) => [
    h("p.soft", t("mistake.text")),
    Object.keys(state).map((name) =>
      h(
        "label.check",
        { key: name },
        h("input", {
          type: "checkbox",
          onchange: async (event) => {
            state[name] = event.target.checked;
            told = (await get("/refusal-report", { ...what, ...state }).catch(say)) || told;
            again();
          },
        }),
        h("span", t("mistake." + name)),
      ),
    ),
    h("pre", { tabindex: "0" }, told.text),
    h(
      "div.actions",
      told.to
        ? h("a.button.plain", { href: told.to, target: "_blank", rel: "noreferrer noopener" }, t("mistake.home"))
        : null,
      button(
        t("mistake.copy"),
        () =>
          navigator.clipboard.writeText(told.text).then(
            () => toast(t("mistake.copied")),
            () => {},
          ),
        { tone: "primary" },
      ),
    ),
  ]);
}
