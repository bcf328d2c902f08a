// What the people behind the devices said, before the household until it is answered.

import { post } from "../lib/api.js";
import { h } from "../lib/dom.js";
import { t } from "../lib/i18n.js";
import { when } from "../lib/time.js";
import { button, card, form, say, sheet, toast } from "../lib/ui.js";

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
          h("strong", `${label(one.device_id)}: ${t("request." + one.kind)}`),
          one.target ? h("span", " ", h("code", one.target)) : null,
        ),
        one.text ? h("p", one.text) : null,
        h("p.soft", when(one.at)),
        h(
          "div.actions.left",
          one.kind === "unblock" && one.target
            ? [
                button(t("requests.allow_hour"), () => allow(one, 3600, reload), { tone: "plain small" }),
                button(t("requests.allow_good"), () => allow(one, null, reload), { tone: "plain small" }),
              ]
            : null,
          button(t("requests.answer"), () => answer(one, reload), { tone: "plain small", picture: "speak" }),
        ),
      ),
    ),
  );
}

const answer = (one, reload) =>
  sheet(t("requests.answer"), (close) =>
    form(
      { key: "answer" },
      async (values) => {
        close();
        await send(one, values.answer.trim().replace(/\s+/g, " ") || t("requests.read"), reload);
      },
      h("p.soft", one.text),
      h(
        "div.field",
        h("label", { for: "answer" }, t("requests.words")),
        h("textarea", { id: "answer", name: "answer", rows: 3, maxlength: 500, autofocus: true }),
      ),
      h("p.soft", t("requests.switch_yourself")),
      h("div.actions", h("button.button.primary", { type: "submit" }, h("span", t("request.go")))),
    ),
  );

async function allow(one, seconds, reload) {
  try {
    await post("/rules", {
      action: "allow",
      name: one.target,
      scope: "device",
      device_id: one.device_id,
      ...(seconds ? { seconds } : {}),
    });
    await send(one, t(seconds ? "requests.allowed" : "requests.allowed_good"), reload);
  } catch (error) {
    say(error);
  }
}

async function send(one, text, reload) {
  try {
    await post(`/requests/${one.id}/answer`, { answer: text });
    toast(t("requests.sent"));
  } catch (error) {
    say(error);
  }
  await reload();
}
