// The address of the page that each device has, to be read, typed or photographed.

import { h } from "./dom.js";
import { t } from "./i18n.js";
import { qr } from "./qr.js";

export const ownPage = () => location.origin + "/me";

/** Folded: the address as a QR code for the device's camera. */
export const ownPageCode = () =>
  h("details", { key: "own-page" }, h("summary", t("me.qr")), qr(ownPage()), h("code.hash", ownPage()));
