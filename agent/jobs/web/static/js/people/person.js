// A person: the card on the first view, and the page with the switches of their devices.

import { h } from "../lib/dom.js";
import { pair, t } from "../lib/i18n.js";
import { icon } from "../lib/icons.js";
import { date } from "../lib/time.js";
import { avatar, heading, searchField } from "../lib/ui.js";
import { internetRow } from "./internet.js";
import { todayWords } from "./minutes.js";
import { requests } from "./requests.js";
import { allSwitches, FEATURES, switches } from "./switches.js";

// More devices than this are searched, not scrolled.
const MANY = 12;

const picture = (person) => (person ? avatar(person.name) : h("span.avatar.tint-none", icon("devices")));
const named = (person) => (person ? person.name : t("overview.unassigned"));

/** A link to their page, with who, how many devices, what is on, and what was today; beneath it the internet of a person. */
export const personCard = (one, reload) =>
  h(
    "div.card.person-card",
    { key: "person-" + (one.person ? one.person.id : "none") },
    personLink(one),
    one.person && one.devices.length && ours(one) ? internetRow(one, one.person.internet, reload) : null,
  );

/** An adult's internet is theirs to turn off, unless they agreed that others may. */
const ours = ({ person, devices }) => person.group !== "adult" || devices.some((one) => one.features.limits && one.features.limits.on);

const personLink = ({ person, devices, sites, blocked, asking }) =>
  h(
    "a.person",
    { href: "/?person=" + (person ? person.id : "none"), "data-go": true },
    picture(person),
    h(
      "span.person-main",
      h("span.named", h("strong.person-name", named(person)), asking ? h("span.badge.care", t("person.asks", { n: asking })) : null),
      h(
        "span.soft",
        [person ? t("group." + person.group) : null, t("person.devices", { n: devices.length })].filter(Boolean).join(" · "),
      ),
      h(
        "span.person-facts",
        FEATURES.map((feature) => fact(feature, devices)),
      ),
      person && todayWords(person.usage) ? h("span.person-today", todayWords(person.usage)) : null,
      sites || blocked
        ? h(
            "span.person-today",
            [sites && t(blocked ? "overview.sites" : "overview.today", { n: sites }), blocked && t("overview.blocked_today", { n: blocked })]
              .filter(Boolean)
              .join(" · "),
          )
        : null,
    ),
    icon("next"),
  );

/** What is on, and on how many; what is off takes no line. */
function fact(feature, devices) {
  const on = devices.filter((one) => one.features[feature].on).length;
  if (!on) return null;
  const state = on === devices.length ? t("on") : t("person.some", { n: on, of: devices.length });
  return h(
    "span.person-fact",
    { class: feature === "history" ? "plum" : "teal" },
    icon(feature === "history" ? "history" : "shield"),
    pair(t("nav." + feature), state),
  );
}

/** The day from which a child or teen is an adult, where that is near. */
export const turning = ({ group, becomes }) => (becomes && becomes.group === "adult" && group !== "adult" ? date(becomes.at) : "");

/** The page of a person: all their devices at once, then each. */
export function personPage({ person, devices, sites, blocked }, state, page) {
  const shown = devices.filter((one) => one.label.toLowerCase().includes(state.search.toLowerCase()));
  return [
    h("a.back", { href: "/", "data-go": true }, icon("back"), t("nav.overview")),
    h("div.me-head", picture(person), heading(named(person))),
    h(
      "p.soft",
      [person ? t("group." + person.group) : t("overview.unassigned_text")]
        .concat(sites ? t("overview.today", { n: sites }) : [], blocked ? t("overview.blocked_today", { n: blocked }) : [])
        .join(" · "),
    ),
    person && turning(person) ? h("p.care-text", t("person.turning", { name: person.name, date: turning(person) })) : null,
    requests({ requests: state.data.requests.filter((one) => devices.some((own) => own.id === one.device_id)), devices }, page.reload),
    person ? parts(person, devices, page) : null,
    devices.length > MANY ? searchField(t("devices.search"), state.search, (text) => {
          state.search = text;
          page.redraw();
        }) : null,
    devices.length
      ? h(
          "section.card.switch-list",
          { key: "switches" },
          person && devices.length > 1 && !state.search ? allSwitches(person, devices, page) : null,
          shown.map((device) => switches(device, { ...page, today: todayOf(device, state) })),
        )
      : null,
    person && devices.length ? page.adding(person, page.unassigned, devices) : null,
    goodToKnow(devices),
  ];
}

/** Their internet now, the ways to their times and content, and what was looked at; for somebody new whose is which first. */
const parts = (person, devices, page) => [
  devices.length && ours({ person, devices }) && person.internet
    ? h("section.card", { key: "internet" }, internetRow({ person }, person.internet, page.reload))
    : null,
  devices.length ? null : page.adding(person, page.unassigned, devices),
  person.internet ? partLinks("person=" + person.id) : null,
  devices.length ? [page.looked.today(person), page.looked.rules(person, devices)] : null,
];

/** Ways to the times, and to what may be reached; `whom` is as in the address. */
export const partLinks = (whom) =>
  h(
    "div.card.flush.part-links",
    { key: "parts", role: "group", "aria-label": t("person.parts") },
    [
      ["week", "history"],
      ["times", "clock"],
      ["minutes", "play"],
      ["content", "list"],
    ].map(([part, drawn]) =>
      h(
        "a.row",
        { href: `/?${whom}&part=${part}`, "data-go": true },
        icon(drawn),
        h("span.row-main", h("strong", t("person." + part)), h("span.soft", t(`person.${part}_text`))),
        icon("next"),
      ),
    ),
  );

/** What protected phones need, and what a history without protection misses. */
function goodToKnow(devices) {
  const on = (one, feature) => one.features[feature].on;
  return [
    devices.some((one) => on(one, "history") && !on(one, "protection")) ? h("p.hint", t("good.history")) : null,
    devices.some((one) => on(one, "protection")) ? h("p.hint", t("good.protection")) : null,
  ];
}

const todayOf = (device, { data }) =>
  data.today.filter((row) => row.device_id === device.id).reduce((sum, row) => sum + row.sites, 0);
