// What the person who uses a device may ask for, each where it can be done; who can see what; and the privacy notice.

import { adopt, fetchFile, get, keep, post, session } from "../lib/api.js";
import { h } from "../lib/dom.js";
import { t, told } from "../lib/i18n.js";
import { icon } from "../lib/icons.js";
import { noticeText } from "./notice.js";
import { button, card, confirm, field, form, say, sheet, toast } from "../lib/ui.js";

/** `write(kind)` sends a message, `load` asks the router again, `forgotten` sets a new PIN. */
export function rights(own, { write, load, forgotten }) {
  const { adult, pin } = own;
  const with_pin = (act) => () => (pin.set ? act() : toast(t("me.no_pin")));
  return card(
    { key: "rights" },
    h("h2", t("me.rights")),
    h(
      "div.actions.left",
      button(
        t("me.copy"),
        with_pin(() => copy({ load, forgotten })),
        { tone: "plain", picture: "download" },
      ),
      adult
        ? button(
            t("me.delete"),
            with_pin(() => eraseOwn({ load, forgotten })),
            { tone: "plain", picture: "trash" },
          )
        : button(t("request.erasure"), () => write("erasure"), { tone: "plain", picture: "trash" }),
    ),
    h(
      "details",
      h("summary", t("me.rights_more")),
      h("p.soft", t("me.rights_text")),
      h(
        "ul.plain-list",
        ["see", "correct", "delete", "object"].map((name) => h("li", icon("check"), h("span", t("me.right_" + name)))),
      ),
      h("p.soft", t("me.right_complain")),
    ),
    h(
      "div.actions.left",
      more(t("leaving.title"), "/recipients", (page) => [
        h("p", t("leaving.text")),
        h("ul.plain-list", receivers(page.items)),
        h("p.soft", t("leaving.cookie")),
      ]),
      more(t("notice.title"), "/notice", noticeText),
    ),
  );
}

const more = (title, path, show) => button(title, () => read(title, path, show), { tone: "plain small", key: path });

async function read(title, path, show) {
  const found = await get(path).catch(say);
  if (found) await sheet(title, () => show(found));
}

/** A line for each kind of recipient: what it gets to know, and everyone who does. */
export function receivers(items) {
  const kinds = new Map();
  for (const one of items) {
    const key = one.kind + one.detail;
    kinds.set(key, [...(kinds.get(key) || []), one]);
  }
  return [...kinds.values()].map((all) =>
    h(
      "li",
      icon("info"),
      h(
        "span",
        h("strong", t("recipient." + all[0].kind)),
        `: ${told(all[0], "detail")}. `,
        h("span.soft", [...new Set(all.map((one) => one.name).filter(Boolean))].join(" · ")),
      ),
    ),
  );
}

async function copy(page) {
  try {
    const file = await entered(() => fetchFile("GET", "/me/export?format=json"), page);
    if (file) keep(file, "privacy-agent.json");
  } catch (error) {
    say(error);
  }
}

/** Asks with the counts, then erases this device's records, of one feature or of both. */
export async function eraseOwn(page, what = {}) {
  const kept = await counted(page);
  if (!kept) return;
  const counts = {
    visits: [undefined, "history"].includes(what.feature) ? kept.visits : 0,
    attempts: [undefined, "protection"].includes(what.feature) ? kept.attempts : 0,
    usage: ([undefined, "usage"].includes(what.feature) && kept.usage) || 0,
  };
  const n = counts.visits + counts.attempts + counts.usage;
  if (!n) return toast(t("delete.nothing"));
  const text = t(counts.usage ? "delete.text_all" : "delete.text_counts", {
    days: t("count.days", { n: counts.usage }),
    visits: t("count.visits", { n: counts.visits }),
    attempts: t("count.attempts", { n: counts.attempts }),
  });
  if (!(await confirm(t("delete.title"), text, t("delete.go", { n })))) return;
  try {
    const done = await entered(() => post("/me/erase", what), page);
    if (done) toast(t("delete.done", { n: done.visits + done.attempts + (done.usage || 0) }));
  } catch (error) {
    say(error);
  }
  await page.load();
}

/** How much is stored, which the router tells after the PIN. */
async function counted(page) {
  const { kept } = await get("/me");
  if (kept) return kept;
  if (!(await askPin(page))) return null;
  await page.load();
  return (await get("/me")).kept;
}

/** Runs `act`; when the router wants the PIN for it, asks for it and runs it once more. Null when given up. */
async function entered(act, page) {
  try {
    return await act();
  } catch (error) {
    if (error.kind !== "pin") throw error;
  }
  if (!(await askPin(page))) return null;
  await page.load();
  return act();
}

function askPin({ forgotten }) {
  const state = { error: null };
  return sheet(t("me.pin_title"), (close, redraw) =>
    form(
      { key: "own-pin" },
      async (values) => {
        try {
          adopt(await post("/me/session", values));
          close(Boolean(session.csrf));
        } catch (error) {
          state.error = error.sentence;
          redraw();
        }
      },
      h("p", t("me.pin_again")),
      field({
        name: "pin",
        id: "pin-again",
        label: t("pin.pin"),
        type: "password",
        inputmode: "numeric",
        autocomplete: "current-password",
        autofocus: true,
        error: state.error,
      }),
      h(
        "div.actions",
        button(t("pin.forgot"), () => (close(false), forgotten()), { tone: "plain" }),
        h("button.button.primary", { type: "submit" }, h("span", t("pin.enter"))),
      ),
    ),
  );
}
