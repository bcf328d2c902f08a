// Password, two-step sign-in, sessions, language.

import { del, fetchFile, get, inTurn, keep, loadSession, post, put, send, session } from "../lib/api.js";
import { confirmed } from "../lib/confirm.js";
import { h } from "../lib/dom.js";
import { attempt, Wrong } from "../lib/form.js";
import { qr } from "../lib/qr.js";
import { languages, chooseLanguage, locale, t } from "../lib/i18n.js";
import { icon } from "../lib/icons.js";
import { RETENTION, setting } from "../privacy/settings.js";
import { when } from "../lib/time.js";
import { button, card, choice, confirm, field, form, heading, say, sheet, toast } from "../lib/ui.js";

const READERS = "readers";

export function account({ redraw }) {
  const state = { sessions: [], settings: [], error: null, problems: new Map() };
  const saving = attempt(redraw, save);
  const restoring = attempt(redraw, bringBack);

  let made = false;
  const load = inTurn(async () => {
    state.sessions = (await get("/sessions")).items;
    state.settings = (await get("/settings")).items.filter((one) => ![...RETENTION, "new_devices"].includes(one.key));
    if (made) await loadSession(); // at first it is there from the page's opening
    made = true;
  });

  const reload = async () => {
    await load().catch(say);
    redraw();
  };

  const draw = () => [
    heading(t("nav.account")),
    sessionsCard(),
    password(),
    readers(),
    second(),
    settingsCard(),
    backup(),
    languageCard(),
  ];

  const sessionsCard = () =>
    card(
      { key: "sessions", class: "flush" },
      h("h2.group", t("sessions.title")),
      h(
        "ul.rows",
        state.sessions.map((one) =>
          h(
            "li.row",
            { key: "session-" + one.label },
            h(
              "span.row-main",
              h(
                "span.named",
                h("strong", one.browser),
                one.kind === "device" ? h("span.badge.plum", t("sessions.own")) : null,
                one.this ? h("span.badge.teal", t("sessions.this")) : null,
              ),
              h("span.soft", `${one.address} · ${t("sessions.seen", { when: when(one.seen_at) })}`),
            ),
            one.this ? null : button(t("sessions.end"), () => end("/sessions/" + one.label), { tone: "plain small" }),
          ),
        ),
      ),
      h(
        "div.actions.left.pad",
        button(t("sessions.out"), () => end("/session"), { tone: "plain" }),
        button(t("sessions.out_all"), () => end("/sessions"), { tone: "plain" }),
      ),
    );

  async function end(path) {
    try {
      await del(path);
      await loadSession();
      await load();
    } catch (error) {
      say(error);
    }
    redraw();
  }

  const password = () =>
    card(
      { key: "password" },
      h("h2", t("password.title")),
      form(
        { key: "password-form" },
        async (values) => {
          try {
            await put("/password", values);
            state.error = null;
            /** @type {HTMLFormElement} */ (document.querySelector("[data-key=password-form]")).reset();
            toast(t("password.done"));
          } catch (error) {
            state.error = error;
          }
          await reload();
        },
        field({
          name: "password",
          label: t("password.present"),
          type: "password",
          autocomplete: "current-password",
          error: state.error && state.error.kind === "wrong-password" ? state.error.sentence : null,
        }),
        session.totp ? field({ name: "code", label: t("signin.code"), autocomplete: "one-time-code" }) : null,
        field({
          name: "new_password",
          label: t("password.new"),
          type: "password",
          autocomplete: "new-password",
          hint: t("setup.password_hint"),
          error:
            state.error && state.error.kind !== "wrong-password"
              ? state.error.kind === "weak-password"
                ? t("weak." + state.error.body.reason)
                : state.error.sentence
              : null,
        }),
        h("div.actions.left", h("button.button.plain", { type: "submit" }, h("span", t("password.go")))),
      ),
    );

  const readers = () =>
    card(
      { key: "readers" },
      h("h2", t("readers_named.title")),
      state.settings.filter((one) => one.key === READERS).map((one) => setting(one, state.problems, reload)),
    );

  const second = () =>
    card(
      { key: "second" },
      h("h2", t("totp.title")),
      h("p.soft", t(session.totp ? "totp.on" : "totp.text")),
      h(
        "div.actions.left",
        session.totp
          ? button(t("totp.stop"), stop, { tone: "plain" })
          : button(t("totp.start"), start, { tone: "plain" }),
      ),
    );

  async function start() {
    try {
      const offer = await confirmed(() => post("/totp"));
      if (!offer) return;
      const codes = await enter(offer);
      if (codes) await show(codes);
    } catch (error) {
      say(error);
    }
    await reload();
  }

  const enter = (offer, error = { text: null }) =>
    sheet(t("totp.title"), (close, again) =>
      form(
        { key: "totp" },
        async (values) => {
          try {
            close((await confirmed(() => put("/totp", values))).recovery_codes);
          } catch (problem) {
            error.text = problem.sentence;
            again();
          }
        },
        h(
          "ol.steps",
          h("li", t("totp.step_app"), qr(offer.uri), h("p", h("a.button.plain", { href: offer.uri }, t("totp.open")))),
          h("li", t("totp.step_key"), " ", h("code.hash", offer.secret.match(/.{1,4}/g).join(" "))),
          h("li", t("totp.step_code")),
        ),
        field({
          name: "code",
          label: t("totp.code"),
          inputmode: "numeric",
          autocomplete: "one-time-code",
          error: error.text,
        }),
        h("div.actions", h("button.button.primary", { type: "submit" }, h("span", t("totp.go")))),
      ),
    );

  const show = (codes) =>
    sheet(t("totp.recovery"), (close) => [
      h("p", t("totp.recovery_text")),
      h(
        "ul.codes",
        codes.map((one) => h("li", h("code", one))),
      ),
      h(
        "div.actions.left",
        navigator.clipboard
          ? button(t("mistake.copy"), () => copy(codes.join("\n")), { tone: "plain small" })
          : null,
        button(t("totp.print"), () => print(), { tone: "plain small" }),
      ),
      h(
        "div.actions",
        button(t("totp.saved"), () => close(true), { tone: "primary" }),
      ),
    ]);

  const copy = (text) => navigator.clipboard.writeText(text).then(() => toast(t("mistake.copied")), () => {});

  async function stop() {
    if (!(await confirm(t("totp.stop"), t("totp.stop_text"), t("totp.stop")))) return;
    await confirmed(() => del("/totp")).catch(say);
    await reload().catch(say);
  }

  const settingsCard = () =>
    card(
      { key: "settings" },
      h("h2", t("settings.title")),
      state.settings.filter((one) => one.key !== READERS).map((one) => setting(one, state.problems, reload)),
    );

  const backup = () =>
    card(
      { key: "backup" },
      h("h2", t("backup.title")),
      h("p.soft", t("backup.text")),
      form(
        { key: "backup-form" },
        saving.run,
        field({
          name: "passphrase",
          error: saving.at("passphrase"),
          label: t("backup.passphrase"),
          type: "password",
          autocomplete: "new-password",
          hint: t("setup.password_hint"),
        }),
        h("label.check", h("input", { type: "checkbox", name: "history" }), h("span", t("backup.history"))),
        saving.other("passphrase"),
        h(
          "div.actions.left",
          h("button.button.plain", { type: "submit" }, icon("download"), h("span", t("backup.save"))),
        ),
      ),
      h("hr"),
      h("h3", t("backup.restore")),
      h("p.soft", t("backup.restore_text")),
      form(
        { key: "restore-form" },
        restoring.run,
        field({ name: "file", label: t("backup.file"), type: "file", error: restoring.at("file") }),
        field({
          name: "with",
          label: t("backup.passphrase"),
          type: "password",
          autocomplete: "off",
          error: restoring.at("with"),
        }),
        restoring.other("file", "with"),
        h("div.actions.left", h("button.button.danger", { type: "submit" }, h("span", t("backup.restore")))),
      ),
    );

  async function save(values) {
    try {
      const file = await confirmed(() =>
        fetchFile("POST", "/backup", { passphrase: values.passphrase, history: "history" in values }),
      );
      if (file) keep(file, "privacy-agent.backup");
    } catch (error) {
      throw error.kind === "weak-password" ? new Wrong("passphrase", t("weak." + error.body.reason)) : error;
    }
    redraw();
  }

  async function bringBack(values) {
    if (!values.file.size) throw new Wrong("file", t("backup.file_missing"));
    if (!(await confirm(t("backup.restore"), t("backup.restore_sure"), t("backup.restore")))) return;
    const body = new Blob([JSON.stringify({ passphrase: values.with }) + "\n", values.file], {
      type: "application/octet-stream",
    });
    const done = await confirmed(() => send("POST", "/restore", body));
    if (done) toast(t("backup.restored"));
  }

  const languageCard = () =>
    card(
      { key: "language" },
      choice({
        name: "language",
        label: t("language"),
        value: locale.language,
        options: Object.entries(languages()),
        onchange: chooseLanguage,
      }),
    );

  return { load, draw, wants: ["status"] };
}
