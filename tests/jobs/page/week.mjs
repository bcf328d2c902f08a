// lib/week.js: times as people type them, and a week of windows there and back.

import assert from "node:assert/strict";
import { test } from "node:test";

globalThis.location = { origin: "https://router.lan" };
const { SUGGESTED, DAYS, byDay, copied, daysWords, minutesOf, pieces, timeText, windowsOf } = await import(
  "../../../agent/jobs/web/static/js/lib/week.js"
);

const typed = {
  8: 480, "8:00": 480, "20.00": 1200, "8 pm": 1200, "8pm": 1200, "8:30 PM": 1230, "12am": 0, "12 pm": 720,
  "20 Uhr": 1200, 2030: 1230, "0830": 510, "20h30": 1230, "20h": 1200, " 7:05 ": 425, "24:00": 1440, "0:00": 0,
};
for (const [text, minutes] of Object.entries(typed)) {
  test(`${text} is ${minutes} minutes`, () => assert.equal(minutesOf(text), minutes));
}
for (const text of ["", "25", "8:60", "24:01", "13 pm", "0 am", "eight", "8:5", "830", "-8", "8:00:00", "8.5"]) {
  test(`"${text}" is no time`, () => assert.equal(minutesOf(text), null));
}

test("days in words", () => {
  assert.equal(daysWords(["sun", "mon", "tue", "wed", "thu"]), "Mon–Thu, Sun");
  assert.equal(daysWords(["fri", "sat"]), "Fri, Sat");
  assert.equal(daysWords(["wed"]), "Wed");
});

test("windows become days and windows again", () => {
  const windows = [
    { kind: "bedtime", days: "mon,tue,wed,thu,sun", begin: "20:30", end: "07:00", label: "", holiday: false },
    { kind: "bedtime", days: "fri,sat", begin: "24:00", end: "08:00", label: "", holiday: false },
    { kind: "break", days: "mon", begin: "18:00", end: "18:30", label: "Dinner", holiday: false },
  ];
  const week = byDay([...windows, { ...windows[0], holiday: true }]);
  const back = windowsOf(week);
  assert.deepEqual(new Set(back.map((one) => JSON.stringify(one))), new Set(windows.map((one) => JSON.stringify(one))));
  assert.deepEqual(byDay(back), week);
});

test("a window past midnight shows on both days", () => {
  const week = byDay([{ kind: "bedtime", days: "sun", begin: "20:30", end: "07:00" }]);
  assert.deepEqual(pieces(week, "sun"), [{ kind: "bedtime", from: 1230, to: 1440 }]);
  assert.deepEqual(pieces(week, "mon"), [{ kind: "bedtime", from: 0, to: 420 }]);
  assert.deepEqual(pieces(week, "tue"), []);
});

test("begin and end the same are a whole day", () => {
  const week = byDay([{ kind: "break", days: "wed", begin: "00:00", end: "00:00" }]);
  assert.deepEqual(pieces(week, "wed"), [{ kind: "break", from: 0, to: 1440 }]);
  assert.deepEqual(pieces(week, "thu"), []);
});

test("midnight that ends the day begins the next", () => {
  const week = byDay([{ kind: "bedtime", days: "fri", begin: "24:00", end: "08:00" }]);
  assert.deepEqual(pieces(week, "fri"), []);
  assert.deepEqual(pieces(week, "sat"), [{ kind: "bedtime", from: 0, to: 480 }]);
});

test("from that midnight to midnight is the whole next day", () => {
  for (const end of ["00:00", "24:00"]) {
    const week = byDay([{ kind: "bedtime", days: "fri", begin: "24:00", end }]);
    assert.deepEqual(pieces(week, "fri"), []);
    assert.deepEqual(pieces(week, "sat"), [{ kind: "bedtime", from: 0, to: 1440 }]);
    assert.deepEqual(pieces(week, "sun"), []);
  }
});

test("a day's rows on other days", () => {
  const week = copied(byDay([{ kind: "bedtime", days: "mon", begin: "20:00", end: "07:00" }]), "mon", DAYS.slice(0, 5));
  assert.deepEqual(windowsOf(week).map((one) => one.days), ["mon,tue,wed,thu,fri"]);
  week.mon[0].begin = 0;
  assert.equal(week.tue[0].begin, 1200);
});

test("what is suggested", () => {
  assert.deepEqual(windowsOf(SUGGESTED.child()).map((one) => [one.days, one.begin, one.end]), [
    ["mon,tue,wed,thu,sun", "20:00", "07:00"],
    ["fri,sat", "21:00", "08:00"],
  ]);
  assert.equal(timeText(1440), "24:00");
});
