// The PIN that opens the records at /me: entered, and chosen with a code from the household's page.

import { adopt, post } from "../lib/api.js";
import { h } from "../lib/dom.js";
import { t } from "../lib/i18n.js";
import { button, card, field, form, say, sheet } from "../lib/ui.js";

/** Stands where the records are once the PIN is entered. */
export function pinCard(pin, load) {
  return card(
    { key: "content" },
    h("h2", t("me.content")),
    h("p.soft", t(pin.set ? "me.content_pin" : "me.content_text")),
    !pin.private
      ? h("p.care-text", t("me.content_https"))
      : pin.set
        ? pinForm(load)
        : h("div.actions.left", button(t("me.set_pin"), () => choosePin(load), { tone: "plain", picture: "lock" })),
  );
}

const pinForm = (load) =>
  form(
    { key: "pin" },
    async (values) => {
      try {
        adopt(await post("/me/session", values));
      } catch (error) {
        say(error);
      }
      await load();
    },
    h(
      "div.inline",
      field({
        name: "pin",
        label: t("pin.pin"),
        type: "password",
        inputmode: "numeric",
        autocomplete: "current-password",
      }),
      h("button.button.plain", { type: "submit" }, h("span", t("pin.enter"))),
    ),
    h("button.link", { type: "button", onclick: () => choosePin(load) }, t("pin.forgot")),
  );

/** A sheet that takes the household's code and a new PIN. */
export const choosePin = (load) =>
  sheet(t("me.set_pin"), (close) =>
    form(
      { key: "set-pin" },
      async (values) => {
        try {
          adopt(await post("/me/pin", values));
          close();
        } catch (error) {
          say(error);
        }
        await load();
      },
      h("p", t("pin.ask")),
      field({
        name: "code",
        label: t("pin.code"),
        inputmode: "numeric",
        autocomplete: "one-time-code",
        autofocus: true,
      }),
      field({
        name: "pin",
        id: "pin-new",
        label: t("pin.new"),
        type: "password",
        autocomplete: "new-password",
        hint: t("pin.hint"),
      }),
      h("div.actions", h("button.button.primary", { type: "submit" }, h("span", t("save")))),
    ),
  );
