// A site with its time and how often; its visits stand beneath, once they are there.

import { h } from "../lib/dom.js";
import { t } from "../lib/i18n.js";
import { clock, when } from "../lib/time.js";

/** `own` are the visits, nothing while they were not asked for: `open` is called to. */
export const siteRow = ({ site, n, time, own }, open) =>
  h(
    "li",
    { key: "site-" + site },
    h(
      "details.visit",
      { ontoggle: (event) => open && event.target.open && open() },
      h(
        "summary",
        h("span.site.named", site),
        h("span.times", time, h("span.soft", t("count.visits", { n }))),
      ),
      own
        ? h(
            "ul.visit-more",
            own.map((one) => h("li", when(one.first) + (one.last - one.first >= 60 ? `–${clock(one.last)}` : ""))),
          )
        : h("p.nothing", t("history.looking")),
    ),
  );
