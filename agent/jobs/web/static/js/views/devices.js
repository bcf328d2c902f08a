// Your devices, other devices on the network, and whose is what.

import { del, get, inTurn, patch, post } from "../lib/api.js";
import { confirmed } from "../lib/confirm.js";
import { h } from "../lib/dom.js";
import { byName, t } from "../lib/i18n.js";
import { deviceIcon, icon } from "../lib/icons.js";
import { formSheet, Wrong } from "../lib/form.js";
import { ownPageCode } from "../lib/own.js";
import { avatar, button, card, choice, confirm, field, heading, say, sheet, toast } from "../lib/ui.js";
import { clock } from "../lib/time.js";
import { named, personSheet } from "../people/edit.js";
import { unseen } from "../people/unseen.js";
import { setting } from "../privacy/settings.js";

/** What a device is known by: its MAC address, or its address where devices are known by that. */
function reachedAt(where) {
  if (/^[0-9a-f]{2}([:-]?[0-9a-f]{2}){5}$/i.test(where)) return { mac: where };
  const v6 = /^[0-9a-f:.]+$/i.test(where) && (where.includes("::") || where.split(":").length === 8);
  if (v6 || /^\d{1,3}(\.\d{1,3}){3}$/.test(where)) return { address: where };
  throw new Wrong("where", t("devices.mac_wrong"));
}

export function devices({ redraw, go }) {
  const state = { devices: [], people: [], seen: [], setting: null };
  const problems = new Map();

  const load = inTurn(async () => {
    const [own, people, seen, settings] = await Promise.all([
      get("/devices"),
      get("/people"),
      get("/devices/seen").catch(() => ({ items: [] })),
      get("/settings"),
    ]);
    const sorted = (items, name) => items.sort((one, other) => byName(one[name] || "", other[name] || ""));
    Object.assign(state, {
      devices: sorted(own.items, "label"),
      people: sorted(people.items, "name"),
      seen: sorted(seen.items, "hostname").sort((one, other) => Number(other.new || 0) - Number(one.new || 0)),
      setting: settings.items.find((one) => one.key === "new_devices"),
    });
  });

  const reload = async () => {
    await load().catch(say);
    redraw();
  };

  async function act(work, done) {
    try {
      const value = await work();
      if (done && value !== null) toast(done);
      return value;
    } catch (error) {
      say(error);
      return null;
    } finally {
      await reload();
    }
  }

  const draw = () => [
    heading(
      t("nav.devices"),
      button(t("devices.add"), () => add({}), { tone: "primary", picture: "plus" }),
    ),
    card(
      { key: "enrolled", class: "flush" },
      h("h2.group", t("devices.yours")),
      state.devices.length
        ? h(
            "ul.rows",
            state.devices.map((one) =>
              h(
                "li",
                { key: "device-" + one.id },
                h(
                  "button.row",
                  { type: "button", onclick: () => edit(one) },
                  h("span.device-picture", deviceIcon(one.label)),
                  h(
                    "span.row-main",
                    h(
                      "span.named",
                      h("strong", one.label),
                      one.never_off ? h("span.badge.teal", t("devices.never_off")) : null,
                      one.shared ? h("span.badge.teal", t("devices.shared")) : null,
                    ),
                    h(
                      "span.soft",
                      [one.person ? one.person.name : t("overview.unassigned"), one.address, one.mac]
                        .filter(Boolean)
                        .join(" · "),
                    ),
                  ),
                  icon("next"),
                ),
                unseen(one, reload),
              ),
            ),
          )
        : h("p.nothing", t("devices.none")),
    ),
    card(
      { key: "people", class: "flush" },
      h("h2.group", t("devices.people")),
      h(
        "ul.rows",
        state.people.map((one) =>
          h(
            "li",
            { key: "person-" + one.id },
            h(
              "button.row",
              { type: "button", onclick: () => person(one) },
              avatar(one.name),
              h("span.row-main", h("strong", one.name), h("span.soft", t("group." + one.group))),
              icon("next"),
            ),
          ),
        ),
      ),
      h(
        "div.actions.left.pad",
        button(t("devices.add_person"), () => person(null), { tone: "plain", picture: "plus" }),
      ),
    ),
    card(
      { key: "seen", class: "flush" },
      h("h2.group", t("devices.seen")),
      h("p.soft.pad", t("devices.seen_text")),
      state.seen.length
        ? h(
            "ul.rows",
            state.seen.map((one) =>
              h(
                "li.row",
                { key: "seen-" + one.mac },
                h("span.device-picture", deviceIcon(one.hostname || "")),
                h(
                  "span.row-main",
                  h("span.named", h("strong", one.hostname || t("devices.unnamed")), one.new ? h("span.badge.care", t(one.held ? "devices.new_held" : "devices.new")) : null),
                  h("span.soft", [one.address, one.mac].filter(Boolean).join(" · ")),
                  one.private_mac ? h("span.care-text", t("devices.private_mac")) : null,
                  one.new
                    ? button(t("devices.known"), () => act(() => post("/devices/seen/known", { mac: one.mac })), { tone: "plain small" })
                    : null,
                ),
                button(t("devices.add_go"), () => add(one), { tone: "plain small" }),
              ),
            ),
          )
        : h("p.nothing", t("devices.seen_none")),
      state.setting ? h("div.pad", setting(state.setting, problems, reload)) : null,
    ),
    card({ key: "private" }, h("h2", t("devices.private_title")), h("p.soft", t("devices.private_text"))),
  ];

  const personChoice = (id) =>
    choice({
      name: "person",
      label: t("devices.person"),
      value: id || "",
      options: [["", t("overview.unassigned")], ...state.people.map((one) => [one.id, one.name])],
    });

  const add = (found) =>
    formSheet(t("devices.add_title"), {
      names: ["label", "where"],
      go: t("devices.add_go"),
      submit: async (values) => {
        await post("/devices", {
          label: named(values.label),
          ...reachedAt(values.where.trim()),
          shared: "shared" in values,
          ...(values.person ? { person_id: Number(values.person) } : {}),
        });
        toast(t("devices.added"));
        await reload();
      },
      build: (at) => [
        h("p.soft", t("devices.add_text")),
        field({
          name: "label",
          label: t("devices.label"),
          value: found.hostname || "",
          required: true,
          maxlength: 64,
          autofocus: true,
          hint: t("devices.label_hint"),
          error: at("label"),
        }),
        field({
          name: "where",
          label: t("devices.mac"),
          value: found.mac || "",
          required: true,
          autocapitalize: "off",
          spellcheck: "false",
          error: at("where"),
        }),
        personChoice(null),
        sharedCheck(false),
      ],
    });

  const sharedCheck = (on) =>
    h(
      "label.check",
      h("input", { type: "checkbox", name: "shared", checked: on }),
      h("span", t("devices.shared_text")),
    );

  const neverOff = (on) =>
    h(
      "label.check",
      h("input", { type: "checkbox", name: "never_off", checked: on }),
      h("span", t("devices.never_off_text")),
    );

  const edit = (device) =>
    formSheet(device.label, {
      names: ["label"],
      go: t("save"),
      submit: async (values) => {
        const before = {
          label: device.label,
          person_id: device.person ? device.person.id : null,
          shared: device.shared,
          never_off: device.never_off,
        };
        await patch("/devices/" + device.id, {
          label: named(values.label),
          person_id: values.person ? Number(values.person) : null,
          shared: "shared" in values,
          never_off: "never_off" in values,
        });
        await reload();
        toast(t("saved"), { label: t("undo"), call: () => act(() => patch("/devices/" + device.id, before)) });
      },
      build: (at) => [
        field({ name: "label", label: t("devices.label"), value: device.label, maxlength: 64, error: at("label") }),
        personChoice(device.person && device.person.id),
        sharedCheck(device.shared),
        neverOff(device.never_off),
        h("p.soft", [device.mac, device.address].filter(Boolean).join(" · ")),
        device.private_mac ? h("p.care-text", t("devices.private_mac")) : null,
      ],
      below: (close) => [
        h("hr"),
        h(
          "div.actions.left",
          button(t("pin.make"), () => close(pinCode(device)), { tone: "plain", picture: "lock" }),
          button(t("devices.remove"), () => close(remove(device)), { tone: "danger", picture: "trash" }),
        ),
      ],
    });

  async function pinCode(device) {
    try {
      const made = await confirmed(() => post(`/devices/${device.id}/pin-code`));
      await sheet(t("pin.title"), () => [
        h("p", t("pin.text", { device: device.label })),
        h("p.big-code", `${made.code.slice(0, 4)} ${made.code.slice(4)}`),
        h("p.soft", t("pin.until", { when: clock(made.expires_at) })),
        ownPageCode(),
      ]);
    } catch (error) {
      say(error);
    }
  }

  async function remove(device) {
    // Where a damaged file can't tell what is stored, the router refuses, and says so.
    const { visits, attempts } = device.kept || {};
    if (
      device.kept &&
      !(await confirm(
        t("devices.remove_title", { device: device.label }),
        t("devices.remove_text", {
          visits: t("count.visits", { n: visits }),
          attempts: t("count.attempts", { n: attempts }),
        }),
        t("devices.remove"),
      ))
    )
      return;
    await act(() => confirmed(() => del("/devices/" + device.id)));
  }

  async function person(one) {
    const made = await personSheet(one, (close) =>
      one
        ? h(
            "div.actions.left",
            button(t("person.remove"), () => close(removePerson(one)), { tone: "danger", picture: "trash" }),
          )
        : null,
    );
    // What comes next for somebody new stands on their page: devices, times, what.
    if (!one && made) return go("/?person=" + made.id);
    await reload();
  }

  async function removePerson(one) {
    const sure = await confirm(t("person.remove_title", { name: one.name }), t("person.remove_text"), t("person.remove"));
    if (sure) await act(() => confirmed(() => del("/people/" + one.id)));
  }

  return { load, draw, wants: ["status", "device"] };
}
