// Keeps the page itself, so that it opens without the router and says since when that is away. Never what the router answers:
// nothing of /api is stored. A browser runs this over a certificate that it trusts only.

const SHELL = "shell";
const VIEWS = ["/", "/me", "/history", "/protection", "/privacy", "/devices", "/account"];
const HASHED = /"(\/[^"]+-[0-9a-f]{12}\.\w+)"/g;

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

self.addEventListener("fetch", (event) => {
  const { pathname, origin } = new URL(event.request.url);
  if (event.request.method !== "GET" || origin !== location.origin || pathname.startsWith("/api/")) return;
  if (VIEWS.includes(pathname)) event.respondWith(page(event.request));
  else if (/-[0-9a-f]{12}\.\w+$/.test(pathname)) event.respondWith(part(event.request));
});

/** The newest one; without the router the one that was kept. */
async function page(request) {
  const shell = await caches.open(SHELL);
  try {
    const answer = await fetch(request);
    if (answer.ok) await keep(shell, answer.clone());
    return answer;
  } catch (error) {
    const kept = await shell.match("/");
    if (!kept) throw error;
    return kept;
  }
}

/** What has its hash in its name never changes. */
async function part(request) {
  const shell = await caches.open(SHELL);
  const kept = await shell.match(request);
  if (kept) return kept;
  const answer = await fetch(request);
  if (answer.ok) await shell.put(request, answer.clone());
  return answer;
}

/** The page and its parts; those of an earlier version go. */
async function keep(shell, answer) {
  const text = await answer.clone().text();
  const named = [...text.matchAll(HASHED)].map((found) => found[1]);
  await shell.put("/", answer);
  for (const old of await shell.keys()) {
    const { pathname } = new URL(old.url);
    if (pathname !== "/" && !named.includes(pathname)) await shell.delete(old);
  }
}
