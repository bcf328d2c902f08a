// Opens a file in the age format (age-encryption.org/v1) with the secret key that it was made for.

import { decode } from "./bech32.js";
import { open } from "./chacha.js";
import { derive, hmac, joined } from "./sha256.js";
import { x25519 } from "./x25519.js";

const VERSION = "age-encryption.org/v1";
const CHUNK = 65536 + 16;

/** The text of a file; a word for what is wrong is thrown: "key", "file", "other" (made for another key), "changed". */
export function opened(secretText, file) {
  const secret = decode("age-secret-key-", secretText.trim());
  if (!secret || secret.length !== 32) throw new Error("key");
  const head = headOf(file);
  const key = fileKey(secret, head.stanzas);
  if (!same(hmac(derive([], key, "header"), head.signed), head.mac)) throw new Error("changed");
  return payload(key, file.subarray(head.end));
}

const same = (one, other) => one.length === other.length && one.every((byte, at) => byte === other[at]);

function fileKey(secret, stanzas) {
  const own = x25519(secret);
  for (const { words, body } of stanzas) {
    if (words[0] !== "X25519" || words.length !== 2) continue;
    const share = bytes(words[1]);
    const wrapping = derive(joined(share, own), x25519(secret, share), VERSION + "/X25519");
    const found = open(wrapping, new Uint8Array(12), body);
    if (found) return found;
  }
  throw new Error("other");
}

function payload(fileKeyBytes, rest) {
  const key = derive(rest.subarray(0, 16), fileKeyBytes, "payload");
  const sealed = rest.subarray(16);
  const parts = [];
  for (let at = 0, count = 0; at < sealed.length; at += CHUNK, count++) {
    const nonce = new Uint8Array(12);
    new DataView(nonce.buffer).setUint32(7, count);
    nonce[11] = at + CHUNK >= sealed.length ? 1 : 0;
    const plain = open(key, nonce, sealed.subarray(at, at + CHUNK));
    if (!plain) throw new Error("changed");
    parts.push(plain);
  }
  if (!parts.length) throw new Error("changed");
  return new TextDecoder().decode(joined(...parts));
}

function headOf(file) {
  let end = 0;
  const line = () => {
    const at = file.indexOf(10, end);
    if (at < 0) throw new Error("file");
    const text = String.fromCharCode(...file.subarray(end, at));
    end = at + 1;
    return text;
  };
  if (line() !== VERSION) throw new Error("file");
  const stanzas = [];
  for (;;) {
    const begin = end;
    const words = line();
    if (words.startsWith("--- ")) {
      return { stanzas, signed: file.subarray(0, begin + 3), mac: bytes(words.slice(4)), end };
    }
    if (!words.startsWith("-> ")) throw new Error("file");
    let body = "";
    let piece;
    do {
      piece = line();
      body += piece;
    } while (piece.length === 64);
    stanzas.push({ words: words.slice(3).split(" "), body: bytes(body) });
  }
}

function bytes(text) {
  try {
    return Uint8Array.from(atob(text), (one) => one.charCodeAt(0));
  } catch {
    throw new Error("file");
  }
}
