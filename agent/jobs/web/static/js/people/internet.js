// Internet off and on again, for a person, a device, the children or everybody: what stands, the sheet, and the way back.

import { del, post, search } from "../lib/api.js";
import { formSheet, Wrong } from "../lib/form.js";
import { h } from "../lib/dom.js";
import { series, t } from "../lib/i18n.js";
import { icon } from "../lib/icons.js";
import { clock, dayAndClock, midnight } from "../lib/time.js";
import { button, card, field, say, sheet, toast } from "../lib/ui.js";
import { minutesOf } from "../lib/week.js";

const QUARTER_S = 900;
const LENGTHS = [QUARTER_S, 1800, 3600];
const DAY_S = 86400;

/** What a hold, an exception or a window's owner is called in an address and in a body. */
export const whose = (owner) =>
  owner.device
    ? { path: "/devices/" + owner.device.id, body: { device_id: owner.device.id }, label: owner.device.label }
    : { path: "/people/" + owner.person.id, body: { person_id: owner.person.id }, label: owner.person.name };

/** "20:30" today or tonight, else with the day. */
export const at = (seconds) => (seconds < midnight() + 1.4 * DAY_S ? clock(seconds) : dayAndClock(seconds));

/** "Internet on until 20:30", "Bedtime until 7:00". */
export function stateText({ held, why, until: end, next }, open = "internet.held_off_open") {
  const until = held || !next ? end : next.at;
  const soon = until && until < Date.now() / 1000 + DAY_S;
  if (!held) return soon ? t("internet.on_until", { when: at(until) }) : t("internet.on");
  if (!until && (!why || why === "off")) return t(open);
  return t(`internet.held_${why || "off"}${until ? "" : "_open"}`, { when: until ? at(until) : "" }, t(open));
}

/** "15 min", "1 hour" */
export const lengthWords = (seconds) => (seconds < 3600 ? t("internet.minutes", { n: seconds / 60 }) : t("internet.hours", { n: seconds / 3600 }));

/** State and buttons of one owner; null where the router says nothing of it. */
export function internetRow(owner, internet, reload, more = {}) {
  if (!internet) return null;
  const { label } = whose(owner);
  return h(
    "div.internet",
    { class: internet.held ? "held" : "", ...more },
    h("span.internet-state", icon(internet.held ? "moon" : "globe"), h("span", stateText(internet))),
    h(
      "div.internet-actions",
      internet.held
        ? [
            button(t("internet.quarter"), () => onAgain(owner, internet, reload, QUARTER_S), {
              tone: "plain small",
              "aria-label": `${t("internet.quarter_long")}, ${label}`,
            }),
            button(t("internet.again"), () => onAgain(owner, internet, reload), {
              tone: "primary small",
              "aria-label": `${t("internet.again")}, ${label}`,
            }),
          ]
        : button(t("internet.off"), () => offSheet([owner], reload), {
            tone: "plain small",
            "aria-label": `${t("internet.off")}, ${label}`,
          }),
    ),
  );
}

/** Dinner: the children and teens, or all who may be held. */
export const everybodyCard = (people, reload) =>
  people.some((one) => one.internet)
    ? card(
        { key: "everybody", class: "everybody" },
        h("h2", t("internet.everybody")),
        button(t("internet.everybody_off"), () => offSheet([{ children: true }, { all: true }], reload), {
          tone: "plain",
          picture: "moon",
        }),
      )
    : null;

const bodyOf = (owner) => (owner.children || owner.all ? owner : whose(owner).body);
const nameOf = (owner) => (owner.children ? t("internet.children") : owner.all ? t("internet.all") : whose(owner).label);

/** How long: one tap where there is one owner. Of several the first is chosen until another is. */
function offSheet(owners, reload) {
  const title = owners.length > 1 ? t("internet.everybody_off") : t("internet.off_who", { who: nameOf(owners[0]) });
  return sheet(title, (close, redraw, kept) => {
    const chosen = owners[kept.at || 0];
    const run = (length) => {
      close(true);
      return off(chosen, length, reload);
    };
    return [
      owners.length > 1
        ? h(
            "div.chips.sheet-chips",
            { role: "group", "aria-label": t("internet.whom") },
            owners.map((one, index) =>
              h(
                "button.chip",
                {
                  type: "button",
                  "aria-pressed": String(one === chosen),
                  onclick: () => {
                    kept.at = index;
                    redraw();
                  },
                },
                nameOf(one),
              ),
            ),
          )
        : null,
      h(
        "div.lengths",
        LENGTHS.map((seconds) =>
          button(lengthWords(seconds), () => run({ seconds }), { tone: "plain" }),
        ),
      ),
      h(
        "div.lengths.long",
        button(t("internet.morning"), () => run({ morning: true }), { tone: "plain" }),
        button(t("internet.ended"), () => run({ ended: true }), { tone: "plain" }),
        button(t("internet.choose"), () => (close(true), chooseEnd(chosen, reload)), { tone: "plain" }),
      ),
      h("p.hint", t("internet.off_text")),
    ];
  });
}

/** Until a time of the day: today's, or tomorrow's where today's has passed. */
const chooseEnd = (owner, reload) =>
  formSheet(t("internet.off_who", { who: nameOf(owner) }), {
    names: ["until"],
    go: t("internet.off"),
    submit: async ({ until }) => {
      const minutes = minutesOf(until);
      if (minutes === null) throw new Wrong("until", t("times.no_time"));
      const now = Date.now() / 1000;
      const today = midnight() + minutes * 60;
      await hold(owner, { until: today > now ? today : today + DAY_S }, reload);
    },
    build: (problem) =>
      field({
        name: "until",
        label: t("internet.until"),
        hint: t("times.time_hint"),
        autocomplete: "off",
        autofocus: true,
        error: problem("until"),
      }),
  });

const off = (owner, length, reload) => hold(owner, length, reload).catch(say);

async function hold(owner, length, reload) {
  const done = await post("/holds", { ...bodyOf(owner), ...length });
  const said = [t("internet.off_done", { who: nameOf(owner) })];
  if (done.left_out && done.left_out.length) said.push(t("internet.left_out", { names: series(done.left_out) }));
  toast(said.join(" "), {
    label: t("undo"),
    call: async () => {
      await Promise.all(done.holds.map((one) => del("/holds/" + one.id))).catch(say);
      await reload().catch(say);
    },
  });
  await reload();
}

/** Ends what somebody began; a window is put off for tonight. With `seconds` free for so long. */
async function onAgain(owner, internet, reload, seconds = 0) {
  const { path, body, label } = whose(owner);
  try {
    if (seconds) await post(path + "/exceptions", { kind: "free", seconds });
    else if (internet.why === "off") await del("/holds" + search(body));
    else await post(path + "/exceptions", { kind: "off" });
    toast(seconds ? t("internet.quarter_done", { who: label }) : t("internet.on_done", { who: label }));
  } catch (error) {
    say(error);
  }
  await reload().catch(say);
}

/** Shows the code that gives more time on the spot. */
export async function timeCode() {
  try {
    const { code, expires_at } = await post("/time-code");
    await sheet(t("times.code_title"), () => [
      h("p", t("times.code_text")),
      h("p.big-code", `${code.slice(0, 4)} ${code.slice(4)}`),
      h("p.soft", t("times.code_until", { when: clock(expires_at) })),
    ]);
  } catch (error) {
    say(error);
  }
}
