// The addresses of the page and what shows at each. Only the first view is part of what is loaded at once: see more.js.

import { overview } from "./views/overview.js";

export const VIEWS = [
  { path: "/", name: "overview", picture: "home", make: overview },
  { path: "/history", name: "history", picture: "history" },
  { path: "/protection", name: "protection", picture: "shield" },
  { path: "/privacy", name: "privacy", picture: "lock" },
  { path: "/devices", name: "devices", picture: "devices" },
  { path: "/account", name: "account", picture: "account" },
];
