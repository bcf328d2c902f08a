// The two switches of this device: an adult's own, or how they stand for others.

import { put } from "../api.js";
import { h } from "../dom.js";
import { t } from "../i18n.js";
import { icon } from "../icons.js";
import { eraseOwn } from "../rights.js";
import { FEATURES, consent, note } from "../switching.js";
import { until } from "../time.js";
import { card, say, toast, toggle } from "../ui.js";

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

async function change(state, page, feature, on) {
  const agree = on ? await consent(feature, state.own.device.label) : null;
  if (on && !agree) return;
  state.busy = feature;
  page.draw();
  try {
    const done = await put("/me/features/" + feature, on ? { on, agree } : { on });
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
