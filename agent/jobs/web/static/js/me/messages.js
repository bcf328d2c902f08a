// Messages of the person at a device to the one who manages the network.

import { post } from "../lib/api.js";
import { h } from "../lib/dom.js";
import { t } from "../lib/i18n.js";
import { when } from "../lib/time.js";
import { formSheet, Wrong } from "../lib/form.js";
import { lengthWords } from "../people/internet.js";
import { button, card, field, textarea, toast } from "../lib/ui.js";

/** What was sent and what was replied; `ask(kind)` writes another. */
export const sayCard = (requests, ask) =>
  card(
    { key: "say" },
    h("h2", t("me.say")),
    h("p.soft", t("me.say_text")),
    requests.map((one) =>
      h(
        "div.request",
        { key: "request-" + one.id },
        h(
          "p",
          h("strong", t("request." + one.kind)),
          one.target ? [" ", one.kind === "time" ? lengthWords(Number(one.target)) : h("code", one.target)] : null,
          " ",
          one.text,
        ),
        h(
          "p.soft",
          one.state === "answered"
            ? t("request.answered", { answer: one.answer })
            : t(one.state === "ended" ? "request.ended" : "request.open", { when: when(one.at) }),
        ),
      ),
    ),
    h(
      "div.actions.left",
      button(t("request.objection"), () => ask("objection"), { tone: "plain", picture: "flag" }),
      button(t("request.unblock"), () => ask("unblock"), { tone: "plain", picture: "shield" }),
      button(t("request.exception"), () => ask("exception"), { tone: "plain", picture: "speak" }),
    ),
  );

/** A sheet for a message: an objection, an exception, … about a blocked `target`; open until it was sent. */
export const write = (kind, target, load) =>
  formSheet(t("request." + kind), {
    names: ["text", "site", "target"],
    go: t("request.go"),
    submit: async (values) => {
      const text = values.text.trim().replace(/\s+/g, " ");
      const site = target || (values.site || "").trim();
      if (kind === "unblock" && !site) throw new Wrong("site", t("request.site_missing"));
      await post("/me/requests", { kind, ...(site ? { target: site } : {}), ...(text ? { text } : {}) });
      toast(t("request.sent"));
      await load();
    },
    build: (at) => [
      target ? h("p", h("code", target)) : null,
      kind === "unblock" && !target
        ? field({
            name: "site",
            label: t("ask.name"),
            hint: t("request.site_hint"),
            autocapitalize: "off",
            spellcheck: "false",
            inputmode: "url",
            autofocus: true,
            error: at("site") || at("target"),
          })
        : null,
      textarea({ name: "text", label: t("request.text"), rows: 4, maxlength: 500, autofocus: kind !== "unblock", error: at("text") }),
    ],
  });
