// One visit: what belongs to it, and what can be said about it.

import { del, patch, put } from "../lib/api.js";
import { confirmed } from "../lib/confirm.js";
import { h } from "../lib/dom.js";
import { t } from "../lib/i18n.js";
import { clock, duration, when } from "../lib/time.js";
import { button, confirm, say, toast } from "../lib/ui.js";

/** `format(seconds)` tells when. Of `page`: whether it was `found` by a search, `deviceOf(visit)`, what is folded under it,
 * and how to ask again. */
export function visitRow(visit, format, page) {
  const act = (key, picture, does) =>
    button(t(key), () => does().then(page.reload), { tone: "plain small", picture });
  return h(
    "li",
    { key: "visit-" + visit.id },
    h(
      "details.visit",
      { class: visit.status },
      h(
        "summary",
        h(
          "span.named",
          h("span.site", visit.site),
          visit.status === "disputed" ? h("span.badge.care", t("history.disputed")) : null,
          visit.background && page.found ? h("span.badge", t("history.background")) : null,
        ),
        h(
          "span.times",
          format(visit.first) + (visit.last - visit.first >= 60 ? `–${clock(visit.last)}` : ""),
          visit.last - visit.first >= 60 ? h("span.soft", duration(visit.last - visit.first)) : null,
        ),
      ),
      h(
        "div.visit-more",
        h(
          "p",
          t("history.accessed", {
            n: visit.hits,
            first: clock(visit.first),
            last: clock(visit.last),
            device: page.deviceOf(visit),
          }),
        ),
        h(
          "ul.hosts",
          visit.hosts.map((host) => h("li", host)),
        ),
        h("p.soft", t("history.source_" + visit.source)),
        page.folds.pulledIn(visit),
        h(
          "div.actions.left",
          act(visit.background ? "history.opened" : "history.not_opened", "history", () => sort(visit)),
          act(visit.status === "disputed" ? "history.undispute" : "history.dispute", "flag", () =>
            dispute("/visits/", visit),
          ),
          act("history.remove", "trash", () => remove(visit)),
        ),
      ),
    ),
  );
}

/** Marks a visit as wrong, or takes the mark away; `path` is all visits or the person's own. */
export async function dispute(path, visit) {
  const undo = visit.status === "disputed";
  try {
    await patch(path + visit.id, { undo });
    toast(t(undo ? "history.undisputed_done" : "history.disputed_done"));
  } catch (error) {
    say(error);
  }
}

async function sort(visit) {
  try {
    await put(`/visits/${visit.id}/background`, { background: !visit.background });
    toast(t(visit.background ? "history.opened_done" : "history.not_opened_done"));
  } catch (error) {
    say(error);
  }
}

async function remove(visit) {
  if (
    !(await confirm(
      t("history.remove_title"),
      t(visit.folded ? "history.remove_all_text" : "history.remove_text", {
        site: visit.site,
        when: when(visit.last),
        n: visit.folded,
      }),
      t("history.remove"),
    ))
  )
    return;
  try {
    await confirmed(() => del("/visits/" + visit.id));
  } catch (error) {
    say(error);
  }
}
