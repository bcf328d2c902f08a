// Home is people: how things stand in one line, what waits for a reply, and a card for each person; their page has the switches.

import { get, inTurn } from "../lib/api.js";
import { h } from "../lib/dom.js";
import { byName, said, t } from "../lib/i18n.js";
import { icon } from "../lib/icons.js";
import { midnight } from "../lib/time.js";
import { card, empty, heading } from "../lib/ui.js";
import { looked } from "../people/looked.js";
import { personCard, personPage } from "../people/person.js";
import { requests } from "../people/requests.js";
import { pauseCard } from "../people/switches.js";
import { notice } from "../privacy/notice.js";

const GROUPS = ["child", "teen", "adult"];

export function overview({ redraw, query }) {
  const state = { data: null, search: "" };
  const wanted = query.get("person");
  const opened = looked({ redraw, reload });

  const load = inTurn(async () => {
    const [data] = await Promise.all([get("/overview", { since: midnight() }), opened.refresh()]);
    // Those whom this is mostly for come first.
    data.people.sort(
      (one, other) => GROUPS.indexOf(one.group) - GROUPS.indexOf(other.group) || byName(one.name, other.name),
    );
    data.devices.sort((one, other) => byName(one.label, other.label));
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
    if (chosen !== undefined && devices.length) return personPage(about(chosen), state, { redraw, reload, looked: opened });
    const first = [heading(t("nav.overview")), notice(state.data.notice, reload)];
    if (!devices.length) return [...first, firstSteps()];
    const rest = devicesOf(null).length ? [null] : [];
    return [
      ...first,
      standing(),
      requests(state.data, reload),
      h("div.people", [...people, ...rest].map(about).map(personCard)),
      pauseCard(state.data, reload),
    ];
  }

  function standing() {
    const { status } = state.data;
    const code = status.health_code || (status.health === "Nothing needs your attention." ? "ok" : "");
    const fine = code === "ok";
    return card(
      { class: fine ? "hero line fine" : "hero line care", key: "hero" },
      icon(fine ? "shield" : "warn"),
      h(
        "div",
        h("p.hero-line", said(status.health)),
        code === "lists" ? h("a.hero-link", { href: "/protection", "data-go": true }, t("overview.to_lists")) : null,
      ),
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
