// Opens a weekly file without any network: a page of its own, kept beside the files and opened from the disk.

import { opened } from "./age/open.js";
import { h, render } from "./lib/dom.js";

const TEXTS = {
  en: {
    title: "Open a weekly file",
    text: "This page works without a network. Neither your key nor what is in the file leaves it.",
    key: "Your secret key",
    files: "Weekly file",
    wrong_key: "This is no secret key. It begins with AGE-SECRET-KEY-1.",
    wrong_file: "This is no weekly file.",
    wrong_other: "This file was made for another key.",
    wrong_changed: "This file was changed or is not complete.",
    day: "Day",
    minutes: "Minutes online",
    blocked: "Blocked",
    off: "Minutes without internet",
    site: "Site",
    visits: "Visits",
    all: "All that is in the file",
    from: "Seven days from",
  },
  de: {
    title: "Eine Wochendatei öffnen",
    text: "Diese Seite arbeitet ohne Netz. Weder Ihr Schlüssel noch der Inhalt der Datei verlassen sie.",
    key: "Ihr geheimer Schlüssel",
    files: "Wochendatei",
    wrong_key: "Das ist kein geheimer Schlüssel. Er beginnt mit AGE-SECRET-KEY-1.",
    wrong_file: "Das ist keine Wochendatei.",
    wrong_other: "Diese Datei ist für einen anderen Schlüssel.",
    wrong_changed: "Diese Datei wurde verändert oder ist unvollständig.",
    day: "Tag",
    minutes: "Minuten online",
    blocked: "Blockiert",
    off: "Minuten ohne Internet",
    site: "Website",
    visits: "Besuche",
    all: "Alles, was in der Datei steht",
    from: "Sieben Tage ab",
  },
};
const language = navigator.language.startsWith("de") ? "de" : "en";
const words = TEXTS[language];
const root = document.getElementById("app");
const state = { week: null, problem: "", file: null };
document.documentElement.lang = language;
document.title = words.title;

const value = (name) => /** @type {HTMLInputElement} */ (document.getElementById(name)).value;

async function choose(event) {
  state.file = event.target.files[0] || null;
  await open();
}

async function open() {
  Object.assign(state, { week: null, problem: "" });
  if (state.file && value("key")) {
    try {
      state.week = JSON.parse(opened(value("key"), new Uint8Array(await state.file.arrayBuffer())));
    } catch (error) {
      state.problem = words["wrong_" + error.message] || words.wrong_file;
    }
  }
  draw();
}

const draw = () =>
  render(root, [
    h("h1", words.title),
    h("p", words.text),
    h("label", { for: "key" }, words.key),
    h("input", { id: "key", type: "password", autocomplete: "off", spellcheck: "false", onchange: open }),
    h("label", { for: "file" }, words.files),
    h("input", { id: "file", type: "file", onchange: choose }),
    state.problem ? h("p", { role: "alert" }, h("strong", state.problem)) : null,
    state.week ? shown(state.week) : null,
  ]);

const shown = (week) => [
  h("h2", `${words.from} ${week.days.length ? week.days[0].day : ""}`),
  (week.items || []).map((item) => h("section", person(item, week.days))),
  h("details", h("summary", words.all), h("pre", JSON.stringify(week, null, 1))),
];

const person = (item, days) => [
  h("h3", item.name || item.label),
  table(
    [words.day, words.minutes, words.blocked, words.off],
    days.map(({ day }, at) => [day, online(item, at), item.blocked && item.blocked[at], item.off && item.off.days[at]]),
  ),
  item.history && item.history.sites.length
    ? table(
        [words.site, words.minutes, words.visits],
        item.history.sites.map((one) => [one.site, one.minutes, one.visits]),
      )
    : null,
];

const online = ({ history }, at) => history && history.hours[at].reduce((sum, minutes) => sum + minutes, 0);

const table = (heads, rows) =>
  h(
    "table",
    h("thead", h("tr", heads.map((head) => h("th", { scope: "col" }, head)))),
    h("tbody", rows.map((row) => h("tr", row.map((cell) => h("td", String(cell ?? "–")))))),
  );

draw();
