// Warnings about look-alikes: told while somebody looks, and kept nowhere but in this page.

import { h } from "../lib/dom.js";
import { said, t } from "../lib/i18n.js";
import { when } from "../lib/time.js";
import { button, card, say, toast } from "../lib/ui.js";
import { addRule } from "./rules.js";

const MOST = 20;
const heard = [];

/** One event: a device asked for what looks like another name. */
export function hear({ device_id, name, like, why }) {
  if (heard.some((one) => one.name === name && one.device_id === device_id)) return;
  heard.unshift({ device_id, name, like, why, at: Math.floor(Date.now() / 1000) });
  heard.length = Math.min(heard.length, MOST);
  toast(t("lookalike.toast", { name }), null, "bad");
}

export const lookalikesCard = (label, reload) =>
  heard.length
    ? card(
        { key: "lookalikes", class: "flush" },
        h("h2.group", t("lookalike.title")),
        h("p.soft.pad", t("lookalike.text")),
        h(
          "ul.rows",
          heard.map((one) =>
            h(
              "li.row",
              { key: "lookalike-" + one.device_id + one.name },
              h(
                "span.row-main",
                h("strong.site", one.name),
                h("span.soft", `${label(one.device_id)} · ${when(one.at)} · ${looks(one)}`),
              ),
              button(
                t("block.go"),
                () => addRule("block", one.name, { whom: "household", span: "ever" }, reload).catch(say),
                { tone: "plain small" },
              ),
            ),
          ),
        ),
      )
    : null;

const looks = ({ like, why }) =>
  t(like ? "lookalike.like" : "lookalike.throwaway", { like, why: why.split("; ").map(said).join("; ") });
