// What kinds of listed sites there are, and their colours.

import { t } from "../lib/i18n.js";

export const category = (kind) => t("category." + kind, {}, kind || t("category.none"));
export const tone = (kind) => ({ phishing: "plum", malware: "danger", fraud: "care", bypass: "bypass" })[kind] || "teal";
