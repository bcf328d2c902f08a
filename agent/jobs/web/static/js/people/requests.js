// Requests and messages from the devices, shown until there is a reply.

import { post } from "../lib/api.js";
import { h } from "../lib/dom.js";
import { pair, t } from "../lib/i18n.js";
import { when } from "../lib/time.js";
import { formSheet, Wrong } from "../lib/form.js";
import { sure } from "../protection/rules.js";
import { lengthWords } from "./internet.js";
import { button, card, say, textarea, toast } from "../lib/ui.js";

const TIMED = ["time", "tonight"];
const GRANTS = [900, 1800, 3600, "tonight"];

export function requests({ requests: rows, devices }, reload) {
  if (!rows.length) return null;
  const label = (id) => (devices.find((one) => one.id === id) || { label: t("device.gone") }).label;
  return card(
    { key: "requests" },
    h("h2", t("requests.title")),
    rows.map((one) =>
      h(
        "div.request",
        { key: "request-" + one.id },
        h(
          "p",
          h("strong", pair(label(one.device_id), t("request." + one.kind))),
          one.target ? h("span", " ", one.kind === "time" ? lengthWords(Number(one.target)) : h("code", one.target)) : null,
        ),
        one.wide ? h("p", t("requests.wide", { name: one.wide })) : null,
        one.text ? h("p", one.text) : null,
        h("p.soft", when(one.at)),
        h(
          "div.actions.left",
          TIMED.includes(one.kind)
            ? GRANTS.map((grant) => button(grantWords(grant), () => give(one, grant, reload), { tone: "plain small" }))
            : null,
          one.kind === "unblock" && one.target
            ? [
                button(t("requests.allow_hour"), () => allow(one, 3600, reload), { tone: "plain small" }),
                button(t("requests.allow_good"), () => allow(one, null, reload), { tone: "plain small" }),
              ]
            : null,
          button(t("requests.decline"), () => decline(one, reload), { tone: "plain small", picture: "close" }),
          button(t("requests.reply"), () => reply(one, reload), { tone: "plain small", picture: "speak" }),
        ),
      ),
    ),
  );
}

const grantWords = (grant) => (grant === "tonight" ? t("requests.tonight") : lengthWords(grant));

/** Yes to a request for time: the router frees the internet in the same step. */
async function give(one, grant, reload) {
  try {
    await post(`/requests/${one.id}/answer`, { answer: t("requests.given", { what: grantWords(grant) }), grant });
    toast(t("requests.sent"));
  } catch (error) {
    say(error);
  }
  await reload().catch(say);
}

const reply = (one, reload) =>
  formSheet(t("requests.reply"), {
    names: ["answer"],
    go: t("request.go"),
    submit: async (values) => {
      const text = values.answer.trim().replace(/\s+/g, " ");
      if (!text) throw new Wrong("answer", t("requests.empty"));
      await send(one, text, reload);
    },
    build: (at) => [
      one.target ? h("p", h("code", one.target)) : null,
      one.text ? h("p.soft", one.text) : null,
      textarea({ name: "answer", label: t("requests.words"), rows: 3, maxlength: 500, autofocus: true, error: at("answer") }),
      h("p.soft", t("requests.switch_yourself")),
    ],
  });

const decline = (one, reload) => send(one, t("requests.declined"), reload).catch(say);

async function allow(one, seconds, reload) {
  try {
    const rule = await sure({
      action: "allow",
      name: one.target,
      scope: "device",
      device_id: one.device_id,
      ...(seconds ? { seconds } : {}),
    });
    if (!rule) return;
    await send(one, t(seconds ? "requests.allowed" : "requests.allowed_good"), reload);
  } catch (error) {
    say(error);
  }
}

async function send(one, text, reload) {
  await post(`/requests/${one.id}/answer`, { answer: text });
  toast(t("requests.sent"));
  await reload();
}
