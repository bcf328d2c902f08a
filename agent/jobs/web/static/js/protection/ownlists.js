// Your own lists, by their addresses: a form to add one, a button to remove each.

import { del, post } from "../lib/api.js";
import { h } from "../lib/dom.js";
import { t } from "../lib/i18n.js";
import { button, field, form, say, toast } from "../lib/ui.js";

/** `changed` is called after one came or went, `again` when the form has something to say. */
export function ownListForm(changed, again) {
  let wrong = null;
  let typed = "";

  async function add({ url }) {
    typed = url.trim();
    try {
      await post("/lists", { url: typed });
      wrong = null;
      typed = "";
      toast(t("lists.added"));
      await changed();
    } catch (error) {
      wrong = error.sentence || String(error);
    }
    again();
  }

  return () =>
    form(
      { key: "own-list" },
      add,
      h("h3", t("lists.own")),
      h("p.soft", t("lists.own_text")),
      field({
        name: "url",
        label: t("lists.own_url"),
        value: typed,
        error: wrong,
        placeholder: "https://",
        inputmode: "url",
        autocapitalize: "off",
        spellcheck: "false",
        required: true,
      }),
      h("div.actions.left", h("button.button.plain", { type: "submit" }, h("span", t("lists.add")))),
    );
}

export const removeOwn = (one, changed) =>
  button(
    t("lists.remove"),
    async () => {
      await del("/lists/" + one.id).then(() => toast(t("lists.removed", { name: one.name })), say);
      await changed();
    },
    { tone: "plain small", "aria-label": t("lists.remove_one", { name: one.name }) },
  );
