// The hours of a day, as week and day both show them.

import { h } from "../lib/dom.js";

export const HOURS = [...Array(24).keys()];
export const hourOf = (visit) => new Date(visit.last * 1000).getHours();

export const hourScale = () =>
  h(
    "div.heat-scale",
    { "aria-hidden": "true" },
    ["0", "6", "12", "18", "24"].map((hour) => h("span", hour)),
  );
