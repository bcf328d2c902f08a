// Before anybody is signed in: first run, signing in, and why not over plain HTTP.

import { adopt, post, session } from "../lib/api.js";
import { h, render } from "../lib/dom.js";
import { t } from "../lib/i18n.js";
import { icon } from "../lib/icons.js";
import { field, form } from "../lib/ui.js";

/** The setup code that a link brings behind its "#": that part never leaves the browser. */
const given = () => new URLSearchParams(location.hash.slice(1)).get("setup") || "";

export function entry(root, done) {
  const state = { busy: false, error: null, code: false, reset: false };

  const draw = () => {
    const setup = session.setup_needed || state.reset;
    delete root.dataset.view;
    render(root, [
      h(
        "main.entry",
        { id: "main" },
        h("div.entry-mark", icon("shield")),
        h("h1", t(setup ? "setup.title" : "signin.title")),
        !session.private ? insecure() : setup ? setupForm() : signInForm(),
        h("p.entry-foot", h("a", { href: "/me" }, t("entry.me"))),
      ),
    ]);
  };

  const insecure = () => [
    h("p", t("entry.insecure")),
    session.tls ? h("p", t("entry.certificate"), " ", h("code", "privacy-agent setup-code")) : null,
    session.tls ? h("a.button.primary", { href: "https://" + location.host + "/" + location.hash }, t("entry.use_https")) : null,
  ];

  const setupForm = () =>
    form(
      { key: "setup" },
      (values) => send("/setup", values),
      who(),
      given() && !state.error ? codeFromLink() : codeField(),
      field({
        name: "password",
        label: t("setup.password"),
        type: "password",
        autocomplete: "new-password",
        required: true,
        hint: t("setup.password_hint"),
        error: state.error && state.error.kind === "weak-password" ? t("weak." + state.error.body.reason) : null,
      }),
      submit(t("setup.go")),
      state.reset ? h("button.link", { type: "button", onclick: () => change({ reset: false }) }, t("back")) : null,
    );

  const codeFromLink = () => [
    h("p.good-text", icon("check"), t("setup.from_link")),
    h("input", { type: "hidden", name: "code", value: given() }),
  ];

  const codeField = () => [
    h("p", t(state.reset ? "setup.reset_text" : "setup.text")),
    h("p.code-line", h("code", "privacy-agent setup-code")),
    field({
      name: "code",
      label: t("setup.code"),
      value: given(),
      autocomplete: "one-time-code",
      autocapitalize: "off",
      spellcheck: "false",
      required: true,
      error: state.error && state.error.kind !== "weak-password" ? state.error.sentence : null,
    }),
  ];

  const signInForm = () =>
    form(
      { key: "signin" },
      (values) => send("/session", values),
      who(),
      field({
        name: "password",
        label: t("signin.password"),
        type: "password",
        autocomplete: "current-password",
        required: true,
        error: state.error && state.error.kind !== "code-needed" ? state.error.sentence : null,
      }),
      state.code
        ? field({
            name: "code",
            label: t("signin.code"),
            autocomplete: "one-time-code",
            inputmode: "text",
            hint: t("signin.code_hint"),
          })
        : null,
      submit(t("signin.go")),
      h("button.link", { type: "button", onclick: () => change({ reset: true, error: null }) }, t("signin.forgot")),
    );

  // For password managers, which want a name.
  const who = () =>
    h("input", { type: "text", name: "username", autocomplete: "username", value: t("product"), hidden: true });

  const submit = (text) =>
    h(
      "button.button.primary.wide",
      { type: "submit", "aria-busy": state.busy ? "true" : null },
      h("span", state.busy ? t("wait") : text),
    );

  const change = (values) => {
    Object.assign(state, values);
    draw();
  };

  async function send(path, values) {
    if (state.busy) return;
    change({ busy: true, error: null });
    try {
      adopt(await post(path, values));
      window.history.replaceState(null, "", location.pathname + location.search);
      done();
    } catch (error) {
      const asked = error.kind === "code-needed";
      change({ busy: false, error: asked ? null : error, code: state.code || asked });
      if (asked) root.querySelector("#code").focus();
    }
  }

  draw();
  const first = root.querySelector("input:not([hidden], [type=hidden])");
  if (first) first.focus();
}
