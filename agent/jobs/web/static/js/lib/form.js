// Forms that keep what was typed until the router said yes, with the problem beside the field that it is about.

import { Problem } from "./api.js";
import { h } from "./dom.js";
import { t } from "./i18n.js";
import { form, sheet } from "./ui.js";

/** A sentence about one field, found before the router is asked. */
export class Wrong extends Problem {
  constructor(field, sentence) {
    super(422, { type: "wrong", field });
    this.own = sentence;
  }

  get sentence() {
    return this.own;
  }
}

/** What a form remembers between two drawings: the problem, and that it waits. `submit(values)` may throw one. */
export function attempt(redraw, submit) {
  const state = { problem: null, busy: false };
  const at = (name) => (state.problem && placeOf(state.problem) === name ? state.problem.sentence : null);
  return {
    /** The sentence for the field of that name, if the problem is its. */
    at,
    /** The sentence for a form that has none of these fields. */
    other: (...names) =>
      state.problem && !names.includes(placeOf(state.problem))
        ? h("p.error", { role: "alert", key: "form-error" }, state.problem.sentence)
        : null,
    get busy() {
      return state.busy;
    },
    async run(values) {
      if (state.busy) return;
      Object.assign(state, { problem: null, busy: true });
      redraw();
      try {
        await submit(values);
        state.busy = false;
      } catch (error) {
        if (!(error instanceof Problem)) throw error;
        Object.assign(state, { problem: error, busy: false });
        redraw();
        const wrong = (document.querySelector("dialog[open]") || document).querySelector("[aria-invalid=true]");
        if (wrong instanceof HTMLElement) wrong.focus();
      }
    },
  };
}

const PLACES = { "wrong-password": "password", "wrong-code": "code", "wrong-pin": "pin", "wrong-passphrase": "with", "no-backup": "file" };
const placeOf = (problem) => PLACES[problem.kind] || problem.body.field || null;

/** A sheet with one form. `build(at, close)` gives its fields (`at(name)` is a field's problem), `names` are those that show
 * their own; it closes with what `submit(values)` gave.
 * @param {string} title
 * @param {{names?: string[], go: string, submit: (values: Record<string, any>) => Promise<any>,
 *   build: (at: (name: string) => string | null, close: (value?: any) => void) => any,
 *   below?: (close: (value?: any) => void) => any}} parts */
export const formSheet = (title, { names = [], go, build, submit, below = null }) =>
  sheet(title, (close, redraw, kept) => {
    kept.attempt = kept.attempt || attempt(redraw, async (values) => close((await submit(values)) ?? true));
    const { at, other, busy, run } = kept.attempt;
    return [
      form(
        { key: "form" },
        run,
        ...[build(at, close)].flat(),
        other(...names),
        h(
          "div.actions",
          h(
            "button.button.primary",
            { type: "submit", "aria-busy": busy ? "true" : null },
            h("span", busy ? t("wait") : go),
          ),
        ),
      ),
      below && below(close),
    ];
  });
