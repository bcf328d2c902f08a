// A key pair of the household's own, made here: what the router gets of it can only lock.

import { encode } from "./bech32.js";
import { x25519 } from "./x25519.js";

/** {recipient: "age1…", secret: "AGE-SECRET-KEY-1…"}; by WebCrypto where it is, else by this page. */
export async function newKey() {
  const [secret, share] = (await byBrowser().catch(() => null)) || byPage();
  return { recipient: encode("age", share), secret: encode("age-secret-key-", secret).toUpperCase() };
}

async function byBrowser() {
  const made = /** @type {CryptoKeyPair} */ (await crypto.subtle.generateKey("X25519", true, ["deriveBits"]));
  const { d, x } = await crypto.subtle.exportKey("jwk", made.privateKey);
  return [bytes(d), bytes(x)];
}

function byPage() {
  const secret = crypto.getRandomValues(new Uint8Array(32));
  return [secret, x25519(secret)];
}

const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (one) => one.charCodeAt(0));
