// The password again, before what can't be undone.

import { post, session } from "./api.js";
import { h } from "./dom.js";
import { t } from "./i18n.js";
import { field, form, sheet } from "./ui.js";

/** Runs `act`; when the router asks for the password again, asks for it and runs it once more. Null when given up. */
export async function confirmed(act) {
  try {
    return await act();
  } catch (error) {
    if (error.kind !== "confirm") throw error;
  }
  return (await askPassword()) ? act() : null;
}

function askPassword() {
  const state = { error: null, busy: false };
  return sheet(t("confirm.title"), (close, redraw) =>
    form(
      { key: "confirm" },
      async (values) => {
        if (state.busy) return;
        state.busy = true;
        try {
          await post("/session/confirm", values);
          close(true);
        } catch (error) {
          Object.assign(state, { error: error.sentence, busy: false });
          redraw();
        }
      },
      h("p", t("confirm.text")),
      field({
        name: "password",
        id: "password-again",
        label: t("signin.password"),
        type: "password",
        autocomplete: "current-password",
        autofocus: true,
        error: state.error,
      }),
      session.totp ? field({ name: "code", id: "code-again", label: t("signin.code"), autocomplete: "one-time-code" }) : null,
      h("div.actions", h("button.button.primary", { type: "submit" }, h("span", t("confirm.go")))),
    ),
  );
}
