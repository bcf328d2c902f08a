// /me: what is recorded about this device, shown to whoever is at it, without any login.

import { adopt, all, get, inTurn, patch, post, put, session } from "./api.js";
import { h, render } from "./dom.js";
import { t } from "./i18n.js";
import { icon } from "./icons.js";
import { follow } from "./live.js";
import { eraseOwn, rights } from "./rights.js";
import { FEATURES, consent, note } from "./switching.js";
import { dayName, until, when } from "./time.js";
import { avatar, button, card, empty, field, form, heading, say, sheet, toast, toggle } from "./ui.js";

export async function me(root) {
  const state = { own: null, visits: null, attempts: null, busy: null };

  const load = inTurn(async () => {
    try {
      state.own = await get("/me");
      session.csrf = state.own.csrf;
    } catch (error) {
      if (error.kind !== "not-enrolled") throw error;
      state.own = null;
    }
    if (state.own && state.own.pin.entered) {
      state.visits = await all("/me/history", {}, 400);
      state.attempts = await all("/me/attempts", {}, 200);
    }
    draw();
  });

  const draw = () => render(root, [h("main.main.narrow", { id: "main" }, state.own ? page() : stranger())]);

  const stranger = () => [
    h("h1.brand.solo", icon("shield"), h("span", t("product"))),
    empty("check", t("me.stranger"), t("me.stranger_text")),
    foot(),
  ];

  function page() {
    const { device, kept, days } = state.own;
    const { history } = device.features;
    const adult = device.person && device.person.group === "adult";
    return [
      h("div.brand.solo", icon("shield"), h("span", t("product"))),
      h("div.me-head", device.person ? avatar(device.person.name) : null, heading(device.label)),
      card(
        { class: history.on ? "hero recording" : "hero fine", key: "hero" },
        h("span.hero-picture", icon(history.on ? "history" : "check")),
        h(
          "div",
          h("p.hero-line", t(history.on ? "me.recording" : "me.not_recording")),
          h("p.hero-more", history.on ? t("me.recording_since", { when: when(history.since) }) : note(history)),
        ),
      ),
      card(
        { key: "kept" },
        h("h2", t("me.kept")),
        h("p", t("me.visits", { n: kept.visits }), " ", t("me.attempts", { n: kept.attempts })),
        kept.until ? h("p.soft", t("me.until", { until: until(kept.until) })) : null,
        h("p.soft", t("me.days", { history: days.history, protection: days.protection })),
      ),
      adult ? mine(device) : theirs(device),
      say_something(),
      content(),
      rights(state.own, { write, load, forgotten: setPin }),
      changes(),
      foot(),
    ];
  }

  // An adult decides for themselves.
  const mine = (device) =>
    card(
      { key: "mine" },
      h("h2", t("me.yours")),
      h("p.soft", t("me.yours_text")),
      FEATURES.map((feature) =>
        toggle({
          key: feature,
          label: t("feature." + feature),
          on: device.features[feature].on,
          busy: state.busy === feature,
          note: note(device.features[feature]),
          tone: feature === "history" ? "plum" : "teal",
          onchange: (on) => change(device, feature, on),
        }),
      ),
    );

  const theirs = (device) =>
    card(
      { key: "theirs" },
      h("h2", t("me.features")),
      h(
        "ul.plain-list",
        FEATURES.map((feature) =>
          h(
            "li",
            icon(device.features[feature].on ? "check" : "close"),
            h("span", h("strong", t("feature." + feature)), " ", note(device.features[feature])),
          ),
        ),
      ),
      h("p.soft", t("me.sees")),
    );

  async function change(device, feature, on) {
    const agree = on ? await consent(feature, device.label) : null;
    if (on && !agree) return;
    state.busy = feature;
    draw();
    try {
      const done = await put("/me/features/" + feature, on ? { on, agree } : { on });
      if (!on) remained(feature, done);
    } catch (error) {
      if (error.kind === "pin") toast(t("me.pin_first"));
      else say(error);
    }
    state.busy = null;
    await load();
  }

  const remained = (feature, done) =>
    toast(
      done.remaining
        ? t(`switch.remain_${feature}`, { n: done.remaining, until: until(done.until) })
        : t("switch.off_nothing"),
      done.remaining
        ? {
            label: t("switch.erase_now"),
            call: () => eraseOwn(state.own.kept, { load, forgotten: setPin }, { feature }),
          }
        : null,
    );

  const say_something = () =>
    card(
      { key: "say" },
      h("h2", t("me.say")),
      h("p.soft", t("me.say_text")),
      (state.own.requests || []).map((one) =>
        h(
          "div.request",
          { key: "request-" + one.id },
          h(
            "p",
            h("strong", t("request." + one.kind)),
            one.target ? [" ", h("code", one.target)] : null,
            " ",
            one.text,
          ),
          h(
            "p.soft",
            one.state === "answered"
              ? t("request.answered", { answer: one.answer })
              : t("request.open", { when: when(one.at) }),
          ),
        ),
      ),
      h(
        "div.actions.left",
        button(t("request.objection"), () => write("objection"), { tone: "plain", picture: "flag" }),
        button(t("request.exception"), () => write("exception"), { tone: "plain", picture: "speak" }),
      ),
    );

  const write = (kind, target) =>
    sheet(t("request." + kind), (close) =>
      form(
        { key: "request" },
        async (values) => {
          close();
          const text = values.text.trim().replace(/\s+/g, " ");
          try {
            await post("/me/requests", { kind, ...(target ? { target } : {}), ...(text ? { text } : {}) });
            toast(t("request.sent"));
          } catch (error) {
            say(error);
          }
          await load();
        },
        h(
          "div.field",
          h("label", { for: "text" }, t("request.text")),
          h("textarea", { id: "text", name: "text", rows: 4, maxlength: 500, autofocus: true }),
        ),
        h("div.actions", h("button.button.primary", { type: "submit" }, h("span", t("request.go")))),
      ),
    );

  function content() {
    const { pin } = state.own;
    if (pin.entered) return [list(), refused()];
    return card(
      { key: "content" },
      h("h2", t("me.content")),
      h("p.soft", t(pin.set ? "me.content_pin" : "me.content_text")),
      !pin.private
        ? h("p.care-text", t("me.content_https"))
        : pin.set
          ? pinForm()
          : h("div.actions.left", button(t("me.set_pin"), setPin, { tone: "plain", picture: "lock" })),
    );
  }

  const pinForm = () =>
    form(
      { key: "pin" },
      async (values) => {
        try {
          adopt(await post("/me/session", values));
        } catch (error) {
          say(error);
        }
        await load();
      },
      h(
        "div.inline",
        field({
          name: "pin",
          label: t("pin.pin"),
          type: "password",
          inputmode: "numeric",
          autocomplete: "current-password",
        }),
        h("button.button.plain", { type: "submit" }, h("span", t("pin.enter"))),
      ),
      h("button.link", { type: "button", onclick: setPin }, t("pin.forgot")),
    );

  const setPin = () =>
    sheet(t("me.set_pin"), (close) =>
      form(
        { key: "set-pin" },
        async (values) => {
          try {
            adopt(await post("/me/pin", values));
            close();
          } catch (error) {
            say(error);
          }
          await load();
        },
        h("p", t("pin.ask")),
        field({
          name: "code",
          label: t("pin.code"),
          inputmode: "numeric",
          autocomplete: "one-time-code",
          autofocus: true,
        }),
        field({
          name: "pin",
          id: "pin-new",
          label: t("pin.new"),
          type: "password",
          autocomplete: "new-password",
          hint: t("pin.hint"),
        }),
        h("div.actions", h("button.button.primary", { type: "submit" }, h("span", t("save")))),
      ),
    );

  function list() {
    const days = [...new Set(state.visits.map((one) => new Date(one.last * 1000).setHours(0, 0, 0, 0) / 1000))];
    return card(
      { key: "visits", class: "flush" },
      h("h3.group", t("me.visits_title")),
      days.length
        ? days.map((day) => [
            h("h4.subgroup", dayName(day)),
            h(
              "ul.rows",
              state.visits
                .filter((one) => one.last >= day && one.last < day + 86400)
                .map((one) =>
                  h(
                    "li.row",
                    { key: "visit-" + one.id },
                    h("span.row-main", h("strong.site", one.site)),
                    one.status === "disputed" ? h("span.badge.care", t("history.disputed")) : null,
                    one.background ? h("span.badge", t("history.background")) : null,
                    h("span.times", when(one.last)),
                    h(
                      "button.round",
                      {
                        type: "button",
                        "aria-pressed": String(one.status === "disputed"),
                        "aria-label": t("me.dispute", { site: one.site }),
                        title: t("history.dispute"),
                        onclick: () => dispute(one),
                      },
                      icon("flag"),
                    ),
                  ),
                ),
            ),
          ])
        : h("p.nothing", t("history.none")),
    );
  }

  async function dispute(visit) {
    const undo = visit.status === "disputed";
    try {
      await patch("/me/visits/" + visit.id, { undo });
      toast(t(undo ? "history.undisputed_done" : "history.disputed_done"));
    } catch (error) {
      say(error);
    }
    await load();
  }

  const refused = () =>
    state.attempts.length
      ? card(
          { key: "refused", class: "flush" },
          h("h3.group", t("protection.refused")),
          h(
            "ul.rows",
            state.attempts.map((one) =>
              h(
                "li.row",
                { key: "attempt-" + one.id },
                h("span.row-main", h("strong.site", one.target), h("span.soft", one.rule.list_name)),
                h("span.times", when(one.at)),
                button(t("request.ask"), () => write("unblock", one.target), { tone: "plain small" }),
              ),
            ),
          ),
        )
      : null;

  const changes = () =>
    card(
      { key: "changes", class: "flush" },
      h("h3.group", t("me.changes")),
      h(
        "ul.rows",
        (state.own.changes || []).map((one) =>
          h(
            "li.row",
            h(
              "span.row-main",
              h(
                "span",
                h("strong", t("ledger." + one.action, {}, one.action)),
                one.feature ? " " + t("feature." + one.feature) : "",
              ),
              h("span.soft", when(one.at) + " · " + t("actor." + one.actor.split(":")[0], {}, one.actor)),
            ),
          ),
        ),
      ),
    );

  const foot = () => h("p.entry-foot", h("a", { href: "/" }, t("me.household")));

  await load();
  if (state.own) follow("/me/events", () => load().catch(say));
}
