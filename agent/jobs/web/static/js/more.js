// What is loaded when somebody leaves the first view, opens a device's own page, or comes to one of them directly.

import { account } from "./views/account.js";
import { devices } from "./views/devices.js";
import { history } from "./views/history.js";
import { me } from "./views/me.js";
import { part } from "./views/part.js";
import { privacy } from "./views/privacy.js";
import { protection } from "./views/protection.js";

export const MORE = { account, devices, history, me, part, privacy, protection };
