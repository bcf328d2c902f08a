// The household's own weekly file: what is in it, where it goes, and the key that opens it, which is made here.

import { newKey } from "../age/key.js";
import { del, get, put } from "../lib/api.js";
import { confirmed } from "../lib/confirm.js";
import { h } from "../lib/dom.js";
import { formSheet } from "../lib/form.js";
import { said, series, t, told } from "../lib/i18n.js";
import { qr } from "../lib/qr.js";
import { date, when } from "../lib/time.js";
import { button, card, field, say, sheet, textarea, toast } from "../lib/ui.js";

const OPENER = "/week-opener.html";

export async function loadWeekFile() {
  const status = await get("/week-file");
  const { items } = await get("/week-file/files", { limit: 50 });
  return { status, items: items.reverse() };
}

export function weekFileCard({ status, items }, reload) {
  const { target } = status;
  return card(
    { key: "week-file" },
    h("h2", t("weekfile.title")),
    h("p.soft", t("weekfile.text")),
    target
      ? [
          h(
            "dl.facts",
            [h("dt", t("weekfile.address")), h("dd.hash", target.address)],
            [h("dt", t("weekfile.recipient")), h("dd.hash", target.recipient)],
          ),
          h("p.soft", said(status.seen)),
          h("p", h("strong", t("weekfile.on")), " ", t("weekfile.next", { when: date(status.next_at) })),
        ]
      : h("p", h("strong", t(status.why === "restore" ? "reports.why_restore" : "weekfile.off"))),
    status.adults.length ? h("p.soft", t("weekfile.adults", { names: series(status.adults.map((one) => one.name)) })) : null,
    status.trouble ? h("p.care-text", told(status, "trouble")) : null,
    h(
      "div.actions.left",
      button(t("weekfile.preview"), preview, { tone: "plain" }),
      target ? null : button(t("weekfile.turn_on"), () => turnOn(status, reload), { tone: "plain" }),
      target ? button(t("weekfile.turn_off"), () => turnOff(reload), { tone: "danger" }) : null,
      target ? h("a.button.plain", { href: OPENER, download: "open-week.html" }, h("span", t("weekfile.opener"))) : null,
    ),
    items.length
      ? h(
          "ul.rows",
          items.map((one) =>
            h(
              "li.row",
              { key: "file-" + one.id },
              h(
                "span.row-main",
                h("strong", when(one.made)),
                h("span.soft", t("reports.state_" + one.state, {}, one.state)),
                one.message ? h("span.soft", told(one, "message")) : null,
              ),
            ),
          ),
        )
      : null,
  );
}

async function preview() {
  const found = await get("/week-file/preview").catch(say);
  if (found) await sheet(t("weekfile.preview"), () => [h("p", t("weekfile.in")), exact(found)]);
}

const exact = (found) => h("pre", { tabindex: "0" }, found.text);

async function turnOn(status, reload) {
  const found = await get("/week-file/preview").catch(say);
  if (!found) return;
  const done = await formSheet(t("weekfile.turn_on"), {
    names: [],
    go: t("weekfile.agree"),
    submit: async ({ authority, ...values }) => {
      const target = { ...values, ...(authority ? { authority } : {}) };
      return confirmed(() => put("/week-file", { target, agree: status.notice }));
    },
    build: () => [
      h("p", t("weekfile.in")),
      h("details", h("summary", t("reports.exact")), exact(found)),
      h("p.care-text", said(status.seen)),
      plain("address", t("weekfile.address"), t("weekfile.address_hint")),
      plain("user", t("weekfile.user"), t("weekfile.user_hint")),
      field({ name: "password", id: "week-password", label: t("signin.password"), type: "password", autocomplete: "off" }),
      plain("recipient", t("weekfile.recipient"), t("weekfile.recipient_hint")),
      h("div.actions.left", button(t("weekfile.make"), makeKey, { tone: "plain" })),
      h(
        "details",
        h("summary", t("weekfile.own_certificate")),
        textarea({ name: "authority", id: "week-authority", label: t("weekfile.certificate"), maxlength: 8192 }),
      ),
    ],
  });
  if (done) toast(t("weekfile.on"));
  await reload();
}

const plain = (name, label, hint) =>
  field({ name, id: "week-" + name, label, hint, autocomplete: "off", autocapitalize: "off", spellcheck: "false" });

/** Shows the secret half once; it goes nowhere from here. */
async function makeKey() {
  const key = await newKey();
  const stored = await sheet(t("weekfile.make"), (close) => [
    h("p", t("weekfile.secret")),
    qr(key.secret),
    h("code.hash", { tabindex: "0" }, key.secret),
    h("p.care-text", t("weekfile.lost")),
    h("div.actions", button(t("weekfile.stored"), () => close(true), { tone: "primary" })),
  ]);
  if (!stored) return;
  const input = /** @type {HTMLInputElement} */ (document.getElementById("week-recipient"));
  input.value = key.recipient;
}

async function turnOff(reload) {
  try {
    await del("/week-file");
    toast(t("weekfile.out"));
  } catch (error) {
    say(error);
  }
  await reload().catch(say);
}
