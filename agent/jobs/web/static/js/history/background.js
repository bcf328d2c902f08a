// What a visit pulled in, and what apps fetched by themselves: folded away, and asked for when somebody looks.

import { get } from "../lib/api.js";
import { h } from "../lib/dom.js";
import { t } from "../lib/i18n.js";
import { say } from "../lib/ui.js";

const MOST = 200;

/** `whom()` and `period()` give the query; `row(visit)` draws one. */
export function background({ whom, period, row, redraw }) {
  const held = new Map(); // key → { asked, items }

  async function load(key, asked) {
    try {
      const { items } = await get("/history", { ...asked, limit: MOST });
      held.set(key, { asked, items });
    } catch (error) {
      say(error);
    }
  }

  function fold(key, title, asked, about) {
    const { items } = held.get(key) || {};
    return h(
      "details.folded",
      {
        key: "fold-" + key,
        ontoggle: async (event) => {
          if (!event.target.open || held.has(key)) return;
          await load(key, asked);
          redraw();
        },
      },
      h("summary", title),
      about ? h("p.soft", about) : null,
      items
        ? items.length
          ? h("ul.visits", items.map(row))
          : h("p.nothing", t("history.no_background"))
        : h("p.soft", t("history.looking")),
    );
  }

  return {
    /** Others shall be looked at from here on. */
    clear: () => held.clear(),
    /** Ask again for what is looked at. */
    refresh: () => Promise.all([...held].map(([key, { asked }]) => load(key, asked))),
    pulledIn: (visit) =>
      visit.folded
        ? fold("of-" + visit.id, t("history.loaded", { n: visit.folded }), { ...whom(), cause: visit.id })
        : null,
    apart: () => {
      const asked = { ...whom(), ...period(), show: "apart" };
      return fold("apart-" + new URLSearchParams(asked), t("history.apart"), asked, t("history.apart_text"));
    },
  };
}
