// /me: what is recorded about this device, shown to whoever is at it, without any login.

import { get, inTurn, pagesOf, session } from "../lib/api.js";
import { ofSite, opened, sevenDays } from "../history/sevendays.js";
import { changed } from "../privacy/changed.js";
import { h, render } from "../lib/dom.js";
import { t } from "../lib/i18n.js";
import { icon } from "../lib/icons.js";
import { follow, unfollow } from "../lib/live.js";
import { held } from "../me/held.js";
import { attempt } from "../lib/form.js";
import { limitsCard, ownTimes } from "../me/limits.js";
import { minutesCard } from "../me/minutes.js";
import { choosePin, openRecords, pinCard } from "../me/pin.js";
import { records } from "../me/records.js";
import { sayCard, write } from "../me/messages.js";
import { mine, named, theirs } from "../me/switches.js";
import { weekFileAsk } from "../me/weekfile.js";
import { rights } from "../privacy/rights.js";
import { turning } from "../people/person.js";
import { note } from "../people/switches.js";
import { until, when } from "../lib/time.js";
import { avatar, card, empty, fold, heading, say } from "../lib/ui.js";

export async function me(root) {
  const sites = opened((site) => get("/me/history", ofSite(site, state.week)), () => draw());
  const state = { own: null, week: null, days: null, visits: null, attempts: null, busy: null, pages: 1, background: false, shown: false };

  const load = inTurn(async () => {
    try {
      state.own = await get("/me");
      session.csrf = state.own.csrf;
    } catch (error) {
      if (error.kind !== "not-enrolled") throw error;
      state.own = null;
    }
    if (state.own && state.own.pin.entered && state.shown) {
      state.week = await get("/me/week");
      state.days = (await get("/me/usage", { days: 14 })).items;
      sites.clear();
      state.visits = await pagesOf("/me/history", { show: state.background ? "all" : "visits" }, state.pages);
      state.attempts = await pagesOf("/me/attempts", {}, state.pages);
    }
    draw();
  });

  const draw = () => render(root, [h("main.main.narrow", { id: "main" }, state.own ? page() : stranger())]);

  const stranger = () => [
    h("h1.brand.solo", icon("shield"), h("span", t("product"))),
    empty("check", t("me.unknown"), t("me.unknown_text")),
    foot(),
  ];

  const trying = attempt(
    () => draw(),
    async (values) => {
      await openRecords(values);
      await show();
    },
  );
  const listen = () => follow("/me/events", () => load().catch(say));
  // With the PIN the stream tells more: a new one is asked for.
  const show = () => {
    state.shown = true;
    unfollow();
    listen();
    return load();
  };
  const forgotten = () => choosePin(show);
  const look = (values) => {
    Object.assign(state, values);
    load().catch(say);
  };
  const ask = (kind, target) => write(kind, target, load);

  const stored = ({ kept, days, week_file }) =>
    card(
      { key: "kept" },
      h("h2", t("me.stored")),
      kept ? h("p", t("me.visits", { n: kept.visits }), " ", t("me.attempts", { n: kept.attempts })) : null,
      kept && kept.until ? h("p.soft", t("me.until", { until: until(kept.until) })) : null,
      week_file ? h("p.care-text", t("me.week_file", { host: week_file })) : null,
      h("p.soft", t("me.days", { history: days.history, protection: days.protection })),
    );

  const adultSoon = (person) =>
    person && turning(person) ? h("p.care-text", t("me.turning", { date: turning(person) })) : null;

  function page() {
    const { device, pin, requests } = state.own;
    const { history } = device.features;
    const { adult } = state.own;
    return [
      h("div.brand.solo", icon("shield"), h("span", t("product"))),
      h("div.me-head", device.person && device.person.name ? avatar(device.person.name) : null, heading(device.label)),
      adultSoon(device.person),
      card(
        { class: history.on ? "hero recording" : "hero fine", key: "hero" },
        h("span.hero-picture", icon(history.on ? "history" : "check")),
        h(
          "div",
          h("p.hero-line", t(history.on ? "me.recording" : "me.not_recording")),
          h("p", t(history.on ? "me.reads" : "me.would_read", { names: named(state.own.read_by) })),
          h("p.hero-more", history.on ? t("me.recording_since", { when: when(history.since) }) : note(history)),
        ),
      ),
      limitsCard(state.own, load),
      minutesCard(state.own, pin.entered ? state.days : null, load),
      held(state.own, load),
      rights(state.own, { write: ask, load, forgotten }),
      adult ? mine(state, { load, draw, forgotten }) : theirs(device),
      adult ? ownTimes(state.own, load) : null,
      stored(state.own),
      weekFileAsk(state.own, load),
      sayCard(requests || [], ask),
      pin.entered && state.week ? ownWeek() : null,
      pin.entered ? records(state, { load, look, ask, show }) : pinCard(pin, show, trying),
      changes(),
      foot(),
    ];
  }

  const ownWeek = () =>
    h("section.seven-days", { key: "week" }, h("h2", t("me.week")), sevenDays(state.week.items[0], state.week, sites));

  const changes = () =>
    fold(
      t("me.changes"),
      { key: "changes", flush: true },
      h(
        "ul.rows",
        (state.own.changes || []).map((one) =>
          h(
            "li.row",
            h(
              "span.row-main",
              h(
                "span",
                h("strong", t("activity." + one.action, {}, one.action)),
                one.feature ? " " + t("feature." + one.feature) : "",
              ),
              changed(one.detail) ? h("span", changed(one.detail)) : null,
              h("span.soft", when(one.at) + " · " + t("actor." + one.actor.split(":")[0], {}, one.actor)),
            ),
          ),
        ),
      ),
    );

  const foot = () => h("p.entry-foot", h("a", { href: "/" }, t("me.manage")));

  await load();
  if (state.own) listen();
}
