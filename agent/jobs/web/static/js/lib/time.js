// Times in the browser's own zone, in words where that is kinder.

import { locale, t } from "./i18n.js";

// A router without a set clock counts from 1970; such a time is no time.
const UNSET = 1577836800;
const DAY = 86400;

const format = (seconds, options) => new Intl.DateTimeFormat(locale.region, options).format(new Date(seconds * 1000));

export const clock = (seconds) => format(seconds, { hour: "2-digit", minute: "2-digit" });
export const day = (seconds) => format(seconds, { weekday: "long", day: "numeric", month: "long" });
export const date = (seconds) => format(seconds, { day: "numeric", month: "long", year: "numeric" });
export const shortDay = (seconds) => format(seconds, { weekday: "short" });
export const dayAndClock = (seconds) => format(seconds, { weekday: "short", hour: "2-digit", minute: "2-digit" });
export const full = (seconds) =>
  format(seconds, {
    day: "numeric",
    month: "short",
    year: "numeric",
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
  });

/** Midnight of a day, `back` days ago, in seconds. */
export function midnight(back = 0) {
  const today = new Date();
  return new Date(today.getFullYear(), today.getMonth(), today.getDate() - back).getTime() / 1000;
}

/** Seconds that this browser's zone is east of UTC now. */
export const offset = () => -new Date().getTimezoneOffset() * 60;

/** Midnight of the day that a time lies in. */
export const midnightOf = (seconds) => new Date(seconds * 1000).setHours(0, 0, 0, 0) / 1000;

export const known = (seconds) => seconds > UNSET;

/** "14:02", "yesterday, 14:02", "Mon, 14:02" or "3 Nov, 14:02". */
export function when(seconds) {
  if (!known(seconds)) return t("time.unknown");
  if (seconds >= midnight()) return clock(seconds);
  if (seconds >= midnight(1)) return t("time.yesterday", { time: clock(seconds) });
  if (seconds >= midnight(6)) return `${shortDay(seconds)}, ${clock(seconds)}`;
  return format(seconds, { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
}

export function dayName(start) {
  if (start === midnight()) return t("time.today");
  if (start === midnight(1)) return t("time.yesterday_alone");
  return day(start);
}

/** "today", "tomorrow" or a date: until when something is kept. */
export function until(seconds) {
  if (seconds < midnight() + DAY) return t("time.today");
  return format(seconds, { day: "numeric", month: "long" });
}

export function duration(seconds) {
  if (seconds < 60) return t("time.moment");
  if (seconds < 3570) return t("time.minutes", { n: Math.round(seconds / 60) });
  const minutes = Math.round(seconds / 60);
  const hours = t("time.hours", { n: Math.floor(minutes / 60) });
  return minutes % 60 ? `${hours} ${t("time.minutes", { n: minutes % 60 })}` : hours;
}
