// The PIN that opens the records at /me: entered, and chosen with a code from the person who manages this network.

import { adopt, post } from "../lib/api.js";
import { h } from "../lib/dom.js";
import { t } from "../lib/i18n.js";
import { formSheet } from "../lib/form.js";
import { button, card, field, form } from "../lib/ui.js";

/** Opens the records of this device for the PIN. */
export const openRecords = async (values) => adopt(await post("/me/session", values));

/** Stands where the records are once the PIN is entered; `trying` is what the form remembers. */
export function pinCard(pin, load, trying) {
  return card(
    { key: "content" },
    h("h2", t("me.content")),
    h("p.soft", t(pin.set ? "me.content_pin" : "me.content_text")),
    !pin.private
      ? h("p.care-text", t("me.content_https"))
      : pin.set
        ? pinForm(load, trying)
        : h("div.actions.left", button(t("me.set_pin"), () => choosePin(load), { tone: "plain", picture: "lock" })),
  );
}

const pinForm = (load, trying) =>
  form(
    { key: "pin" },
    trying.run,
    h(
      "div.inline",
      field({
        name: "pin",
        label: t("pin.pin"),
        type: "password",
        inputmode: "numeric",
        autocomplete: "current-password",
        error: trying.at("pin"),
      }),
      h("button.button.plain", { type: "submit" }, h("span", t("pin.enter"))),
    ),
    trying.other("pin"),
    h("button.link", { type: "button", onclick: () => choosePin(load) }, t("pin.forgot")),
  );

/** A sheet that takes the code and a new PIN. */
export const choosePin = (load) =>
  formSheet(t("me.set_pin"), {
    names: ["code", "pin"],
    go: t("save"),
    submit: async (values) => {
      adopt(await post("/me/pin", values));
      await load();
    },
    build: (at) => [
      h("p", t("pin.ask")),
      field({
        name: "code",
        id: "pin-code",
        label: t("pin.code"),
        inputmode: "numeric",
        autocomplete: "one-time-code",
        autofocus: true,
        error: at("code"),
      }),
      field({
        name: "pin",
        id: "pin-new",
        label: t("pin.new"),
        type: "password",
        autocomplete: "new-password",
        hint: t("pin.hint"),
        error: at("pin"),
      }),
    ],
  });
