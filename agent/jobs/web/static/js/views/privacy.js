// What is read, kept and sent; the ledger; the proof; taking it along and erasing it.

import { fetchFile, get, inTurn, keep, post, search } from "../lib/api.js";
import { changed } from "../privacy/changed.js";
import { copyPart, loadCopy } from "../privacy/copy.js";
import { confirmed } from "../lib/confirm.js";
import { h } from "../lib/dom.js";
import { byName, said, t } from "../lib/i18n.js";
import { icon } from "../lib/icons.js";
import { eraseAfterAsking, facts } from "../people/switches.js";
import { noticeText } from "../privacy/notice.js";
import { receivers } from "../privacy/rights.js";
import { loadReports, reportsCard } from "../privacy/reports.js";
import { loadWeekFile, weekFileCard } from "../privacy/weekfile.js";
import { RETENTION, setting } from "../privacy/settings.js";
import { when } from "../lib/time.js";
import { button, card, choice, field, fold, form, heading, say } from "../lib/ui.js";

const PAGE = 30;

export function privacy({ redraw }) {
  const state = {
    problems: new Map(),
    features: [],
    notice: null,
    recipients: [],
    devices: [],
    people: [],
    settings: [],
    ledger: [],
    after: null,
    audit: null,
    auditing: false,
  };

  const load = inTurn(async () => {
    const [features, notice, recipients, devices, settings, status] = await Promise.all([
      get("/features"),
      get("/notice"),
      get("/recipients").catch(() => ({ items: [] })),
      get("/devices"),
      get("/settings"),
      get("/status"),
    ]);
    Object.assign(state, {
      features: features.items,
      notice,
      recipients: recipients.items,
      devices: devices.items.sort((one, other) => byName(one.label, other.label)),
      settings: settings.items,
      status,
    });
    state.reports = await loadReports().catch(() => null);
    state.copy = await loadCopy().catch(() => null);
    state.weekFile = await loadWeekFile().catch(() => null);
    await loadLedger();
  });

  // Newest first: the listing goes upwards, so the last page is asked for.
  async function loadLedger() {
    const rows = [];
    let after;
    do {
      const page = await get("/ledger", { limit: 200, after });
      rows.push(...page.items);
      after = page.next;
    } while (after && rows.length < 4000);
    state.ledger = rows.reverse();
  }

  const draw = () => [
    heading(t("privacy.title")),
    takeAlong(),
    eraseCard(),
    proof(),
    h("div.columns-2", state.features.map(feature)),
    leaving(),
    state.weekFile ? weekFileCard(state.weekFile, reload) : null,
    state.reports ? reportsCard(state.reports, reload) : null,
    keeping(),
    ledger(),
    notice(),
  ];

  function proof() {
    const { audit } = state;
    return card(
      { key: "proof", class: audit ? (audit.ok ? "proof fine" : "proof care") : "proof" },
      h("h2", t("check.title")),
      h("p", t("check.text")),
      audit
        ? h(
            "div.proof-result",
            { role: "status" },
            h("p.proof-line", icon(audit.ok ? "check" : "warn"), h("strong", t(audit.ok ? "check.ok" : "check.bad"))),
            h("p", t("check.checked", { n: audit.rows_checked, ledger: audit.ledger_rows })),
            audit.findings.length
              ? h(
                  "ul",
                  audit.sentences.map((one) => h("li", said(one))),
                )
              : null,
            h("p.soft", t("check.head")),
            h("code.hash", audit.head),
          )
        : null,
      form(
        { key: "proof-form" },
        (values) => prove(values.head),
        h(
          "details",
          h("summary", t("check.earlier")),
          field({
            name: "head",
            label: t("check.earlier_label"),
            hint: t("check.earlier_hint"),
            autocapitalize: "off",
            spellcheck: "false",
            maxlength: 64,
          }),
        ),
        h(
          "div.actions.left",
          h(
            "button.button.primary",
            { type: "submit", "aria-busy": state.auditing ? "true" : null },
            icon("check"),
            h("span", t(state.auditing ? "wait" : "check.go")),
          ),
        ),
      ),
    );
  }

  async function prove(head) {
    state.auditing = true;
    redraw();
    try {
      state.audit = await post("/audit", head ? { head: head.trim() } : {});
    } catch (error) {
      say(error);
    }
    state.auditing = false;
    redraw();
  }

  const feature = (row) => fold(t("feature." + row.name), { key: "feature-" + row.name }, facts(row));

  const leaving = () =>
    fold(
      t("leaving.title"),
      { key: "leaving" },
      h("p", t("leaving.text")),
      h(
        "ul.plain-list",
        receivers(state.recipients),
      ),
      h("p.soft", t("leaving.cookie")),
    );

  const whose = (name) =>
    choice({
      name,
      label: t("whose"),
      value: "all",
      options: [["all", t("whose.all")], ...state.devices.map((one) => ["device-" + one.id, one.label])],
    });
  const chosen = (value) => (value === "all" ? { all: true } : { device_id: Number(value.slice(7)) });

  const takeAlong = () =>
    card(
      { key: "export" },
      h("h2", t("export.title")),
      h("p.soft", t("export.text")),
      form(
        { key: "export-form" },
        download,
        h(
          "div.pair",
          whose("export-whose"),
          choice({
            name: "format",
            label: t("export.format"),
            value: "json",
            options: [
              ["json", t("export.json")],
              ["csv-visit", t("export.visits")],
              ["csv-attempt", t("export.attempts")],
            ],
          }),
        ),
        h(
          "div.actions.left",
          h("button.button.plain", { type: "submit" }, icon("download"), h("span", t("export.go"))),
        ),
      ),
    );

  async function download(values) {
    const [format, table] = values.format.split("-");
    try {
      const file = await confirmed(() =>
        fetchFile("GET", "/export" + search({ ...chosen(values["export-whose"]), format, table })),
      );
      if (file) keep(file, "privacy-agent." + format);
    } catch (error) {
      say(error);
    }
  }

  const eraseCard = () =>
    card(
      { key: "erase" },
      h("h2", t("delete.card")),
      h("p.soft", t("delete.card_text")),
      form(
        { key: "erase-form" },
        erase,
        h(
          "div.pair",
          whose("erase-whose"),
          choice({
            name: "feature",
            label: t("delete.what"),
            value: "",
            options: [
              ["", t("delete.both")],
              ["history", t("feature.history")],
              ["protection", t("feature.protection")],
            ],
          }),
        ),
        h("div.actions.left", h("button.button.danger", { type: "submit" }, icon("trash"), h("span", t("delete.ask")))),
      ),
    );

  async function erase(values) {
    const what = { ...chosen(values["erase-whose"]), ...(values.feature ? { feature: values.feature } : {}) };
    await eraseAfterAsking(what);
  }

  const keeping = () => {
    const shown = state.settings.filter((one) => RETENTION.includes(one.key));
    return shown.length
      ? fold(
          t("storing.title"),
          { key: "keeping" },
          shown.map((one) => setting(one, state.problems, reload)),
          state.copy ? copyPart(state.copy, reload) : null,
        )
      : null;
  };

  async function reload() {
    await load().catch(say);
    redraw();
  }

  const label = (row) =>
    (row.device_id ? (state.devices.find((one) => one.id === row.device_id) || {}).label : null) ||
    t("device.gone_named", { id: row.enrolment.slice(0, 6) });

  const ledger = () =>
    fold(
      t("activity.title"),
      { key: "ledger", flush: true },
      h("p.soft.pad", t("activity.text")),
      h(
        "ol.rows.ledger",
        state.ledger
          .slice(0, state.shown || PAGE)
          .map((row) =>
            h(
              "li.row",
              { key: "row-" + row.seq },
              h(
                "span.row-main",
                h(
                  "span",
                  h("strong", t("activity." + row.action, {}, row.action)),
                  row.feature ? " " + t("feature." + row.feature) : "",
                  row.enrolment ? " · " + label(row) : "",
                ),
                changed(row.detail) ? h("span", changed(row.detail)) : null,
                h("span.soft", `${when(row.at)} · ${actor(row.actor)}`),
              ),
              h("code.soft", { title: row.hash }, row.hash.slice(0, 8)),
            ),
          ),
      ),
      state.ledger.length > (state.shown || PAGE)
        ? button(
            t("more"),
            () => {
              state.shown = (state.shown || PAGE) + 100;
              redraw();
            },
            { tone: "plain wide" },
          )
        : null,
    );

  const actor = (name) => t("actor." + name.split(":")[0], {}, name);

  const notice = () => fold(t("notice.title"), { key: "notice" }, noticeText(state.notice));

  return { load, draw, wants: ["status", "device", "ledger", "report"] };
}
