// A setting of the household as a field, whatever its kind.

import { patch } from "./api.js";
import { h } from "./dom.js";
import { said, t } from "./i18n.js";
import { choice, field, say, toast } from "./ui.js";

export function setting(one, reload) {
  const label = said(one.sentence);
  const change = async (value) => {
    try {
      await patch("/settings", { [one.key]: value });
      toast(t("saved"));
    } catch (error) {
      say(error);
    }
    await reload();
  };
  if (one.kind === "flag") {
    return h(
      "label.check",
      { key: one.key },
      h("input", { type: "checkbox", checked: one.value, onchange: (event) => change(event.target.checked) }),
      h("span", label),
    );
  }
  if (one.choices) {
    return choice({
      name: one.key,
      label,
      value: one.value,
      options: one.choices.map((word) => [word, t(`setting.${one.key}.${word}`, {}, word)]),
      onchange: change,
    });
  }
  if (one.kind === "number") {
    return field({
      name: one.key,
      label,
      type: "number",
      min: one.min,
      max: one.max,
      value: one.value,
      onchange: (event) => change(Number(event.target.value)),
    });
  }
  return null;
}
