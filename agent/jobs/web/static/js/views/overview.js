// Home is people: how things stand in one line, what waits for a reply, and a card for each person; their page has the switches.

import { get, inTurn } from "../lib/api.js";
import { h } from "../lib/dom.js";
import { byName, sentences, t, told } from "../lib/i18n.js";
import { icon } from "../lib/icons.js";
import { midnight } from "../lib/time.js";
import { card, heading } from "../lib/ui.js";
import { adding } from "../people/adding.js";
import { GROUPS, personSheet } from "../people/edit.js";
import { everybodyCard } from "../people/internet.js";
import { looked } from "../people/looked.js";
import { personCard, personPage } from "../people/person.js";
import { requests } from "../people/requests.js";
import { start } from "../people/start.js";
import { pauseCard } from "../people/switches.js";
import { notice } from "../privacy/notice.js";

/** How things stand, by its code; "" where values belong to it: then the router says it. */
const health = (status) => t("health." + status.health_code, {}, "");

export function overview({ redraw, query, go }) {
  const state = { data: null, search: "" };
  const wanted = query.get("person");
  const opened = looked({ redraw, reload });
  const added = adding({ redraw, reload });
  const first = start({ redraw, done: (person) => go("/?person=" + person.id) });

  const load = inTurn(async () => {
    const [data] = await Promise.all([get("/overview", { since: midnight() }), opened.refresh()]);
    // Those whom this is mostly for come first.
    data.people.sort(
      (one, other) => GROUPS.indexOf(one.group) - GROUPS.indexOf(other.group) || byName(one.name, other.name),
    );
    data.devices.sort((one, other) => byName(one.label, other.label));
    if (!health(data.status)) await sentences();
    if (!data.devices.length && !data.people.length) await first.load();
    state.data = data;
  });

  const devicesOf = (person) =>
    state.data.devices.filter((one) => (person ? one.person && one.person.id === person.id : !one.person));

  /** What one person's devices did today, and what they ask for. */
  const about = (person) => {
    const devices = devicesOf(person);
    const own = (row) => devices.some((device) => device.id === row.device_id);
    const sum = (name) => state.data.today.filter(own).reduce((total, row) => total + row[name], 0);
    return {
      person,
      devices,
      sites: sum("sites"),
      blocked: sum("attempts"),
      asking: state.data.requests.filter(own).length,
    };
  };

  function draw() {
    const { devices, people } = state.data;
    const chosen = wanted === "none" ? null : people.find((one) => String(one.id) === wanted);
    if (chosen !== undefined) {
      return personPage(about(chosen), state, { redraw, reload, looked: opened, adding: added, unassigned: devicesOf(null) });
    }
    const more = people.length
      ? h("button.round", { type: "button", "aria-label": t("devices.add_person"), onclick: addPerson }, icon("plus"))
      : null;
    const week = people.some((one) => one.group !== "adult")
      ? h("a.round", { href: "/?part=week", "data-go": true, "aria-label": t("week.family") }, icon("history"))
      : null;
    const top = [heading(t("nav.overview"), week, more), notice(state.data.notice, reload)];
    if (!devices.length && !people.length) return [...top, first.draw()];
    const rest = devicesOf(null).length ? [null] : [];
    return [
      ...top,
      standing(),
      arrived(),
      requests(state.data, reload),
      everybodyCard(people, reload),
      h("div.people", [...people, ...rest].map(about).map((one) => personCard(one, reload))),
      pauseCard(state.data, reload),
    ];
  }

  /** Devices that were never here before, for whoever wants to be told. */
  function arrived() {
    const { waiting } = state.data.status.new_devices || {};
    return waiting
      ? card({ class: "hero line care", key: "arrived" }, icon("devices"), h("a.hero-link", { href: "/devices", "data-go": true }, t("overview.new_devices", { n: waiting })))
      : null;
  }

  function standing() {
    const { status } = state.data;
    const code = status.health_code;
    const fine = code === "ok";
    return card(
      { class: fine ? "hero line fine" : "hero line care", key: "hero" },
      icon(fine ? "shield" : "warn"),
      h(
        "div",
        h("p.hero-line", health(status) || told(status, "health")),
        code === "lists" ? h("a.hero-link", { href: "/protection", "data-go": true }, t("overview.to_lists")) : null,
      ),
    );
  }

  async function addPerson() {
    const made = await personSheet(null);
    if (made) go("/?person=" + made.id);
  }

  async function reload() {
    await load();
    redraw();
  }

  return { load, draw, wants: ["status", "device", "feature", "attempt", "history", "lists", "request", "hold", "limits", "usage"] };
}
