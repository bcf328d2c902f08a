// The lists in use, which to fetch, updates that wait, and the names that no list touches.

import { get, post, put } from "../lib/api.js";
import { category, tone } from "./categories.js";
import { h } from "../lib/dom.js";
import { said, t, told } from "../lib/i18n.js";
import { ownListForm, removeOwn } from "./ownlists.js";
import { when } from "../lib/time.js";
import { button, card, say, sheet, toast, toggle } from "../lib/ui.js";

export const listsCard = ({ lists, feeds, progress, previous }, reload) =>
  card(
    { key: "lists", class: "flush" },
    h("h2.group", t("lists.title")),
    lists.length
      ? h(
          "ul.rows",
          lists.map((one) =>
            h(
              "li.row",
              { key: "list-" + one.id + one.category },
              h(
                "span.row-main",
                h("span.named", h("strong", one.name), h("span.badge." + tone(one.category), category(one.category))),
                h(
                  "span.soft",
                  [
                    t("lists.rules", { n: one.rules || 0 }),
                    unused(one) ? t("lists.unused", { n: unused(one) }) : null,
                    one.loaded_at ? t("lists.loaded", { when: when(one.loaded_at) }) : null,
                    t("lists.state_" + one.state, {}, ""),
                  ]
                    .filter(Boolean)
                    .join(" · "),
                ),
              ),
            ),
          ),
        )
      : h("p.nothing", t("lists.empty")),
    progress.running
      ? h(
          "div.pad",
          { key: "progress", role: "status" },
          h("p", t("lists.step_" + progress.step, { name: progress.name })),
          h("progress", {
            max: progress.total || 1,
            value: progress.done,
            "aria-label": t("lists.update"),
          }),
        )
      : null,
    progress.message && !progress.running ? h("p.care-text.pad", { role: "status" }, told(progress, "message")) : null,
    h(
      "div.actions.left.pad",
      progress.running === null
        ? null
        : button(t("lists.update"), () => ask(() => post("/lists/update"), "lists.started", reload), {
            tone: "plain",
            picture: "refresh",
          }),
      feeds.length ? button(t("lists.choose"), () => choose(feeds, reload), { tone: "plain", picture: "edit" }) : null,
      previous
        ? button(t("lists.rollback"), () => ask(() => post("/lists/rollback"), "lists.rolled_back", reload), {
            tone: "plain",
          })
        : null,
      button(t("helplines.open"), helplines, { tone: "plain", picture: "speak" }),
    ),
  );

const unused = ({ skipped }) => Object.values(skipped || {}).reduce((sum, count) => sum + count, 0);

/** Updates that wait for a decision. */
export const heldCards = (feeds, reload) =>
  feeds
    .filter((one) => one.held)
    .map((one) =>
      card(
        { key: "held-" + one.id, class: "answer care" },
        h("h2", t("lists.waiting", { name: one.name })),
        h("p", told(one.held, "reason")),
        h("p.soft", t("lists.waiting_what", { version: one.held.version, n: one.held.rules })),
        h(
          "div.actions.left",
          button(
            t("lists.accept"),
            () => ask(() => post(`/lists/${one.id}/decision`, { decision: "accept" }), "saved", reload),
            { tone: "plain small" },
          ),
          button(
            t("lists.reject"),
            () => ask(() => post(`/lists/${one.id}/decision`, { decision: "reject" }), "saved", reload),
            { tone: "plain small" },
          ),
        ),
      ),
    );

async function ask(act, done, reload) {
  try {
    await act();
    toast(t(done));
  } catch (error) {
    say(error);
  }
  await reload().catch(say);
}

function choose(feeds, reload) {
  let form;
  return sheet(t("lists.choose"), (close, again) => {
    const changed = async () => {
      await reload();
      feeds = (await get("/lists")).feeds;
      again();
    };
    form = form || ownListForm(changed, again);
    return [h("p.soft", t("lists.choose_text")), rows(feeds, changed), form()];
  });
}

const rows = (feeds, changed) =>
  h(
    "ul.rows",
    feeds.map((one) =>
      h(
        "li",
        { key: "feed-" + one.id },
        toggle({
          key: one.id,
          label: one.name,
          on: one.chosen,
          tone: "teal",
          note: [said(one.for), category(one.category), one.licence, told(one, "message")].filter(Boolean).join(" · "),
          onchange: (on) => ask(() => put("/lists/" + one.id, { on }), "saved", changed),
        }),
        one.own ? removeOwn(one, changed) : null,
      ),
    ),
  );

async function helplines() {
  const page = await get("/helplines").catch(say);
  if (page)
    await sheet(t("helplines.title"), () => [
      h("p.soft", t("helplines.text")),
      h(
        "ul.rows",
        page.items.map((one) =>
          h("li.row", h("span.row-main", h("strong.site", one.name), h("span.soft", said(one.note)))),
        ),
      ),
    ]);
}
