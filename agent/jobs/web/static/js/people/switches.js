// The two switches of a device: consent before on, what remains after off, and only the acknowledged state between.

import { get, post, put } from "../lib/api.js";
import { h } from "../lib/dom.js";
import { pair, said, sentences, series, t } from "../lib/i18n.js";
import { deviceIcon, icon } from "../lib/icons.js";
import { until, when } from "../lib/time.js";
import { ownPageCode } from "../lib/own.js";
import { internetRow } from "./internet.js";
import { unseen } from "./unseen.js";
import { button, card, confirm, say, sheet, toast, toggle } from "../lib/ui.js";
import { confirmed } from "../lib/confirm.js";

export const FEATURES = ["history", "protection"];
const waiting = new Set();

/** Both switches for all devices of a person at once: on, off, or mixed where they differ. */
export function allSwitches(person, devices, page) {
  const all = {
    id: "all-" + person.id,
    path: "/people/" + person.id,
    label: t("switch.all", { name: person.name }),
    features: {},
  };
  for (const feature of FEATURES) {
    const on = devices.filter((one) => one.features[feature].on);
    all.features[feature] = {
      on: on.length === devices.length,
      since: Math.max(...on.map((one) => one.features[feature].since)),
      some: on.length && on.length < devices.length ? t("switch.some", { n: on.length, of: devices.length }) : null,
    };
  }
  return switches(all, page);
}

/** A device's row: name and both switches. `redraw` draws again, `reload` asks the router first. */
export function switches(device, { redraw, reload, today }) {
  return h(
    "div.device",
    { key: "device-" + device.id },
    h(
      "div.device-head",
      h("span.device-picture", device.path ? icon("devices") : deviceIcon(device.label)),
      h("h2.device-name", device.label),
      today
        ? h("a.soft", { href: "/history?device=" + device.id, "data-go": true }, t("overview.today", { n: today }))
        : null,
    ),
    device.internet && (device.shared || !device.person) ? [internetRow({ device }, device.internet, reload), deviceLinks(device)] : null,
    unseen(device, reload) || (device.covered === false ? h("p.care-text", t("device.uncovered")) : null),
    FEATURES.map((feature) => {
      const row = device.features[feature];
      return toggle({
        key: feature,
        label: t("feature." + feature),
        of: device.label,
        on: row.some ? "mixed" : row.on,
        busy: waiting.has(device.id + feature),
        note: waiting.has(device.id + feature) ? t("wait") : note(row),
        tone: feature === "history" ? "plum" : "teal",
        onchange: async (on) => {
          const to = row.some ? await which(feature, device.label) : on;
          if (to !== null) await change(device, feature, to, redraw, reload);
        },
      });
    }),
  );
}

/** A device that is nobody's alone has times and content of its own. */
const deviceLinks = (device) =>
  h(
    "p.device-links",
    ["times", "minutes", "content"].map((part) => [
      h("a.soft", { href: `/?device=${device.id}&part=${part}`, "data-go": true }, t("person." + part)),
      " ",
    ]),
  );

/** Some are on, some off: both ways are open. */
const which = (feature, label) =>
  sheet(t("consent.title", { feature: t("feature." + feature), device: label }), (close) =>
    h(
      "div.actions.left",
      button(t("switch.all_on"), () => close(true), { tone: "primary" }),
      button(t("switch.all_off"), () => close(false), { tone: "plain" }),
    ),
  );

export function note(row) {
  if (row.some) return row.some;
  if (row.on) return t("since", { when: when(row.since) });
  if (row.suspended) return t("suspended." + row.suspended);
  return t("off");
}

async function change(device, feature, on, redraw, reload) {
  const agree = on ? await consent(feature, device.label) : null;
  if (on && !agree) return;
  const key = device.id + feature;
  waiting.add(key);
  redraw();
  try {
    const done = await put(
      `${device.path || "/devices/" + device.id}/features/${feature}`,
      on ? { on, agree } : { on },
    );
    if (!on) remains(device, feature, done);
    else if (done.device && !done.device.features[feature].on) toast(t("switch.waiting_agreement"));
  } catch (error) {
    say(error);
  }
  waiting.delete(key);
  await reload().catch(say);
}

/** Protection on for these devices, after one consent for all of them; for none if it was turned on meanwhile. */
export async function protect(devices, reload) {
  if (!devices.length) return reload().catch(say);
  const names = series(devices.map((one) => one.label));
  try {
    const agree = await consent("protection", names);
    if (!agree) return;
    for (const one of devices) await put(`/devices/${one.id}/features/protection`, { on: true, agree });
    toast(t("rule.protected", { devices: names }));
  } catch (error) {
    say(error);
  }
  await reload().catch(say);
}

function remains(device, feature, done) {
  if (done.remaining === undefined) return toast(t("me.off_done"));
  if (!done.remaining) return toast(t("switch.off_nothing"));
  toast(t(`switch.remain_${feature}`, { n: done.remaining, until: until(done.until) }), {
    label: t("switch.delete_now"),
    call: () =>
      eraseAfterAsking({
        ...(device.path ? { person_id: Number(device.id.slice(4)) } : { device_id: device.id }),
        feature,
      }),
  });
}

/** Says how much it would be, asks, and erases. */
export async function eraseAfterAsking(what) {
  try {
    const counts = await post("/erase/preview", what);
    const n = counts.visits + counts.attempts + (counts.usage || 0);
    if (!n) return toast(t("delete.nothing"));
    if (
      !(await confirm(
        t("delete.title"),
        t(counts.usage ? "delete.text_all" : "delete.text_counts", {
          days: t("count.days", { n: counts.usage || 0 }),
          visits: t("count.visits", { n: counts.visits }),
          attempts: t("count.attempts", { n: counts.attempts }),
        }),
        t("delete.go", { n }),
      ))
    )
      return;
    const done = await confirmed(() => post("/erase", what));
    if (done) toast(t("delete.done", { n: done.visits + done.attempts + (done.usage || 0) }));
  } catch (error) {
    say(error);
  }
}

/** What a feature reads, keeps and sends, from the table that the router obeys; the version agreed to, or null. */
export async function consent(feature, label) {
  const [{ items }] = await Promise.all([get("/features"), sentences()]);
  const row = items.find((one) => one.name === feature);
  return sheet(t("consent.title", { feature: t("feature." + feature), device: label }), (close) => [
    facts(row),
    h("p.soft", t({ history: "consent.seen", usage: "consent.seen_usage" }[feature] || "consent.seen_protection")),
    ownPageCode(),
    h(
      "div.actions",
      button(t("cancel"), () => close(null), { tone: "plain" }),
      button(t("consent.agree"), () => close(row.version), { tone: "primary" }),
    ),
  ]);
}

/** The four facts of a feature, in the reader's language; those who are named as its `readers` stand first. */
export function facts(row, readers = []) {
  return h(
    "dl.facts.said",
    ["reads", "keeps"].map((name) => [h("dt", t("facts." + name)), h("dd", said(row[name]))]),
    h("dt", t("facts.days")),
    h("dd", t("facts.days_text", { n: row.days })),
    h("dt", t("facts.sends")),
    h("dd", said(row.sends)),
    h("dt", t("facts.readers")),
    h("dd", readers.length ? h("strong", pair(series(readers), "")) : null, t("readers." + row.name)),
    h("dt", t("facts.good")),
    h("dd", t("good." + row.name)),
  );
}

export function pauseCard({ status, devices }, reload) {
  const recording = devices.filter((one) => one.features.history.on).length;
  const paused = status.recording.paused;
  if (!recording && !paused) return null;
  return card(
    { class: paused ? "pause care" : "pause", key: "pause" },
    h(
      "div",
      h("h2", t(paused ? "pause.paused" : "pause.title")),
      h("p.soft", t(paused ? "pause.paused_text" : "pause.text", { n: recording })),
    ),
    button(t(paused ? "pause.resume" : "pause.go"), () => (paused ? resume(reload) : pause(reload)), {
      picture: paused ? "play" : "pause",
      tone: paused ? "primary" : "plain",
    }),
  );
}

async function pause(reload) {
  try {
    const done = await put("/pause", { paused: true });
    toast(t("pause.done", { n: done.paused }));
  } catch (error) {
    say(error);
  }
  await reload().catch(say);
}

async function resume(reload) {
  try {
    const [{ items, features }] = await Promise.all([put("/pause", { paused: false, preview: true }), sentences()]);
    const agree = features.length ? Math.max(...features.map((one) => one.version)) : null;
    const yes = await sheet(t("pause.resume_title"), (close) => [
      h("p", t("pause.resume_text")),
      h(
        "ul.plain-list",
        items.map((one) =>
          h(
            "li",
            icon("check"),
            pair(one.label, t("feature." + one.feature)),
            one.needs ? h("span.soft", " " + t(one.needs === "ask" ? "pause.asks" : "pause.agrees")) : null,
          ),
        ),
      ),
      features.map((one) => [h("h3", t("feature." + one.name)), facts(one)]),
      h(
        "div.actions",
        button(t("cancel"), () => close(false), { tone: "plain" }),
        button(t(agree ? "pause.agree" : "pause.resume"), () => close(true), { tone: "primary" }),
      ),
    ]);
    if (yes) await put("/pause", { paused: false, ...(agree ? { agree } : {}) });
  } catch (error) {
    say(error);
  }
  await reload().catch(say);
}
