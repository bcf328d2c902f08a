// The addresses of the page and what shows at each.

import { account } from "./views/account.js";
import { devices } from "./views/devices.js";
import { history } from "./views/history.js";
import { overview } from "./views/overview.js";
import { privacy } from "./views/privacy.js";
import { protection } from "./views/protection.js";

export const VIEWS = [
  { path: "/", name: "overview", picture: "home", make: overview },
  { path: "/history", name: "history", picture: "history", make: history },
  { path: "/protection", name: "protection", picture: "shield", make: protection },
  { path: "/privacy", name: "privacy", picture: "lock", make: privacy },
  { path: "/devices", name: "devices", picture: "devices", make: devices },
  { path: "/account", name: "account", picture: "account", make: account },
];
