// Words from one catalogue file a language; a new language is a new file in text/ and a line here.

export const LANGUAGES = { en: "English", de: "Deutsch" };

let words = {};
let plural = new Intl.PluralRules("en");
// The region decides about 14:02 or 2:02 pm.
export const locale = { language: "en", region: "en" };
let collator = new Intl.Collator("en", { numeric: true });
/** As people order names: "Device 2" before "Device 10". */
export const byName = (one, other) => collator.compare(one, other);

export async function loadLanguage() {
  const wanted = [stored(), ...navigator.languages.map((one) => one.slice(0, 2)), "en"];
  const language = wanted.find((one) => one in LANGUAGES);
  const region = navigator.languages.find((one) => one.startsWith(language)) || language;
  Object.assign(locale, { language, region });
  words = await (await fetch(textOf(language))).json();
  plural = new Intl.PluralRules(language);
  collator = new Intl.Collator(region, { numeric: true });
  document.documentElement.lang = language;
}

export function chooseLanguage(code) {
  try {
    localStorage.setItem("language", code);
  } catch {
    // A browser that keeps nothing: its own language stays.
  }
  location.reload();
}

/** The address of a catalogue: index.html names it with its content's hash, so that it is fetched once. */
const textOf = (language) => {
  const named = document.querySelector(`link[data-text="${language}"]`);
  return named ? named.getAttribute("href") : `/text/${language}.json`;
};

function stored() {
  try {
    return localStorage.getItem("language");
  } catch {
    return null;
  }
}

/** A sentence of the router in the reader's language. One that was changed since shows as the router says it: true comes first. */
export const said = (sentence) => words[sentence] || filled(sentence) || sentence;

// Sentences with something in them stand in the catalogue with {} in its place: "no device {}".
function filled(sentence) {
  for (const [key, text] of Object.entries(words)) {
    if (!key.includes("{}") || typeof text !== "string") continue;
    const found = sentence.match(new RegExp("^" + key.split("{}").map(literal).join("(.+?)") + "$"));
    if (found) return found.slice(1).reduce((made, part) => made.replace("{}", () => said(part)), text);
  }
  return null;
}

const literal = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");

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
