// The shell: who is here, which view, and keeping it live.

import { get, loadSession, onSignedOut, Problem, session } from "./lib/api.js";
import { h, render } from "./lib/dom.js";
import { entry } from "./views/entry.js";
import { loadLanguage, sentences, t } from "./lib/i18n.js";
import { icon } from "./lib/icons.js";
import { follow, unfollow } from "./lib/live.js";
import { watchConnection } from "./lib/offline.js";
import { keepShell } from "./lib/shell.js";
import { hear } from "./protection/lookalikes.js";
import { say } from "./lib/ui.js";
import { VIEWS } from "./views.js";

const root = document.getElementById("app");
const MOST = 99;
const PARTS = ["times", "content", "minutes", "week"]; // what a person's page opens, see views/part.js
let current = null;
let waiting = 0; // requests and messages without a reply, shown on every view

const here = () => VIEWS.find((one) => one.path === location.pathname) || VIEWS[0];

function go(path) {
  window.history.pushState(null, "", path);
  open(true);
}

async function start() {
  const own = location.pathname === "/me";
  // Opened from what the browser keeps, while the router is away: begun anew when it answers.
  watchConnection(
    () => get("/session"),
    () => location.reload(),
  );
  keepShell();
  await Promise.all([loadLanguage(), own ? null : loadSession()]);
  watchConnection(
    () => get("/session"),
    () => location.pathname !== "/me" && open(),
  );
  document.title = t("product");
  if (own) return (await more()).me(root);
  onSignedOut(() => {
    session.signed_in = false;
    open();
  });
  addEventListener("popstate", () => open(true));
  document.addEventListener("click", (event) => {
    const link = event.target instanceof Element && event.target.closest("a[data-go]");
    if (!link || event.metaKey || event.ctrlKey) return;
    event.preventDefault();
    go(link.getAttribute("href"));
  });
  open();
}

/** The other views, and the router's sentences, which they show. */
const more = async () => (await Promise.all([import("./more.js"), sentences()]))[0].MORE;

async function open(moved = false) {
  if (!session.signed_in || session.kind !== "household") {
    unfollow();
    current = null;
    return entry(root, () => open());
  }
  const view = here();
  const query = new URLSearchParams(location.search);
  const part = view.make && PARTS.includes(query.get("part"));
  const make = part ? (await more()).part : view.make || (await more())[view.name];
  if (view !== here()) return;
  const made = make({ redraw, query, go });
  current = made;
  root.dataset.view = view.name;
  shell(view, [h("div.loading", { role: "status" }, t("loading"))]);
  const refresh = async () => {
    await Promise.all([made.load(), count()]);
    made.ready = true;
    if (current === made) redraw();
  };
  // Before the first load: what changes meanwhile is looked at once more.
  follow(
    "/events",
    (kinds) => current === made && [...made.wants, "request"].some((kind) => kinds.has(kind)) && refresh().catch(say),
    warn,
  );
  try {
    await refresh();
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    if (current === made) shell(view, [h("div.loading", { role: "alert" }, error.sentence)]);
    return;
  }
  if (current !== made) return;
  if (moved) {
    // A screen reader goes on at the new view's title; after the first load the browser's own order stands.
    const title = root.querySelector("h1");
    if (title) title.focus({ preventScroll: true });
    scrollTo(0, 0);
  }
  document.title = `${t("nav." + view.name)} · ${t("product")}`;
}

async function count() {
  const { items, next } = await get("/requests", { state: "open", limit: MOST }).catch(() => ({ items: [] }));
  waiting = next ? `${MOST}+` : items.length;
}

function warn(event) {
  hear(event);
  redraw();
}

function redraw() {
  if (current && current.ready) shell(here(), current.draw());
}

function shell(view, content) {
  render(root, [
    h("a.skip", { href: "#main" }, t("skip")),
    h(
      "header.top",
      h("a.brand", { href: "/", "data-go": true }, icon("shield"), h("span", t("product"))),
      h(
        "nav.nav",
        { "aria-label": t("nav.label") },
        VIEWS.map((one) =>
          h(
            "a.nav-item",
            {
              key: "nav-" + one.name,
              href: one.path,
              "data-go": true,
              "aria-current": one === view ? "page" : null,
            },
            icon(one.picture),
            h("span", t("nav." + one.name)),
            one === VIEWS[0] && waiting
              ? h(
                  "span.count",
                  h("span.hidden", t("requests.waiting", { n: waiting })),
                  h("span", { "aria-hidden": "true" }, String(waiting)),
                )
              : null,
          ),
        ),
      ),
    ),
    h("main.main", { id: "main", key: "view-" + view.name, tabindex: "-1" }, content),
  ]);
}

start().catch((error) => {
  render(root, [h("p.message", t("problem.unreachable"))]);
  throw error;
});
