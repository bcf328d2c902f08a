// Weekly windows as values: times as people type them, days and the sentence about them, the bars of a week. No DOM.

import { locale, series, t } from "./i18n.js";

export const DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
export const SCHOOL = DAYS.slice(0, 5);
export const MINUTES = 1440;
// As the router has it (agent/core/windows.py): four windows for each day.
export const WINDOWS_MAX = 28;

/** Minutes of "8", "8:00", "20.00", "0830", "8 pm", "20 Uhr", "20h30"; null where it is no time. */
export function minutesOf(typed) {
  const found = typed
    .trim()
    .toLowerCase()
    .match(/^(\d{1,2})(?:\s*[:.h]\s*(\d{2})|(?<=\d\d)(\d\d))?\s*(am|pm|a\.m\.|p\.m\.|uhr|h)?$/);
  if (!found) return null;
  let hour = Number(found[1]);
  const minute = Number(found[2] || found[3] || 0);
  const half = (found[4] || "")[0];
  if (half === "a" || half === "p") {
    if (hour < 1 || hour > 12) return null;
    hour = (hour % 12) + (half === "p" ? 12 : 0);
  }
  const minutes = hour * 60 + minute;
  return minute < 60 && minutes <= MINUTES ? minutes : null;
}

const two = (number) => String(number).padStart(2, "0");

/** "20:30", as the router takes it. */
export const timeText = (minutes) => `${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`;

/** How a reader of this region writes it: "20:30" or "8:30 PM". */
export const timeWords = (minutes) =>
  new Intl.DateTimeFormat(locale.region, { hour: "numeric", minute: "2-digit", timeZone: "UTC" }).format(
    new Date((minutes % MINUTES) * 60000),
  );

// 1 January 2024 was a Monday.
const dayName = (day, weekday) =>
  new Intl.DateTimeFormat(locale.region, { weekday, timeZone: "UTC" }).format(
    new Date(Date.UTC(2024, 0, 1 + DAYS.indexOf(day))),
  );
const dayShort = (day) => dayName(day, "short");
export const dayLetter = (day) => dayName(day, "narrow");
export const dayLong = (day) => dayName(day, "long");

/** "Mon–Thu, Sun" */
export function daysWords(days) {
  if (days.length === DAYS.length) return t("times.every_day");
  const runs = [];
  for (const day of DAYS.filter((one) => days.includes(one))) {
    const last = runs.at(-1);
    if (last && DAYS.indexOf(last.at(-1)) === DAYS.indexOf(day) - 1) last.push(day);
    else runs.push([day]);
  }
  return series(runs.flatMap((run) => (run.length > 2 ? `${dayShort(run[0])}–${dayShort(run.at(-1))}` : run.map(dayShort))));
}

const listed = (window) => window.days.split(",");

/** The router's windows as rows for each day: {mon: [{kind, begin, end, label}, …], …}, times in minutes. */
export function byDay(windows, holiday = false) {
  const week = Object.fromEntries(DAYS.map((day) => [day, []]));
  for (const one of windows) {
    if (Boolean(one.holiday) !== holiday) continue;
    const row = { kind: one.kind, begin: minutesOf(one.begin), end: minutesOf(one.end), label: one.label || "" };
    for (const day of listed(one)) week[day].push({ ...row });
  }
  for (const day of DAYS) week[day].sort((one, other) => one.begin - other.begin);
  return week;
}

/** Rows for each day as windows again: what is the same on several days is one. */
export function windowsOf(week, holiday = false) {
  const found = new Map();
  for (const day of DAYS) {
    for (const { kind, begin, end, label } of week[day]) {
      const key = JSON.stringify([kind, begin, end, label]);
      const one = found.get(key) || { kind, days: [], begin: timeText(begin), end: timeText(end), label, holiday };
      if (!one.days.includes(day)) one.days.push(day);
      found.set(key, one);
    }
  }
  return [...found.values()].map((one) => ({ ...one, days: one.days.join(",") }));
}

/** The week with one day's rows on others as well. */
export const copied = (week, from, days) =>
  Object.fromEntries(DAYS.map((day) => [day, (days.includes(day) ? week[from] : week[day]).map((row) => ({ ...row }))]));

/** What of a day is held, midnight to midnight: the evening before goes on after midnight. */
export function pieces(week, day) {
  const before = DAYS[(DAYS.indexOf(day) + 6) % 7];
  const found = [];
  for (const { kind, begin, end } of week[before]) {
    if (end <= begin && end > 0) found.push({ kind, from: 0, to: end });
    // A begin of 24:00 is the midnight that ends the day.
    if (begin === MINUTES && end < MINUTES) found.push({ kind, from: 0, to: end || MINUTES });
  }
  for (const { kind, begin, end } of week[day]) {
    if (begin < MINUTES) found.push({ kind, from: begin, to: end <= begin ? MINUTES : end });
  }
  const unlike = (one, at) => found.findIndex((other) => JSON.stringify(other) === JSON.stringify(one)) === at;
  return found.filter(unlike);
}

/** "Mon–Thu, Sun: off 20:30–7:00", a sentence for each window. */
export const sentences = (windows) =>
  windows.map((one) =>
    t("times.sentence_" + one.kind, {
      days: one.holiday ? t("times.in_holidays", { days: daysWords(listed(one)) }) : daysWords(listed(one)),
      begin: timeWords(minutesOf(one.begin)),
      end: timeWords(minutesOf(one.end)),
      label: one.label ? ` (${one.label})` : "",
    }),
  );

/** First values for an age, never set by themselves. */
const week = (usual, late) =>
  Object.fromEntries(DAYS.map((day) => [day, [{ kind: "bedtime", label: "", ...(day === "fri" || day === "sat" ? late : usual) }]]));
export const SUGGESTED = {
  child: () => week({ begin: 1200, end: 420 }, { begin: 1260, end: 480 }),
  teen: () => week({ begin: 1350, end: 390 }, { begin: 1440, end: 480 }),
};
