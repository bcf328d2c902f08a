// A setting as a field, whatever its kind: a short label, and the daemon's own sentence where it says more.

import { patch } from "../lib/api.js";
import { h } from "../lib/dom.js";
import { said, t } from "../lib/i18n.js";
import { choice, field, say, toast } from "../lib/ui.js";

/** Stands beside the data that it is about, on the privacy view; all others are on the account view. */
export const RETENTION = ["history_days", "attempts_days", "keep_history", "snapshot_hours"];

export function setting(one, reload) {
  const change = async (value) => {
    try {
      await patch("/settings", { [one.key]: value });
      toast(t("saved"));
    } catch (error) {
      say(error);
    }
    await reload();
  };
  const make = KINDS[one.choices ? "choice" : one.kind];
  return make ? make(one, t("setting." + one.key, {}, said(one.sentence)), change) : null;
}

const KINDS = {
  flag: (one, label, change) =>
    h(
      "label.check",
      { key: one.key },
      h("input", { type: "checkbox", checked: one.value, onchange: (event) => change(event.target.checked) }),
      h("span", h("strong", label), h("span.hint", said(one.sentence))),
    ),
  choice: (one, label, change) =>
    choice({
      name: one.key,
      label,
      hint: said(one.sentence),
      value: one.value,
      options: one.choices.map((word) => [word, t(`setting.${one.key}.${word}`, {}, word)]),
      onchange: change,
    }),
  number: (one, label, change) =>
    field({
      name: one.key,
      label,
      type: "number",
      min: one.min,
      max: one.max,
      value: one.value,
      onchange: (event) => change(Number(event.target.value)),
    }),
};
