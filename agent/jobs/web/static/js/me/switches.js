// The two switches of this device: an adult's own, or how they stand for others.

import { get, put } from "../lib/api.js";
import { h } from "../lib/dom.js";
import { t } from "../lib/i18n.js";
import { icon } from "../lib/icons.js";
import { eraseOwn } from "../privacy/rights.js";
import { FEATURES, facts, note } from "../people/switches.js";
import { until } from "../lib/time.js";
import { button, card, field, form, say, sheet, toast, toggle } from "../lib/ui.js";

/** An adult decides for themselves. */
export function mine(state, page) {
  const { device } = state.own;
  return card(
    { key: "mine" },
    h("h2", t("me.yours")),
    h("p.soft", t("me.yours_text")),
    FEATURES.map((feature) =>
      toggle({
        key: feature,
        label: t("feature." + feature),
        on: device.features[feature].on,
        busy: state.busy === feature,
        note: note(device.features[feature]),
        tone: feature === "history" ? "plum" : "teal",
        onchange: (on) => change(state, page, feature, on),
      }),
    ),
  );
}

/** Others see what was decided, and who sees what. */
export const theirs = (device) =>
  card(
    { key: "theirs" },
    h("h2", t("me.features")),
    h(
      "ul.plain-list",
      FEATURES.map((feature) =>
        h(
          "li",
          icon(device.features[feature].on ? "check" : "close"),
          h("span", h("strong", t("feature." + feature)), " ", note(device.features[feature])),
        ),
      ),
    ),
    h("p.soft", t("me.sees")),
  );

/** What is read, stored, and by whom it is read, before an adult agrees; without a PIN the first agreement sets it. */
async function agreement(feature, { device, pin }) {
  const { items } = await get("/features");
  const row = items.find((one) => one.name === feature);
  const title = t("consent.title", { feature: t("feature." + feature), device: device.label });
  return sheet(title, (close) => [
    facts(row),
    h("p", t(feature === "history" ? "consent.own" : "consent.own_protection")),
    pin.set || pin.private
      ? form(
          { key: "agree" },
          (values) => close({ agree: row.version, ...(pin.set ? {} : values) }),
          pin.set ? null : newPin(),
          h(
            "div.actions",
            button(t("cancel"), () => close(null), { tone: "plain" }),
            h("button.button.primary", { type: "submit" }, h("span", t("consent.agree"))),
          ),
        )
      : h("p.care-text", t("me.content_https")),
  ]);
}

const newPin = () =>
  field({
    name: "pin",
    id: "pin-first",
    label: t("pin.new"),
    type: "password",
    autocomplete: "new-password",
    hint: t("consent.pin"),
  });

async function change(state, page, feature, on) {
  const agreed = on ? await agreement(feature, state.own).catch(say) : null;
  if (on && !agreed) return;
  state.busy = feature;
  page.draw();
  try {
    const done = await put("/me/features/" + feature, on ? { on, ...agreed } : { on });
    if (!on) remained(state, page, feature, done);
  } catch (error) {
    if (error.kind === "pin") toast(t("me.pin_first"));
    else say(error);
  }
  state.busy = null;
  await page.load();
}

const remained = (state, page, feature, done) =>
  toast(
    done.remaining
      ? t(`switch.remain_${feature}`, { n: done.remaining, until: until(done.until) })
      : t("switch.off_nothing"),
    done.remaining
      ? {
          label: t("switch.erase_now"),
          call: () => eraseOwn(state.own.kept, page, { feature }),
        }
      : null,
  );
