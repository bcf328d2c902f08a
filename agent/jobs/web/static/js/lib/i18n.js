// Words from one catalogue file a language. Which languages there are, index.html says: those that are installed.

const SOURCE = "en";
// Written from right to left; the browser may know more of them.
const RIGHT_TO_LEFT = ["ar", "fa", "he", "ur"];
// What a language is called is asked by the way it is written.
const WRITTEN = { "zh-cn": "zh-Hans" };

let words = {};
// What the router says, in the reader's language: loaded when it has something to say.
let answers = null;
let plural = new Intl.PluralRules(SOURCE);
// The region decides about 14:02 or 2:02 pm.
export const locale = { language: SOURCE, region: SOURCE };
let collator = new Intl.Collator(SOURCE, { numeric: true });
/** As people order names: "Device 2" before "Device 10". */
export const byName = (one, other) => collator.compare(one, other);

/** Code → what its speakers call it, of each language that is installed. */
export const languages = () => Object.fromEntries(installed().map((code) => [code, ownName(code)]));

/** @type {() => HTMLLinkElement[]} */
const links = () => [...document.querySelectorAll("link")].filter((one) => one.dataset.text);
const installed = () => links().map((one) => one.dataset.text);
const link = (language) => links().find((one) => one.dataset.text === language);

function ownName(code) {
  const named = WRITTEN[code] || code;
  const name = new Intl.DisplayNames([named], { type: "language" }).of(named);
  return name[0].toLocaleUpperCase(named) + name.slice(1);
}

const base = (code) => code.toLowerCase().split("-")[0];

/** The installed language that a reader means by a code: the same, or another region's. */
export const meant = (code, there) =>
  there.find((one) => one === code.toLowerCase()) || there.find((one) => base(one) === base(code));

export async function loadLanguage() {
  const there = installed();
  const wanted = [stored(), ...navigator.languages, SOURCE].filter(Boolean);
  const language = wanted.map((one) => meant(one, there)).find(Boolean) || SOURCE;
  const region = navigator.languages.find((one) => base(one) === base(language)) || language;
  words = await (await fetch(link(language).getAttribute("href"))).json();
  speak(language, region);
  document.documentElement.lang = WRITTEN[language] || language;
  document.documentElement.dir = RIGHT_TO_LEFT.includes(base(language)) ? "rtl" : "ltr";
}

function speak(language, region) {
  Object.assign(locale, { language, region });
  plural = new Intl.PluralRules(language);
  collator = new Intl.Collator(region, { numeric: true });
}

/** Has the router's sentences there before `said` is asked for one. Without them it says them in English. */
export async function sentences() {
  const named = link(locale.language);
  const address = named && named.dataset.sentences;
  if (answers || !address) return;
  answers = await fetch(address)
    .then((answer) => answer.json())
    .catch(() => null);
}

export function chooseLanguage(code) {
  try {
    localStorage.setItem("language", code);
  } catch {
    // A browser that keeps nothing: its own language stays.
  }
  location.reload();
}

function stored() {
  try {
    return localStorage.getItem("language");
  } catch {
    return null;
  }
}

/**
 * What the router says, in the reader's language: a text, or one with {} for each of the values that follow it, which may
 * be the same in turn. A text that was changed since shows as the router says it: true comes first.
 * @param {string | any[]} sentence
 * @returns {string}
 */
export function said(sentence) {
  if (!Array.isArray(sentence)) return translated(sentence) || sentence;
  const [text, ...values] = sentence;
  return (translated(text) || text).replace(/\{\}/g, () => said(values.shift() ?? ""));
}

const translated = (text) => (answers && answers[text]) || words[text];

/** The field of an answer: where its sentence has values, they stand apart beside it. */
export const told = (row, name) => said(row[name + "_sentence"] || row[name] || "");

/** "name: value" */
export const pair = (name, value) => t("pair", { name, value });
/** "one, another, a third" */
export const series = (texts) => (texts.length ? texts.reduce((one, more) => t("series", { one, more }, `${one}, ${more}`)) : "");

// What any text may name: the full address of the page that each device has.
const places = { me: location.origin + "/me" };

/** The words of a key with {names} filled in; an entry with forms is chosen by `values.n`. */
export function t(key, values = {}, otherwise = key) {
  let text = words[key];
  if (text === undefined) return otherwise;
  if (typeof text === "object") text = text[plural.select(values.n)] || text.other;
  return text.replace(/\{(\w+)\}/g, (_, name) => {
    const value = values[name] ?? places[name];
    return typeof value === "number" ? value.toLocaleString(locale.region) : value === undefined ? "" : value;
  });
}
