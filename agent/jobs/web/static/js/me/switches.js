// The two switches of this device: an adult's own, or how they stand for others.

import { get, put } from "../lib/api.js";
import { h } from "../lib/dom.js";
import { series, t } from "../lib/i18n.js";
import { icon } from "../lib/icons.js";
import { eraseOwn } from "../privacy/rights.js";
import { FEATURES as BOTH, facts, note } from "../people/switches.js";
import { until } from "../lib/time.js";
import { formSheet } from "../lib/form.js";
import { card, field, say, sheet, toast, toggle } from "../lib/ui.js";

const FEATURES = [...BOTH, "usage"];

/** Those who have the password, as the household names them. */
export const named = (readers) => series(readers) || t("me.reader_unnamed");

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
async function agreement(feature, { device, pin, readers, read_by }, agree) {
  const { items } = await get("/features");
  const row = items.find((one) => one.name === feature);
  const title = t("consent.title", { feature: t("feature." + feature), device: device.label });
  const theirs = readers[feature] === "household" || feature === "usage";
  const who = theirs ? h("p", h("strong", t("me.would_read_you", { names: named(read_by) }))) : null;
  const about = [who, facts(row, theirs ? read_by : []), h("p", t({ history: "consent.own", usage: "consent.own_usage" }[feature] || "consent.own_protection"))];
  if (!pin.set && !pin.private) return sheet(title, () => [about, h("p.care-text", t("me.content_https"))]);
  return formSheet(title, {
    names: ["pin"],
    go: t("consent.agree"),
    submit: (values) => agree({ agree: row.version, ...(pin.proven ? {} : values) }),
    build: (at) => [about, pin.proven ? null : (pin.set ? ownPin : newPin)(at("pin"))],
  });
}

/** Asked for again where it was not entered a moment ago: an agreement is the person's own. */
const ownPin = (error) =>
  field({ name: "pin", id: "pin-own", label: t("pin.pin"), type: "password", autocomplete: "current-password", error });

const newPin = (error) =>
  field({
    name: "pin",
    id: "pin-first",
    label: t("pin.new"),
    type: "password",
    autocomplete: "new-password",
    hint: t("consent.pin"),
    error,
  });

/** On after a sheet that stays until the router said yes; off at once. */
async function change(state, page, feature, on) {
  const ask = (body) => put("/me/features/" + feature, { on, ...body });
  try {
    if (on) {
      if (state.own.pin.set && !state.own.pin.entered) return toast(t("me.pin_first"));
      await agreement(feature, state.own, ask);
    } else {
      Object.assign(state, { busy: feature });
      page.draw();
      remained(state, page, feature, await ask({}));
    }
  } catch (error) {
    say(error);
  }
  state.busy = null;
  await page.load();
}

/** Without its PIN the device hears that it is off, not how much is stored. */
function remained(state, page, feature, done) {
  if (done.remaining === undefined) return toast(t("me.off_done"));
  if (!done.remaining) return toast(t("switch.off_nothing"));
  toast(t(`switch.remain_${feature}`, { n: done.remaining, until: until(done.until) }), {
    label: t("switch.delete_now"),
    call: () => eraseOwn(page, { feature }),
  });
}
