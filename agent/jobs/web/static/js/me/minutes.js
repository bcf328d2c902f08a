// /me: the minutes of today, what is left of them, what was given, and a quarter of an hour from the bank.

import { post } from "../lib/api.js";
import { h } from "../lib/dom.js";
import { t } from "../lib/i18n.js";
import { icon } from "../lib/icons.js";
import { dayList, length, todayWords } from "../people/minutes.js";
import { button, card, say, toast } from "../lib/ui.js";

const QUARTER = 15;

/** Null where no minutes of this device are counted and nothing was saved. `days` are there after the PIN. */
export const minutesCard = ({ usage, limits }, days, load) =>
  usage && ((usage.now && usage.now.on) || usage.bank)
    ? card(
        { key: "minutes" },
        h("h2", t("feature.usage")),
        usage.now && usage.now.on ? h("p.internet-state.large", icon("clock"), h("span", todayWords(usage.now))) : null,
        usage.bonuses.length
          ? h(
              "ul.plain-list",
              usage.bonuses.map((one) => h("li", icon("plus"), t(one.text ? "minutes.given_for" : "minutes.given", { time: length(one.minutes), what: one.text }))),
            )
          : null,
        usage.bank ? bank(usage.bank, limits, load) : null,
        h("p.soft", t("minutes.about")),
        days && days.length ? dayList(days) : null,
      )
    : null;

const bank = (saved, limits, load) => [
  h("p", t("minutes.bank", { time: length(saved) })),
  limits && limits.now && limits.now.why === "bedtime"
    ? null
    : h(
        "p",
        button(t("minutes.take", { time: length(Math.min(QUARTER, saved)) }), () => take(load), { tone: "plain small", picture: "plus" }),
      ),
];

async function take(load) {
  try {
    await post("/me/bonus", {});
    toast(t("me.more_taken"));
  } catch (error) {
    say(error);
  }
  await load();
}
