// What was decided about an adult, or about their device, and takes effect a day later: seen here, and confirmed here.

import { post } from "../lib/api.js";
import { h } from "../lib/dom.js";
import { t } from "../lib/i18n.js";
import { when } from "../lib/time.js";
import { formSheet } from "../lib/form.js";
import { button, card, field, say } from "../lib/ui.js";

export const held = ({ device, pin }, load) =>
  device.held.length
    ? card(
        { key: "held", class: "care" },
        h("h2", t("held.title")),
        device.held.map((one) => h("p", t(one.change.includes("group:") ? "held.group" : "held.device", { when: when(one.at) }))),
        h("p.soft", t("held.text")),
        h(
          "div.actions.left",
          button(t("held.confirm"), () => confirm(pin, load), { tone: "plain", picture: "check" }),
        ),
      )
    : null;

async function confirm(pin, load) {
  if (pin.left || (pin.set && !pin.proven)) return withPin(pin, load);
  await post("/me/confirmation", {}).catch(say);
  await load();
}

const withPin = (pin, load) =>
  formSheet(t("held.confirm"), {
    names: ["pin"],
    go: t("held.confirm"),
    submit: async (values) => {
      await post("/me/confirmation", values);
      await load();
    },
    build: (at) => [
      pin.left ? h("p", t("held.pin")) : null,
      field({ name: "pin", id: "pin-left", label: t("pin.pin"), type: "password", autofocus: true, error: at("pin") }),
    ],
  });
