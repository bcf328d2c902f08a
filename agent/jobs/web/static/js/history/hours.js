// The hours of a day, as week and day both show them.

import { h } from "../lib/dom.js";

export const HOURS = [...Array(24).keys()];
/** The last hour before `to` that a visit spans: it may go on after what is looked at. */
export const hourOf = (visit, to) => new Date(Math.min(visit.last, to - 1) * 1000).getHours();

export const hourScale = () =>
  h(
    "div.heat-scale",
    { "aria-hidden": "true" },
    ["0", "6", "12", "18", "24"].map((hour) => h("span", hour)),
  );
