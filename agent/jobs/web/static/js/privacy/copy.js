// The copy of the history on flash: what a stolen router gives away, and a passphrase for it.

import { del, get, post } from "../lib/api.js";
import { confirmed } from "../lib/confirm.js";
import { h } from "../lib/dom.js";
import { formSheet, Wrong } from "../lib/form.js";
import { t } from "../lib/i18n.js";
import { button, confirm, field, say, toast } from "../lib/ui.js";

export const loadCopy = () => get("/history-copy");

/** What stands below the settings of what is stored. */
export function copyPart(copy, reload) {
  const act = (go) => () => go().catch(say).then(reload);
  return h(
    "div",
    { key: "copy" },
    h("h3", t("copy.title")),
    h("p.soft", t("copy.stolen")),
    copy.locked ? h("p.care-text", t("copy.locked")) : copy.sealed ? h("p", t("copy.sealed")) : null,
    h(
      "div.actions.left",
      copy.locked
        ? [
            button(t("copy.unlock"), act(unlock), { tone: "primary" }),
            button(t("copy.drop"), act(drop), { tone: "danger" }),
          ]
        : copy.sealed
          ? button(t("copy.unseal"), act(unseal), { tone: "plain" })
          : copy.wanted
            ? button(t("copy.seal"), act(seal), { tone: "plain" })
            : null,
    ),
  );
}

const secret = (name, label, error, fill) =>
  field({ name, id: "copy-" + name, label, type: "password", autocomplete: fill, error });

const seal = () =>
  formSheet(t("copy.seal"), {
    names: ["passphrase", "again"],
    go: t("copy.go"),
    submit: ({ passphrase, again }) => {
      if (passphrase !== again) throw new Wrong("again", t("copy.other"));
      return confirmed(() => post("/history-copy/key", { passphrase }));
    },
    build: (at) => [
      h("p", t("copy.seal_text")),
      secret("passphrase", t("copy.passphrase"), at("passphrase"), "new-password"),
      secret("again", t("copy.again"), at("again"), "new-password"),
    ],
  });

const unlock = () =>
  formSheet(t("copy.unlock"), {
    names: ["passphrase"],
    go: t("copy.unlock"),
    submit: async (values) => {
      await post("/history-copy/unlock", values);
      toast(t("copy.unlocked"));
    },
    build: (at) => secret("passphrase", t("copy.passphrase"), at("passphrase"), "current-password"),
  });

const unseal = () => confirmed(() => del("/history-copy/key"));

async function drop() {
  if (await confirm(t("copy.drop"), t("copy.drop_text"), t("copy.drop"))) await confirmed(() => del("/history-copy"));
}
