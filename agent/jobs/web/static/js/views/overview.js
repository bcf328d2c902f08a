// People and devices with their two switches, and how things stand.

import { get, inTurn } from "../lib/api.js";
import { notice } from "../privacy/notice.js";
import { requests } from "../people/requests.js";
import { h } from "../lib/dom.js";
import { region, said, t } from "../lib/i18n.js";
import { icon } from "../lib/icons.js";
import { allSwitches, pauseCard, switches } from "../people/switches.js";
import { midnight } from "../lib/time.js";
import { avatar, card, empty, heading } from "../lib/ui.js";

const GROUPS = ["child", "teen", "adult"];

export function overview({ redraw }) {
  const state = { data: null };

  const load = inTurn(async () => {
    const data = await get("/overview", { since: midnight() });
    // Those whom this is mostly for come first.
    data.people.sort(
      (one, other) => GROUPS.indexOf(one.group) - GROUPS.indexOf(other.group) || one.name.localeCompare(other.name),
    );
    state.data = data;
  });

  const today = (devices) => {
    const rows = state.data.today.filter((row) => devices.some((device) => device.id === row.device_id));
    const sum = (name) => rows.reduce((total, row) => total + row[name], 0);
    return { sites: sum("sites"), attempts: sum("attempts") };
  };

  function draw() {
    const { devices, people } = state.data;
    const first = [heading(t("nav.overview")), notice(state.data.notice, reload), hero(), requests(state.data, reload)];
    if (!devices.length) return [...first, firstSteps()];
    const counted = today(devices);
    return [
      ...first,
      h(
        "div.tiles",
        tile("history", counted.sites, t("overview.sites", { n: counted.sites }), "/history", "plum"),
        tile("shield", counted.attempts, t("overview.refused", { n: counted.attempts }), "/protection", "teal"),
      ),
      pauseCard(state.data, reload),
      h(
        "div.people",
        people.map((person) =>
          household(
            person,
            devices.filter((one) => one.person && one.person.id === person.id),
          ),
        ),
        household(
          null,
          devices.filter((one) => !one.person),
        ),
      ),
    ];
  }

  function hero() {
    const { status } = state.data;
    const code = status.health_code || (status.health === "All is well." ? "ok" : "");
    const fine = code === "ok";
    return card(
      { class: fine ? "hero fine" : "hero care", key: "hero" },
      h("span.hero-picture", icon(fine ? "shield" : "warn")),
      h(
        "div",
        h("p.hero-line", said(status.health)),
        h("p.hero-more", t("overview.local")),
        code === "lists" ? h("a.hero-link", { href: "/protection", "data-go": true }, t("overview.to_lists")) : null,
      ),
    );
  }

  const tile = (picture, count, text, path, tone) =>
    h(
      "a.tile",
      { class: tone, href: path, "data-go": true },
      h("span.tile-count", icon(picture), count.toLocaleString(region)),
      h("span.tile-text", text),
    );

  function household(person, devices) {
    if (!devices.length && !person) return null;
    return card(
      { key: person ? "person-" + person.id : "shared", class: "person" },
      h(
        "header.person-head",
        person ? avatar(person.name) : h("span.avatar.tint-none", icon("devices")),
        h(
          "div",
          h("h2", person ? person.name : t("overview.nobody")),
          h("p.soft", person ? t("group." + person.group) : t("overview.nobody_text")),
        ),
      ),
      person && devices.length > 1 ? allSwitches(person, devices, { redraw, reload }) : null,
      devices.length
        ? devices.map((device) => switches(device, { redraw, reload, today: today([device]).sites }))
        : h("p.soft", t("overview.no_device")),
    );
  }

  const firstSteps = () =>
    empty(
      "devices",
      t("overview.empty"),
      t("overview.empty_text"),
      h("a.button.primary", { href: "/devices", "data-go": true }, t("overview.empty_go")),
    );

  async function reload() {
    await load();
    redraw();
  }

  return { load, draw, wants: ["status", "device", "feature", "attempt", "history", "lists", "request"] };
}
