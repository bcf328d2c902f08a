// A person, added or changed: name, age group, month of birth.

import { patch, post } from "../lib/api.js";
import { formSheet, Wrong } from "../lib/form.js";
import { h } from "../lib/dom.js";
import { t } from "../lib/i18n.js";
import { choice, field, toast } from "../lib/ui.js";

export const GROUPS = ["child", "teen", "adult"];

/** A name as it was typed, or a sentence beside its field. */
export function named(text, place = "label") {
  if (!text.trim()) throw new Wrong(place, t("devices.label_missing"));
  return text.trim();
}

/** The sheet for one person, or for a new one (null); resolves with what the router made of it, null when given up. */
export const personSheet = (one, below) =>
  formSheet(one ? one.name : t("devices.add_person"), {
    names: ["name", "birth_month"],
    go: t("save"),
    submit: async (values) => {
      const what = { name: named(values.name, "name"), group: values.group, birth_month: values.birth_month || null };
      const made = await (one ? patch("/people/" + one.id, what) : post("/people", what));
      toast(t("saved"));
      return made;
    },
    build: (at) => [
      field({
        name: "name",
        label: t("person.name"),
        value: one ? one.name : "",
        required: true,
        maxlength: 64,
        autofocus: true,
        error: at("name"),
      }),
      choice({
        name: "group",
        label: t("person.group"),
        value: one ? one.group : "child",
        options: GROUPS.map((group) => [group, t("group." + group)]),
      }),
      h("p.soft", t("person.group_text")),
      field({
        name: "birth_month",
        label: t("person.birth"),
        type: "month",
        value: (one && one.birth_month) || "",
        hint: t("person.birth_text"),
        error: at("birth_month"),
      }),
    ],
    below,
  });
