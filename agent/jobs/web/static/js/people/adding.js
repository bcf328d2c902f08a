// Whose is which device: what is on the network and nobody's yet becomes this person's with one tap each.

import { get, patch, post } from "../lib/api.js";
import { h } from "../lib/dom.js";
import { byName, t } from "../lib/i18n.js";
import { deviceIcon } from "../lib/icons.js";
import { button, card, fold, say, toast } from "../lib/ui.js";
import { known, turnOn } from "./start.js";
import { FEATURES } from "./switches.js";

/** The list for one person; it asks for what was seen when it is shown first, or opened. */
export function adding({ redraw, reload }) {
  let seen = null;
  let waiting = null;

  async function look() {
    seen = (await get("/devices/seen").catch(() => ({ items: [] }))).items;
    seen.sort((one, other) => byName(one.hostname || "~", other.hostname || "~"));
    redraw();
  }

  async function take(key, work, label, person, devices) {
    if (waiting) return;
    waiting = key;
    redraw();
    try {
      const made = await work();
      // What is on for their other devices is asked for this one as well, in one sheet.
      const already = FEATURES.filter((feature) => devices.some((one) => one.features[feature].on));
      if (already.length) await turnOn(person.name, [made], already);
      toast(t("adding.done", { device: label }));
      await look();
    } catch (error) {
      say(error);
    }
    waiting = null;
    await reload();
  }

  const row = (key, label, more, note, work, person, devices) =>
    h(
      "li.row",
      { key },
      h("span.device-picture", deviceIcon(label)),
      h("span.row-main", h("strong", label), more ? h("span.soft", more) : null, note ? h("span.care-text", note) : null),
      button(t("devices.add_go"), () => take(key, work, label, person, devices), {
        tone: "plain small",
        "aria-label": t("adding.add", { device: label }),
        "aria-busy": waiting === key ? "true" : null,
      }),
    );

  const rows = (person, unassigned, devices) => [
    ...unassigned.map((one) =>
      row("own-" + one.id, one.label, [one.address, one.mac].filter(Boolean).join(" · "), null, () =>
        patch("/devices/" + one.id, { person_id: person.id }), person, devices,
      ),
    ),
    ...(seen || []).map((one) => {
      const label = one.hostname || t("adding.label", { who: person.name });
      return row("seen-" + (one.mac || one.address), label, [one.address, one.mac].filter(Boolean).join(" · "), one.private_mac ? t("devices.private_mac") : null, () =>
        post("/devices", { label, ...known(one), person_id: person.id, shared: false }), person, devices,
      );
    }),
  ];

  /** For a person without a device the list is what comes next. */
  return (person, unassigned, devices) => {
    const first = !devices.length;
    if (first && !seen) {
      seen = [];
      look();
    }
    const found = rows(person, unassigned.filter((one) => !one.shared), devices);
    const list = found.length ? h("ul.rows", found) : h("p.nothing", t("devices.seen_none"));
    return first
      ? card({ key: "adding", class: "flush" }, h("h2.group", t("adding.first", { who: person.name })), list)
      : fold(t("adding.more", { who: person.name }), { key: "adding", flush: true, ontoggle: (event) => event.target.open && !seen && look() }, list);
  };
}
