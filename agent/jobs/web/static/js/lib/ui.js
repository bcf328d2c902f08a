// The few pieces that all views are made of.

import { Problem, session } from "./api.js";
import { h, render } from "./dom.js";
import { t } from "./i18n.js";
import { icon } from "./icons.js";
import { offline, untilLine } from "./offline.js";

/** A switch that shows what the router acknowledged, and that it waits for the router.
 * @param {{label: string, on: boolean | "mixed", onchange: (on: boolean) => void, key?: string, of?: string, busy?: boolean,
 *   note?: string | null, tone?: string, disabled?: boolean}} props */
export function toggle({ key, label, of, on, busy, note, tone, onchange, disabled }) {
  return h(
    "button.switch",
    {
      key,
      type: "button",
      role: "switch",
      class: tone,
      "aria-checked": String(on),
      "aria-label": of ? `${label}, ${of}, ${note}` : null,
      "aria-busy": busy ? "true" : null,
      "aria-disabled": busy || disabled ? "true" : null,
      onclick: () => !busy && !disabled && onchange(on !== true),
    },
    h("span.switch-words", h("span.switch-label", label), note ? h("span.switch-note", note) : null),
    h("span.track", h("span.thumb")),
  );
}

export function avatar(name) {
  return h(
    "span.avatar",
    { class: "tint-" + ([...name].reduce((sum, one) => sum + one.codePointAt(0), 0) % 5), "aria-hidden": "true" },
    [...name][0].toUpperCase(),
  );
}

export function card(props, ...children) {
  return h("section.card", props, ...children);
}

/** @param {string} label @param {string} value @param {(text: string) => void} typed called at each change */
export const searchField = (label, value, typed) =>
  h(
    "div.search",
    { key: "search" },
    icon("search"),
    h("input", {
      type: "search",
      "aria-label": label,
      placeholder: label,
      value,
      oninput: (event) => typed(event.target.value),
    }),
  );

/** A card that shows its title alone until somebody opens it. */
export const fold = (title, { flush = false, ...props }, ...children) =>
  h("details.card", props, h("summary", h("h2", title)), h("div.inside", { class: flush ? "flush" : "" }, ...children));

export function heading(text, ...more) {
  return h(
    "div.heading",
    h("h1", { tabindex: "-1" }, text),
    h(
      "div.heading-more",
      ...more,
      session.kind === "household"
        ? h(
            "a.round.to-account",
            { href: "/account", "data-go": true, "aria-label": t("nav.account") },
            icon("account"),
          )
        : null,
    ),
  );
}

export function empty(picture, title, text, ...actions) {
  return h("div.empty", h("span.empty-picture", icon(picture)), h("h2", title), h("p", text), ...actions);
}

/** @param {Record<string, any>} [props] */
export function button(label, onclick, props = {}) {
  const { tone = "", picture = null, ...rest } = props;
  return h(
    "button.button",
    { type: "button", class: tone, onclick, ...rest },
    picture ? icon(picture) : null,
    h("span", label),
  );
}

/** A labelled input; `hint` explains, `error` says what is wrong. A sheet's field has an `id` of its own beside a view's.
 * @param {{name: string, label: string, [attribute: string]: any}} props */
export function field({ name, id = name, label, type = "text", value, hint, error, ...props }) {
  const described = [hint && id + "-hint", error && id + "-error"].filter(Boolean).join(" ");
  return h(
    "div.field",
    { key: "field-" + name },
    h("label", { for: id }, label),
    h("input", {
      id,
      name,
      type,
      value,
      "aria-describedby": described || null,
      "aria-invalid": error ? "true" : null,
      ...props,
    }),
    hint ? h("p.hint", { id: id + "-hint" }, hint) : null,
    error ? h("p.error", { id: id + "-error", role: "alert" }, error) : null,
  );
}

/** A labelled field of several lines.
 * @param {{name: string, label: string, [attribute: string]: any}} props */
export const textarea = ({ name, id = name, label, error, ...props }) =>
  h(
    "div.field",
    { key: "field-" + name },
    h("label", { for: id }, label),
    h("textarea", {
      id,
      name,
      "aria-describedby": error ? id + "-error" : null,
      "aria-invalid": error ? "true" : null,
      ...props,
    }),
    error ? h("p.error", { id: id + "-error", role: "alert" }, error) : null,
  );

/** A labelled choice; `options` are pairs of value and text.
 * @param {{name: string, label: string, options: any[][], value?: any, id?: string, hint?: string, error?: string | null,
 *   onchange?: (value: string) => void}} props */
export function choice({ name, id = name, label, value, options, hint, error, onchange }) {
  const described = [hint && id + "-hint", error && id + "-error"].filter(Boolean).join(" ");
  return h(
    "div.field",
    { key: "field-" + name },
    h("label", { for: id }, label),
    h(
      "select",
      {
        id,
        name,
        "aria-describedby": described || null,
        "aria-invalid": error ? "true" : null,
        onchange: (event) => onchange && onchange(event.target.value),
      },
      options.map(([key, text]) => h("option", { value: key, selected: String(key) === String(value) }, text)),
    ),
    hint ? h("p.hint", { id: id + "-hint" }, hint) : null,
    error ? h("p.error", { id: id + "-error", role: "alert" }, error) : null,
  );
}

/** A modal sheet. `build(close, redraw, kept)` gives its content (`kept` outlives a drawing); resolves with what `close` was
 * given.
 * @param {string} title
 * @param {(close: (value?: any) => void, redraw: () => void, kept: Record<string, any>) => any} build
 * @returns {Promise<any>} */
export function sheet(title, build) {
  return new Promise((resolve) => {
    const before = /** @type {HTMLElement} */ (document.activeElement);
    const content = h("div");
    const dialog = h("dialog.sheet", { "aria-labelledby": "sheet-title" }, content);
    const kept = {};
    const close = (value) => {
      if (!dialog.isConnected) return;
      dialog.close();
      dialog.remove();
      raise();
      if (before && before.isConnected) before.focus();
      resolve(value);
    };
    dialog.addEventListener("cancel", (event) => {
      // A file chooser that is left without a choice says so with the same event.
      if (event.target !== dialog) return;
      event.preventDefault();
      close(null);
    });
    dialog.addEventListener("click", (event) => event.target === dialog && close(null));
    const redraw = () =>
      render(content, [
        h(
          "div.sheet-body",
          h(
            "div.sheet-head",
            h("h2", { id: "sheet-title", tabindex: "-1" }, title),
            h("button.round", { type: "button", "aria-label": t("close"), onclick: () => close(null) }, icon("close")),
          ),
          build(close, () => redraw(), kept),
        ),
      ]);
    redraw();
    document.getElementById("sheets").append(dialog);
    dialog.showModal();
    raise();
    (dialog.querySelector("[autofocus]") || dialog.querySelector("h2")).focus();
  });
}

/** Yes or no, with what happens said on the button. */
export function confirm(title, text, action, tone = "danger") {
  return sheet(title, (close) => [
    h("p", text),
    h(
      "div.actions",
      button(t("cancel"), () => close(false), { tone: "plain" }),
      button(action, () => close(true), { tone }),
    ),
  ]);
}

// Messages stand in the top layer, inside the sheet that is open: anywhere else it would hide and disable them.
const box = document.getElementById("toasts");

function raise() {
  const sheets = document.querySelectorAll("dialog[open]");
  const place = sheets[sheets.length - 1] || document.body;
  if (box.parentNode !== place) place.append(box);
  if (!box.popover) return;
  if (box.matches(":popover-open")) box.hidePopover();
  if (box.children.length) box.showPopover();
}

/** A short message; with `action` it stays long enough to be used. */
export function toast(text, action, tone = "") {
  // The same once more says nothing new.
  for (const one of [...box.children]) if (!action && one.textContent === text) one.remove();
  const note = h("div.toast", { class: tone }, h("span", text));
  const gone = () => {
    note.remove();
    if (!box.children.length) raise();
  };
  if (action) {
    note.append(
      h(
        "button.link",
        {
          type: "button",
          onclick: () => {
            gone();
            action.call();
          },
        },
        action.label,
      ),
    );
  }
  while (box.children.length > 1) box.firstChild.remove();
  box.append(note);
  raise();
  setTimeout(gone, action ? 12000 : 5000);
  return gone;
}

export function say(error) {
  if (!(error instanceof Problem)) throw error;
  // The line above the view says it as well; an open sheet covers that line.
  const line = error.kind === "unreachable" && !document.querySelector("dialog[open]");
  if (line && offline()) return;
  const gone = toast(error.sentence, null, "bad");
  if (line) untilLine(gone);
}

/** Form values by name; runs `submit(values)` and shows a problem beside its field, or below. */
export function form(props, submit, ...children) {
  return h(
    "form",
    {
      novalidate: true,
      ...props,
      onsubmit: (event) => {
        event.preventDefault();
        submit(Object.fromEntries(new FormData(event.target)));
      },
    },
    ...children,
  );
}
