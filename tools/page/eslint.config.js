// What the page's modules must keep to, beyond the types.

import js from "@eslint/js";

const BROWSER = [
  "addEventListener",
  "Blob",
  "caches",
  "clearInterval",
  "clearTimeout",
  "crypto",
  "atob",
  "Element",
  "HTMLElement",
  "document",
  "Event",
  "EventSource",
  "fetch",
  "FormData",
  "Intl",
  "localStorage",
  "location",
  "navigator",
  "print",
  "TextDecoder",
  "Node",
  "scrollTo",
  "setInterval",
  "setTimeout",
  "TextEncoder",
  "URL",
  "URLSearchParams",
  "window",
];

export default [
  {
    files: ["agent/jobs/web/static/js/**/*.js"],
    ...js.configs.recommended,
    languageOptions: { ecmaVersion: 2023, sourceType: "module", globals: Object.fromEntries(BROWSER.map((one) => [one, "readonly"])) },
    rules: {
      ...js.configs.recommended.rules,
      eqeqeq: "error",
      "no-var": "error",
      "prefer-const": "error",
      "no-eval": "error",
      "no-duplicate-imports": "error",
      complexity: ["error", 16],
      "max-lines": ["error", 340],
      // Names are checked for control characters.
      "no-control-regex": "off",
      // Elements are made by lib/dom.js: no text from the router ever becomes markup.
      "no-restricted-properties": [
        "error",
        { property: "innerHTML" },
        { property: "outerHTML" },
        { property: "insertAdjacentHTML" },
        { object: "document", property: "write" },
      ],
    },
  },
];
