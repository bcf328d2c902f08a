// What a person or device may reach: kinds of sites, apps with their times, safe search, YouTube, and names that stay open.

import { get, inTurn, put, whole } from "../lib/api.js";
import { attempt, formSheet, Wrong } from "../lib/form.js";
import { h } from "../lib/dom.js";
import { byName, locale, series, t } from "../lib/i18n.js";
import { icon } from "../lib/icons.js";
import { when } from "../lib/time.js";
import { button, card, choice, field, fold, form, heading, say, searchField, textarea, toast, toggle } from "../lib/ui.js";
import { DAYS, minutesOf, SCHOOL, timeText, timeWords, daysWords } from "../lib/week.js";
import { asked, reason } from "../protection/explain.js";
import { whose } from "./internet.js";

const MODES = ["free", "block", "only", "not"];
const DAY_SETS = { all: DAYS, school: SCHOOL, weekend: DAYS.slice(5) };
const FIRST = { begin: 960, end: 1080 };

const titled = (row) => (typeof row.title === "object" ? row.title[locale.language] || row.title.en : row.title) || row.id;

/** A pasted address is the name of its site. */
function hostOf(typed) {
  try {
    return new URL(typed.includes("://") ? typed : "http://" + typed).hostname;
  } catch {
    return typed;
  }
}

/** `about()` gives the owner; `back` is the address of their page. */
export function content({ redraw, about, back }) {
  const state = { content: null, categories: [], services: [], busy: null, answer: null, name: "", search: "", trouble: "" };

  const load = inTurn(async () => {
    const [own, categories, services] = await Promise.all([
      get(whose(about()).path + "/content"),
      get("/categories"),
      get("/services"),
    ]);
    Object.assign(state, {
      content: own,
      categories: categories.items,
      trouble: services.trouble,
      services: services.items.sort((one, other) => byName(titled(one), titled(other))),
    });
  });

  async function reload() {
    await load().catch(say);
    redraw();
  }

  let turn = Promise.resolve();

  /** `change` makes the new values of the present ones when the earlier changes have come back: two quick ones are both made. */
  function save(change, busy) {
    turn = turn.catch(() => {}).then(() => saveNow(change, busy));
    return turn;
  }

  async function saveNow(change, busy) {
    state.busy = busy;
    redraw();
    try {
      await put(whose(about()).path + "/content", { ...change(state.content), version: state.content.version });
    } catch (error) {
      if (!busy) throw error;
      say(error);
    } finally {
      state.busy = null;
    }
    await reload();
  }

  function draw() {
    const owner = about();
    const { label } = whose(owner);
    return [
      h("a.back", { href: back, "data-go": true }, icon("back"), label),
      heading(t("content.title", { who: label })),
      h("p.soft", t("content.nothing_recorded")),
      preset(owner),
      categoriesCard(),
      appsCard(),
      searchCard(),
      namesCard("always"),
      namesCard("homework"),
      tryCard(),
    ];
  }

  const categoryName = (row) => t("category." + row.id, {}, titled(row));

  /** What is suggested for the age, as a list that one tap takes over. */
  function preset({ person }) {
    const proposed = person ? state.categories.filter((one) => (one.proposed || []).includes(person.group)) : [];
    const missing = proposed.filter((one) => !state.content.categories.includes(one.id));
    if (!missing.length) return null;
    return card(
      { key: "preset" },
      h("h2", t("content.preset", { group: t("group." + person.group) })),
      h("p", series(proposed.map(categoryName))),
      h(
        "div.actions.left",
        button(t("content.preset_use"), () => save((own) => ({ categories: [...new Set([...own.categories, ...proposed.map((one) => one.id)])] }), "preset"), {
          tone: "primary",
          "aria-busy": state.busy === "preset" ? "true" : null,
        }),
      ),
    );
  }

  const categoriesCard = () =>
    card(
      { key: "categories" },
      h("h2", t("content.categories")),
      state.categories.every((row) => row.updated) ? null : h("p.hint", whole(t("content.not_loaded"))),
      state.categories.map((row) => {
        const on = state.content.categories.includes(row.id);
        return toggle({
          key: "category-" + row.id,
          label: categoryName(row),
          on,
          busy: state.busy === row.id,
          note: state.busy === row.id ? t("wait") : listOf(row),
          tone: "teal",
          onchange: (to) =>
            save((own) => ({ categories: [...own.categories.filter((one) => one !== row.id), ...(to ? [row.id] : [])] }), row.id),
        });
      }),
    );

  const listOf = (row) =>
    [
      row.count ? t("content.names", { n: row.count }) : null,
      row.updated ? t("lists.loaded", { when: when(row.updated) }) : null,
      !row.updated && state.content.categories.includes(row.id) ? t("content.loading") : null,
    ]
      .filter(Boolean)
      .join(" · ");

  const ruleOf = (service) => state.content.services.find((one) => one.id === service.id);

  function appsCard() {
    const wanted = state.search.trim().toLowerCase();
    const shown = state.services.filter((one) => titled(one).toLowerCase().includes(wanted));
    const groups = [...new Set(shown.map((one) => one.group))];
    return card(
      { key: "apps" },
      h("h2", t("content.apps")),
      h("p.soft", state.services.length ? t("content.apps_text") : t("content.no_apps")),
      searchField(t("content.apps_search"), state.search, (text) => {
        state.search = text;
        redraw();
      }),
      groups.map((group) => [
        h("h3.subgroup.plain", t("category." + group, {}, group)),
        h("div.apps", shown.filter((one) => one.group === group).map(app)),
      ]),
    );
  }

  function app(service) {
    const rule = ruleOf(service);
    return h(
      "button.app",
      { key: "app-" + service.id, type: "button", class: rule ? rule.mode : "", onclick: () => editApp(service) },
      h("strong", titled(service)),
      h("span.soft", appWords(rule)),
    );
  }

  function appWords(rule) {
    if (!rule) return t("content.free");
    if (rule.mode === "block") return t("content.block");
    const times = (rule.windows || []).map((one) => `${daysWords(one.days.split(","))} ${timeWords(minutesOf(one.begin))}–${timeWords(minutesOf(one.end))}`);
    return t(`content.${rule.mode}_at`, { times: series(times) });
  }

  /** Free, blocked, only at times or not at times; one stretch of time here, more stay as they are. */
  const editApp = (service) => {
    const rule = ruleOf(service);
    const first = rule && rule.windows && rule.windows[0];
    const mode = { now: rule ? rule.mode : "free" };
    return formSheet(titled(service), {
      names: ["begin", "end"],
      go: t("save"),
      submit: async (values) => {
        const made = values.mode === "free" ? [] : [{ id: service.id, mode: values.mode, windows: timed(values.mode) ? [windowOf(values)] : [] }];
        await save((own) => ({ services: [...own.services.filter((one) => one.id !== service.id), ...made] }));
        toast(t("saved"));
      },
      build: (at) => [
        choice({
          name: "mode",
          label: t("content.mode"),
          value: mode.now,
          options: MODES.map((one) => [one, t("content.mode_" + one)]),
        }),
        choice({
          name: "days",
          label: t("content.days"),
          value: daySet(first),
          options: Object.keys(DAY_SETS).map((one) => [one, t("content.days_" + one)]),
          hint: t("content.days_hint"),
        }),
        h(
          "div.pair",
          field({ name: "begin", id: "app-begin", label: t("times.begin"), value: first ? first.begin : timeText(FIRST.begin), error: at("begin") }),
          field({ name: "end", id: "app-end", label: t("times.end"), value: first ? first.end : timeText(FIRST.end), error: at("end") }),
        ),
        ["whatsapp", "telegram"].includes(service.id) ? h("p.hint", t("content.no_names")) : null,
      ],
    });
  };

  const timed = (mode) => mode === "only" || mode === "not";
  const daySet = (window) => (window && Object.keys(DAY_SETS).find((one) => DAY_SETS[one].join() === window.days)) || "all";

  function windowOf(values) {
    const times = ["begin", "end"].map((name) => {
      const minutes = minutesOf(values[name]);
      if (minutes === null) throw new Wrong(name, t("times.no_time"));
      return timeText(minutes);
    });
    return { days: DAY_SETS[values.days].join(","), begin: times[0], end: times[1] };
  }

  const searchCard = () =>
    card(
      { key: "search" },
      h("h2", t("content.search")),
      modeChoice("search", ["off", "on", "strict"]),
      h("p.hint", t("content.search_hint")),
      modeChoice("youtube", ["off", "moderate", "strict"]),
      h("p.hint", t("content.youtube_hint")),
      h(
        "p.hint",
        t("content.check"),
        " ",
        [
          ["https://www.google.com/safesearch", "google.com/safesearch"],
          ["https://www.youtube.com/check_content_restrictions", "youtube.com/check_content_restrictions"],
        ].map(([href, text]) => [h("a", { href, target: "_blank", rel: "noreferrer noopener" }, text), " "]),
      ),
    );

  const modeChoice = (name, modes) =>
    choice({
      name,
      label: t("content.label_" + name),
      value: state.content[name],
      options: modes.map((mode) => [mode, t(`content.${name}_${mode}`)]),
      onchange: (mode) => save(() => ({ [name]: mode }), name),
    });

  const forms = Object.fromEntries(
    ["always", "homework"].map((which) => [
      which,
      attempt(
        () => redraw(),
        async (values) => {
          const names = values[which].split(/[\s,;]+/).filter(Boolean).map(hostOf);
          await save(() => ({ [which]: names }));
          toast(t("saved"));
        },
      ),
    ]),
  );

  function namesCard(which) {
    const own = forms[which];
    const names = state.content[which] || [];
    return fold(
      t("content." + which),
      { key: which },
      h("p.soft", t(`content.${which}_text`)),
      form(
        { key: which + "-form" },
        own.run,
        textarea({ name: which, label: t("content.one_a_line"), rows: 4, autocapitalize: "off", spellcheck: "false", error: own.at(which), value: names.join("\n") }),
        own.other(which),
        h("div.actions.left", h("button.button.plain", { type: "submit" }, h("span", t("save")))),
      ),
    );
  }

  const trying = attempt(
    () => redraw(),
    async ({ name }) => {
      const typed = asked(name);
      if (!typed) throw new Wrong("name", t("request.site_missing"));
      state.answer = await get("/explanation", { name: typed, ...whose(about()).body });
      state.name = typed;
      redraw();
    },
  );

  const tryCard = () =>
    card(
      { key: "try" },
      h("h2", t("content.try")),
      form(
        { key: "try-form" },
        trying.run,
        h(
          "div.inline",
          field({ name: "name", id: "try-name", label: t("ask.name"), inputmode: "url", autocapitalize: "off", spellcheck: "false", error: trying.at("name") }),
          h("button.button.plain", { type: "submit" }, h("span", t("content.try_go"))),
        ),
        trying.other("name"),
      ),
      state.answer
        ? h(
            "div.answer",
            { class: state.answer.verdict === "block" ? "care" : "fine", role: "status" },
            h("strong", state.name),
            h("p", reason(state.answer)),
          )
        : null,
    );

  return { load, draw, wants: ["limits", "lists"] };
}
