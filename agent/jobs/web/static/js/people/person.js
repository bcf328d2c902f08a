// A person: the card on the first view, and the page with the switches of their devices.

import { h } from "../lib/dom.js";
import { t } from "../lib/i18n.js";
import { icon } from "../lib/icons.js";
import { avatar, heading } from "../lib/ui.js";
import { requests } from "./requests.js";
import { allSwitches, FEATURES, switches } from "./switches.js";

// More devices than this are searched, not scrolled.
const MANY = 12;

const picture = (person) => (person ? avatar(person.name) : h("span.avatar.tint-none", icon("devices")));
const named = (person) => (person ? person.name : t("overview.unassigned"));

/** One link: who, how many devices, what is on, and what was today. */
export const personCard = ({ person, devices, sites, blocked, asking }) =>
  h(
    "a.card.person",
    { key: "person-" + (person ? person.id : "none"), href: "/?person=" + (person ? person.id : "none"), "data-go": true },
    picture(person),
    h(
      "span.person-main",
      h("strong.person-name", named(person)),
      h(
        "span.soft",
        [person ? t("group." + person.group) : null, t("person.devices", { n: devices.length })].filter(Boolean).join(" · "),
      ),
      devices.length
        ? h(
            "span.person-facts",
            FEATURES.map((feature) => fact(feature, devices)),
          )
        : null,
      sites || blocked
        ? h(
            "span.person-today",
            [sites && t("overview.today", { n: sites }), blocked && t("overview.blocked_today", { n: blocked })]
              .filter(Boolean)
              .join(" · "),
          )
        : null,
    ),
    asking ? h("span.badge.care", t("person.asks", { n: asking })) : null,
    icon("next"),
  );

function fact(feature, devices) {
  const on = devices.filter((one) => one.features[feature].on).length;
  const state = !on ? t("off") : on === devices.length ? t("on") : t("person.some", { n: on, of: devices.length });
  return h(
    "span.person-fact",
    { class: on ? (feature === "history" ? "plum" : "teal") : "" },
    icon(feature === "history" ? "history" : "shield"),
    `${t("nav." + feature)}: ${state}`,
  );
}

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
    requests({ requests: state.data.requests.filter((one) => devices.some((own) => own.id === one.device_id)), devices }, page.reload),
    person && devices.length
      ? [page.looked.today(person), page.looked.week(person), page.looked.rules(person, devices)]
      : null,
    devices.length > MANY ? searchField(state, page) : null,
    devices.length
      ? h(
          "section.card.switch-list",
          { key: "switches" },
          person && devices.length > 1 && !state.search ? allSwitches(person, devices, page) : null,
          shown.map((device) => switches(device, { ...page, today: todayOf(device, state) })),
        )
      : h("p.soft", t("overview.no_device")),
    goodToKnow(devices),
  ];
}

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

const searchField = (state, { redraw }) =>
  h(
    "div.search",
    { key: "search" },
    icon("search"),
    h("input", {
      type: "search",
      "aria-label": t("devices.search"),
      placeholder: t("devices.search"),
      value: state.search,
      oninput: (event) => {
        state.search = event.target.value;
        redraw();
      },
    }),
  );
