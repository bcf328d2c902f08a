// Line icons on a 24-unit grid.

import { svg } from "./dom.js";

const PATHS = {
  home: "M4 11.5 12 5l8 6.5V19a1 1 0 0 1-1 1h-4.5v-5.5h-5V20H5a1 1 0 0 1-1-1z",
  history: "M12 7.5V12l3 2M4.5 12a7.5 7.5 0 1 0 2.4-5.5L4.5 8.5M4.5 4.5v4h4",
  shield: "M12 3.5c2.3 1.7 4.6 2.3 7 2.5v5.5c0 4.4-2.7 7-7 9-4.3-2-7-4.6-7-9V6c2.4-.2 4.7-.8 7-2.5z",
  lock: "M7 11V8a5 5 0 0 1 10 0v3M5.5 11h13v9h-13zM12 14.5v2",
  devices: "M3.5 5.5h13v9h-13zM2 18h10M15 10.5h6v9.5h-6zM17.5 17.5h1",
  account: "M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM4.5 20c.8-3.6 3.7-5.5 7.5-5.5s6.7 1.9 7.5 5.5",
  pause: "M8.5 5.5v13M15.5 5.5v13",
  play: "M8 5.5v13l10.5-6.5z",
  check: "M5 12.5l4.5 4.5L19 7.5",
  warn: "M12 4 2.8 19.5h18.4zM12 10v4.5M12 17v.2",
  info: "M12 20.5a8.5 8.5 0 1 0 0-17 8.5 8.5 0 0 0 0 17zM12 11v5M12 8v.2",
  next: "M9.5 5.5 16 12l-6.5 6.5",
  back: "M14.5 5.5 8 12l6.5 6.5",
  plus: "M12 5v14M5 12h14",
  close: "M6 6l12 12M18 6 6 18",
  search: "M10.5 17a6.5 6.5 0 1 0 0-13 6.5 6.5 0 0 0 0 13zM15.5 15.5 20 20",
  trash: "M5 7h14M10 7V4.5h4V7M6.5 7l1 13h9l1-13M10.5 11v5.5M13.5 11v5.5",
  edit: "M5 19l.8-3.8L16 5l3 3L8.8 18.2zM14 7l3 3",
  download: "M12 4v11M7.5 11 12 15.5 16.5 11M5 19.5h14",
  refresh: "M19.5 12a7.5 7.5 0 1 1-2.4-5.5l2.4 2M19.5 4.5v4h-4",
  flag: "M6 21V4M6 5h11l-2.5 3.5L17 12H6",
  phone: "M7.5 3h9v18h-9zM11 18h2",
  tablet: "M5 3.5h14v17H5zM11 17.5h2",
  laptop: "M5 5h14v10.5H5zM2.5 19h19",
  tv: "M3.5 5h17v11.5h-17zM8.5 20h7",
  moon: "M19.5 14.5A8 8 0 0 1 9.5 4.5a8 8 0 1 0 10 10z",
  globe: "M12 20.5a8.5 8.5 0 1 0 0-17 8.5 8.5 0 0 0 0 17zM3.5 12h17M12 3.5c2.5 2.3 3.7 5.1 3.7 8.5s-1.2 6.2-3.7 8.5c-2.5-2.3-3.7-5.1-3.7-8.5s1.2-6.2 3.7-8.5",
  clock: "M12 20.5a8.5 8.5 0 1 0 0-17 8.5 8.5 0 0 0 0 17zM12 7v5l3.5 2",
  list: "M5 6.5h14M5 12h14M5 17.5h9",
  speak: "M4.5 5h15v10.5H11L7 19.5v-4H4.5z",
};

export function icon(name) {
  return svg("svg", { viewBox: "0 0 24 24", class: TURNED.includes(name) ? "icon turned" : "icon", "aria-hidden": "true" }, svg("path", { d: PATHS[name] }));
}

// What points the way of reading.
const TURNED = ["back", "next"];

/** @type {[RegExp, string][]} */
const KINDS = [
  [/tablet|ipad|tab\b/i, "tablet"],
  [/phone|handy|pixel|galaxy|mobile/i, "phone"],
  [/tv|fernseher|console|konsole|playstation|xbox|switch/i, "tv"],
];

/** The picture for a device, guessed from its name. */
export function deviceIcon(label) {
  const found = KINDS.find(([words]) => words.test(label));
  return icon(found ? found[1] : "laptop");
}
