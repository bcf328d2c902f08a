// What the person behind a device says to the household.

import { post } from "../lib/api.js";
import { h } from "../lib/dom.js";
import { t } from "../lib/i18n.js";
import { when } from "../lib/time.js";
import { button, card, form, say, sheet, toast } from "../lib/ui.js";

/** What was said to the household and what it answered; `ask(kind)` says something more. */
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
          one.target ? [" ", h("code", one.target)] : null,
          " ",
          one.text,
        ),
        h(
          "p.soft",
          one.state === "answered"
            ? t("request.answered", { answer: one.answer })
            : t("request.open", { when: when(one.at) }),
        ),
      ),
    ),
    h(
      "div.actions.left",
      button(t("request.objection"), () => ask("objection"), { tone: "plain", picture: "flag" }),
      button(t("request.exception"), () => ask("exception"), { tone: "plain", picture: "speak" }),
    ),
  );

/** A sheet for some words to the household: an objection, an exception, … of a refused `target`. */
export const write = (kind, target, load) =>
  sheet(t("request." + kind), (close) =>
    form(
      { key: "request" },
      async (values) => {
        close();
        const text = values.text.trim().replace(/\s+/g, " ");
        try {
          await post("/me/requests", { kind, ...(target ? { target } : {}), ...(text ? { text } : {}) });
          toast(t("request.sent"));
        } catch (error) {
          say(error);
        }
        await load();
      },
      h(
        "div.field",
        h("label", { for: "text" }, t("request.text")),
        h("textarea", { id: "text", name: "text", rows: 4, maxlength: 500, autofocus: true }),
      ),
      h("div.actions", h("button.button.primary", { type: "submit" }, h("span", t("request.go")))),
    ),
  );
