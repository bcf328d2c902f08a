// /me: an adult takes part in the household's weekly file, or no more.

import { del, get, put } from "../lib/api.js";
import { h } from "../lib/dom.js";
import { formSheet } from "../lib/form.js";
import { said, t } from "../lib/i18n.js";
import { button, card, field, say, toast } from "../lib/ui.js";

/** Null where there is no such file, or before the PIN unless they take part. */
export const weekFileAsk = ({ week_file_ask: asked, pin }, load) =>
  asked && (asked.joined || pin.entered)
    ? card(
        { key: "week-file" },
        h("h2", t("weekfile.title")),
        h("p.soft", t(asked.joined ? "me.week_in" : "me.week_out")),
        h(
          "div.actions.left",
          asked.joined
            ? button(t("me.week_leave"), () => leave(load), { tone: "plain small" })
            : button(t("me.week_join"), () => join(pin, load).catch(say), { tone: "plain small" }),
        ),
      )
    : null;

async function join(pin, load) {
  const asked = await get("/me/week-file");
  const done = await formSheet(t("me.week_join"), {
    names: ["pin"],
    go: t("me.week_agree"),
    submit: ({ pin: given }) => put("/me/week-file", { terms: asked.terms, agree: asked.notice, ...(given ? { pin: given } : {}) }),
    build: (at) => [
      h("p", t("me.week_terms")),
      h("dl.facts", [h("dt", t("weekfile.address")), h("dd.hash", asked.address)], [h("dt", t("me.week_key")), h("dd.hash", asked.recipient)]),
      h("p.care-text", said(asked.seen)),
      h("details", h("summary", t("reports.exact")), h("pre", { tabindex: "0" }, asked.text)),
      pin.proven ? null : field({ name: "pin", id: "pin-week", label: t("pin.pin"), type: "password", autocomplete: "current-password", error: at("pin") }),
    ],
  });
  if (done) toast(t("me.week_in"));
  await load();
}

async function leave(load) {
  await del("/me/week-file").then(() => toast(t("me.week_left")), say);
  await load();
}
