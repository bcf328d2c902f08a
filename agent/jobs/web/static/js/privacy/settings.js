// A setting as a field, whatever its kind: a short label, and the daemon's own sentence where it says more.

import { patch, Problem } from "../lib/api.js";
import { h } from "../lib/dom.js";
import { said, series, t } from "../lib/i18n.js";
import { choice, field, toast } from "../lib/ui.js";

/** Stands beside the data that it is about, on the privacy view; all others are on the account view. */
export const RETENTION = ["history_days", "attempts_days", "keep_history", "snapshot_hours"];

/** `problems` remembers, for a view, which setting was not taken and why: key → sentence. */
export function setting(one, problems, reload) {
  const change = async (value) => {
    try {
      await patch("/settings", { [one.key]: value });
      problems.delete(one.key);
      toast(t("saved"));
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      const range = one.kind === "number" && error.status === 422;
      problems.set(one.key, range ? t("setting.range", { min: one.min, max: one.max }) : error.sentence);
    }
    await reload();
  };
  const make = KINDS[one.choices ? "choice" : one.kind];
  return make ? make(one, t("setting." + one.key, {}, said(one.sentence)), change, problems.get(one.key)) : null;
}

// As people part names: also with the commas of other scripts.
const parted = (text) => text.split(/[,，、;\n]/).map((name) => name.trim()).filter(Boolean);

const KINDS = {
  flag: (one, label, change, error) => [
    h(
      "label.check",
      { key: one.key },
      h("input", { type: "checkbox", checked: one.value, onchange: (event) => change(event.target.checked) }),
      h("span", h("strong", label), h("span.hint", said(one.sentence))),
    ),
    error ? h("p.error", { key: one.key + "-error", role: "alert" }, error) : null,
  ],
  choice: (one, label, change, error) =>
    choice({
      name: one.key,
      label,
      hint: said(one.sentence),
      value: one.value,
      options: one.choices.map((word) => [word, t(`setting.${one.key}.${word}`, {}, word)]),
      onchange: change,
      error,
    }),
  people: (one, label, change, error) =>
    field({ name: one.key, label, hint: said(one.sentence), value: series(one.value), maxlength: 400, autocomplete: "off", onchange: (event) => change(parted(event.target.value)), error }),
  house_url: (one, label, change, error) =>
    field({ name: one.key, label, hint: said(one.sentence), value: one.value, maxlength: 300, onchange: (event) => change(event.target.value.trim()), error }),
  number: (one, label, change, error) =>
    field({
      name: one.key,
      label,
      type: "number",
      min: one.min,
      max: one.max,
      value: one.value,
      onchange: (event) => change(Number(event.target.value)),
      error,
    }),
};
