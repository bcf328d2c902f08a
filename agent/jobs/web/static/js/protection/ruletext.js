// Your rules as a text: exported as a file, and imported after all of it was checked.

import { all, keep, post } from "../lib/api.js";
import { h } from "../lib/dom.js";
import { asked } from "./explain.js";
import { series, t, told } from "../lib/i18n.js";
import { button, choice, field, form, say, sheet, toast } from "../lib/ui.js";

// What `privacy-agent rule export` writes above the rules.
const HEAD = [
  "# Rules of Privacy Agent, as privacy-agent rule export wrote them; privacy-agent rule import reads them.",
  "# ACTION NAME [until TIME] [for device LABEL | for person NAME]",
];
const SIZE_MAX = 4 << 20; // more than the most rules that there can be, with as many comments
// Of one request, within what the router takes at once.
const LINES_MAX = 100;
const BYTES_MAX = 12000;
const LINE_MAX = 500; // what is longer than any rule is cut: it stays wrong
const COMPLAINTS_SHOWN = 20;

export async function saveText() {
  try {
    const lines = await all("/rules/text");
    keep(new Blob([[...HEAD, ...lines, ""].join("\n")], { type: "text/plain" }), "privacy-agent-rules.txt");
  } catch (error) {
    say(error);
  }
}

/** A sheet that takes a file or pasted lines, says what would be, and adds them when told to. */
export function readText(reload) {
  const state = { found: null, error: null, turn: 0 };
  return sheet(t("ruletext.read"), (close, redraw) => [
    h("p", t("ruletext.text")),
    form(
      { key: "rule-text", oninput: () => forget(state, redraw) },
      async (values) => {
        const turn = forget(state, redraw);
        const told = await lookThrough(values);
        if (turn !== state.turn) return;
        Object.assign(state, told);
        redraw();
      },
      field({ name: "file", id: "rules-file", label: t("ruletext.file"), type: "file", accept: ".txt,text/plain" }),
      h(
        "div.field",
        { key: "field-lines" },
        h("label", { for: "rules-lines" }, t("ruletext.lines")),
        h("textarea", { id: "rules-lines", name: "lines", rows: 4, spellcheck: "false", autocapitalize: "off" }),
      ),
      choice({
        name: "bare",
        id: "rules-bare",
        label: t("ruletext.bare"),
        value: "",
        options: ["", "block", "allow"].map((one) => [one, t("ruletext.bare_" + (one || "wrong"))]),
      }),
      h("div.actions.left", h("button.button.plain", { type: "submit" }, h("span", t("ruletext.look")))),
    ),
    h(
      "div",
      { role: "status", key: "rules-found" },
      state.error ? h("p.error", state.error) : null,
      state.found ? verdict(state.found, () => add(state, close, reload, redraw)) : null,
    ),
  ]);
}

// What was looked through, or is just now, is not what would be added any more.
function forget(state, redraw) {
  if (state.found || state.error) {
    Object.assign(state, { found: null, error: null });
    redraw();
  }
  return ++state.turn;
}

/** What was `found` in the text of the form, or the `error` that says why there is none. */
async function lookThrough(values) {
  try {
    return { found: await preview(chunked(await textOf(values), values.bare)) };
  } catch (error) {
    if (!error.sentence) throw error;
    return { error: error.sentence };
  }
}

/** The text of the form; an Error with a sentence when it can be none. */
async function textOf({ file, lines }) {
  if ((file.size || lines.length) > SIZE_MAX) throw wrong("ruletext.too_large");
  if (!file.size) return lines;
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(await file.arrayBuffer());
  } catch {
    throw wrong("ruletext.not_text");
  }
}

const wrong = (key) => Object.assign(new Error(key), { sentence: t(key) });

/** What would become of a text, as a sum over its chunks. */
async function preview(chunks) {
  const found = { chunks, rules: 0, new: 0, over: 0, room: Infinity, complaints: [], wide: [] };
  for (const { start, body } of chunks) {
    const reply = await post("/rules/text", { ...body, preview: true });
    for (const key of ["rules", "new", "over"]) found[key] += reply[key];
    found.room = Math.min(found.room, reply.room);
    found.wide.push(...reply.wide);
    found.complaints.push(...reply.complaints.map((one) => ({ ...one, line: start + one.line })));
  }
  return found;
}

// The name of a rule may be written in letters of any script; a comment stays one.
const inAscii = (line) =>
  /^\s*#/.test(line)
    ? line
    : line.replace(/^(\s*(?:(?:allow|block)\s+)?(?:\*?\.)?)(\S+)/, (_, before, name) => before + asked(name));

/** Requests for all lines; `start` is the number of the first one, from 1. */
function chunked(text, bare) {
  const chunks = [];
  let size = Infinity;
  text.split(/\r\n|\r|\n/).forEach((whole, at) => {
    const line = inAscii(whole.slice(0, LINE_MAX)).slice(0, LINE_MAX);
    const bytes = new Blob([JSON.stringify(line)]).size + 1;
    let last = chunks.at(-1);
    if (size + bytes > BYTES_MAX || last.body.lines.length === LINES_MAX) {
      last = { start: at + 1, body: bare ? { lines: [], action: bare } : { lines: [] } };
      chunks.push(last);
      size = 0;
    }
    last.body.lines.push(line);
    size += bytes;
  });
  return chunks;
}

function verdict(found, addThem) {
  if (found.complaints.length) return complaints(found.complaints);
  if (found.new > found.room) return h("p.error", t("ruletext.room", { room: found.room, n: found.new }));
  const known = found.rules - found.new;
  return [
    h(
      "p",
      [
        found.new ? t("ruletext.new", { n: found.new }) : null,
        known ? t("ruletext.known", { n: known }) : null,
        found.over ? t("ruletext.over", { n: found.over }) : null,
        found.wide.length ? t("ruletext.wide", { names: series(found.wide) }) : null,
        found.rules ? null : t("ruletext.empty"),
      ]
        .filter(Boolean)
        .join(" "),
    ),
    found.rules ? h("div.actions", button(t("ruletext.add", { n: found.rules }), addThem, { tone: "primary" })) : null,
  ];
}

const complaints = (rows) => [
  h("p.error", t("ruletext.wrong", { n: rows.length })),
  h(
    "ul.plain-list",
    rows
      .slice(0, COMPLAINTS_SHOWN)
      .map((one) => h("li", t("ruletext.line", { line: one.line, message: told(one, "message") }))),
    rows.length > COMPLAINTS_SHOWN ? h("li", t("ruletext.more", { n: rows.length - COMPLAINTS_SHOWN })) : null,
  ),
];

async function add(state, close, reload, redraw) {
  const { chunks, rules } = state.found;
  try {
    for (const { body } of chunks) await post("/rules/text", body);
    close();
    toast(t("ruletext.done", { n: rules }));
  } catch (error) {
    Object.assign(state, { found: null, error: error.sentence });
    redraw();
  }
  await reload();
}
