// What a row of the ledger says has changed, from what to what.

import { pair, series, t } from "../lib/i18n.js";
import { dayAndClock } from "../lib/time.js";

// Numbers of people tell a reader nothing; names are in no row.
const PLAIN = ["person", "name", "label", "birth_month"];
const SHOWN = [...PLAIN, "group", "shared", "never_off", "days", "kept", "reader", "pin", "until", "new_devices"];

/** "age group: child → teen, days: 7 → 30", or "". */
export const changed = (detail) =>
  series(
    (detail || "")
      .split(" ")
      .map((word) => word.split(":"))
      .filter(([key]) => SHOWN.includes(key))
      .map(([key, value]) => (PLAIN.includes(key) || !value ? t("change." + key) : told(key, value))),
  );

const told = (key, value) => (key === "until" ? t("change.until", { at: dayAndClock(Number(value)) }) : named(key, value));

// Since when somebody more reads it stands behind who does.
const plain = (value) => value.split(".")[0];

const named = (key, value) =>
  pair(
    t("change." + key),
    value
      .split(">")
      .map((one) => t("value." + plain(one), {}, one))
      .join(" → "),
  );
