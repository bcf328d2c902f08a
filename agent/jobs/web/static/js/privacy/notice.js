// The notice: shown until it was read, and again after every change that matters.

import { post } from "../lib/api.js";
import { h } from "../lib/dom.js";
import { said, sentences, t } from "../lib/i18n.js";
import { icon } from "../lib/icons.js";
import { date } from "../lib/time.js";
import { button, card, say, sheet } from "../lib/ui.js";

export function notice(row, reload) {
  if (!row || row.read_at) return null;
  return card(
    { key: "notice", class: "hero recording" },
    h("span.hero-picture", icon("info")),
    h(
      "div",
      h("p.hero-line", t(row.material ? "notice.changed" : "notice.first")),
      h(
        "div.actions.left",
        button(t("notice.open"), () => read(row, reload), { tone: "plain small" }),
      ),
    ),
  );
}

async function read(row, reload) {
  await sentences();
  const yes = await sheet(t("notice.title"), (close) => [
    noticeText(row),
    h(
      "div.actions",
      button(t("notice.read"), () => close(true), { tone: "primary" }),
    ),
  ]);
  if (!yes) return;
  await post("/notice/read", { version: row.version }).catch(say);
  await reload().catch(say);
}

export const noticeText = (row) => [
  h("p", said(row.text)),
  h("p.soft", t("notice.version", { version: row.version, date: date(Date.parse(row.date) / 1000) })),
];
