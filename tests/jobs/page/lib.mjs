// lib/: words, times, forms of a request, codes; in node, with the little that they ask of a browser.

import assert from "node:assert/strict";
import { test } from "node:test";

globalThis.location = { origin: "https://router.lan" };
const JS = "../../../agent/jobs/web/static/js/";
const { byName, said, t, told } = await import(JS + "lib/i18n.js");
const time = await import(JS + "lib/time.js");

test("names are ordered as people order them", () => {
  assert.deepEqual(["Device 10", "Device 2", "Ämilie"].sort(byName), ["Ämilie", "Device 2", "Device 10"]);
});

test("a word that is missing shows its key, or what it was given", () => {
  assert.equal(t("no.such"), "no.such");
  assert.equal(t("no.such", {}, "otherwise"), "otherwise");
  assert.equal(said("A sentence of the router."), "A sentence of the router.");
});

test("days begin at midnight of this browser", () => {
  const now = Date.now() / 1000;
  assert.ok(time.midnight() <= now && now - time.midnight() < 90000);
  assert.equal(time.midnightOf(now), time.midnight());
  assert.equal(time.midnightOf(time.midnight(1) + 3600), time.midnight(1));
});

test("a router without a clock tells no time", () => {
  assert.equal(time.known(12), false);
  assert.equal(time.known(Date.now() / 1000), true);
});

test("values stand in the router's sentence, each in its place", () => {
  assert.equal(said(["no device {}", "7"]), "no device 7");
  assert.equal(said(["line {} of the chunk: {}", "3", ["no device {}", "a {} b"]]), "line 3 of the chunk: no device a {} b");
  assert.equal(said(["{} and {}", "a {} b", "c"]), "a {} b and c");
  assert.equal(said(["it costs {}", "$&"]), "it costs $&");
  assert.equal(told({ message: "no device 7", message_sentence: ["no device {}", 7] }, "message"), "no device 7");
  assert.equal(told({ message: "plain" }, "message"), "plain");
  assert.equal(told({}, "message"), "");
});
