// The first minutes: who is this for, which of the devices that were seen are theirs, one consent for all of them, and a
// test address that shows on the device itself that blocking works.

import { get, post, put } from "../lib/api.js";
import { attempt } from "../lib/form.js";
import { h } from "../lib/dom.js";
import { byName, sentences, series, t } from "../lib/i18n.js";
import { deviceIcon, icon } from "../lib/icons.js";
import { clock } from "../lib/time.js";
import { button, choice, field, form, say, sheet, toast } from "../lib/ui.js";
import { GROUPS, named } from "./edit.js";
import { facts, FEATURES } from "./switches.js";

export const TEST_ADDRESS = "blocked.test";
const LOOK_MS = 2000;

const labelOf = (one, who) => one.hostname || t("adding.label", { who });
/** What a device that was seen is known by: the router takes what it goes by here. */
export const known = (one) => ({ ...(one.mac ? { mac: one.mac } : {}), ...(one.address ? { address: one.address } : {}) });

/** The form on an empty first view. `done(person)` comes after the sheets. */
export function start({ redraw, done }) {
  let seen = null;
  const trying = attempt(redraw, async (values) => {
    const person = await post("/people", { name: named(values.name, "name"), group: values.group });
    const chosen = (seen || []).filter((one) => "device-" + (one.mac || one.address) in values);
    const devices = [];
    for (const one of chosen) {
      devices.push(await post("/devices", { label: labelOf(one, person.name), ...known(one), person_id: person.id, shared: false }));
    }
    if (devices.length) await turnOn(person.name, devices);
    done(person);
  });

  async function load() {
    seen = (await get("/devices/seen").catch(() => ({ items: [] }))).items;
    seen.sort((one, other) => byName(one.hostname || "~", other.hostname || "~"));
  }

  const row = (one) =>
    h(
      "label.check.row",
      { key: one.mac || one.address },
      h("input", { type: "checkbox", name: "device-" + (one.mac || one.address) }),
      h("span.device-picture", deviceIcon(one.hostname || "")),
      h(
        "span.row-main",
        h("strong", one.hostname || t("devices.unnamed")),
        h("span.soft", [one.address, one.mac].filter(Boolean).join(" · ")),
        one.private_mac ? h("span.care-text", t("devices.private_mac")) : null,
      ),
    );

  const draw = () =>
    h(
      "section.card",
      { key: "start" },
      h("h2", t("overview.empty")),
      h("p.soft", t("overview.empty_text")),
      form(
        { key: "start-form" },
        trying.run,
        field({ name: "name", label: t("start.who"), required: true, maxlength: 64, error: trying.at("name") }),
        choice({ name: "group", label: t("person.group"), value: "child", options: GROUPS.map((one) => [one, t("group." + one)]) }),
        h("h3", t("start.devices")),
        seen && seen.length ? h("div.rows", seen.map(row)) : h("p.nothing", t("devices.seen_none")),
        trying.other("name"),
        h(
          "button.button.primary.wide",
          { type: "submit", "aria-busy": trying.busy ? "true" : null },
          h("span", trying.busy ? t("wait") : t("start.go")),
        ),
      ),
      h("p", h("a", { href: "/devices", "data-go": true }, t("start.by_hand"))),
    );

  return { load, draw };
}

/** One sheet for all of these devices: what each feature reads and keeps, before it is on. `already` is ticked beforehand. */
export async function turnOn(who, devices, already = []) {
  const [{ items }] = await Promise.all([get("/features"), sentences()]);
  const rows = FEATURES.map((name) => items.find((one) => one.name === name)).reverse();
  const agreed = await sheet(t("start.consent", { who, n: devices.length }), (close, redraw, kept) => {
    kept.chosen = kept.chosen || new Set(already);
    const tick = (name, on) => {
      if (on) kept.chosen.add(name);
      else kept.chosen.delete(name);
      redraw();
    };
    return [
      h("p.soft", series(devices.map((one) => one.label))),
      rows.map((row) => [
        h(
          "label.check",
          { key: row.name },
          h("input", {
            type: "checkbox",
            checked: kept.chosen.has(row.name),
            onchange: (event) => tick(row.name, event.target.checked),
          }),
          h("strong", t("feature." + row.name)),
        ),
        kept.chosen.has(row.name) ? facts(row) : null,
      ]),
      h(
        "div.actions",
        button(t("start.not_yet"), () => close(null), { tone: "plain" }),
        button(t("consent.agree"), () => close([...kept.chosen]), { tone: "primary", disabled: !kept.chosen.size }),
      ),
    ];
  });
  if (!agreed) return;
  try {
    for (const feature of agreed) {
      const agree = items.find((one) => one.name === feature).version;
      const answers = await Promise.all(devices.map((one) => put(`/devices/${one.id}/features/${feature}`, { on: true, agree })));
      if (answers.some(({ device }) => device && !device.features[feature].on)) toast(t("switch.waiting_agreement"));
    }
  } catch (error) {
    say(error);
    return;
  }
  if (agreed.includes("protection")) await prove(devices);
}

/** How far the lists are, and the test address with what came of it. */
export async function prove(devices) {
  const since = Date.now() / 1000 - 5;
  const state = { progress: null, tried: [] };
  let redraw = () => {};

  async function look() {
    const [progress, { items }] = await Promise.all([get("/lists/progress"), get("/attempts", { limit: 50 })]);
    state.progress = progress;
    state.tried = items.filter((row) => row.target === TEST_ADDRESS && row.at >= since && devices.some((one) => one.id === row.device_id));
    redraw();
  }

  const timer = setInterval(() => look().catch(() => {}), LOOK_MS);
  look().catch(() => {});
  await sheet(t("proof.test"), (close, again) => {
    redraw = again;
    return [
      listsLine(state.progress),
      h("p", t("proof.test_text", { device: series(devices.map((one) => one.label)) })),
      h("p.code-line", h("code", "http://" + TEST_ADDRESS)),
      h(
        "div",
        { role: "status", key: "tried" },
        state.tried.length
          ? state.tried.map((row) => h("p.good-text", icon("check"), t("proof.works", { device: labelFor(devices, row), when: clock(row.at) })))
          : h("p.soft", t("proof.waiting")),
      ),
      h("details", h("summary", t("proof.other")), h("p.soft", t("good.protection"))),
      h("div.actions", button(t("start.done"), () => close(true), { tone: "primary" })),
    ];
  });
  clearInterval(timer);
}

const labelFor = (devices, row) => devices.find((one) => one.id === row.device_id).label;

function listsLine(progress) {
  if (!progress || !progress.running) return null;
  return h(
    "div",
    { key: "lists", role: "status" },
    h("p", t("lists.step_" + progress.step, { name: progress.name })),
    h("progress", { max: progress.total || 1, value: progress.done, "aria-label": t("lists.update") }),
  );
}
