// SHA-256 (FIPS 180-4), HMAC (RFC 2104) and HKDF (RFC 5869), for a page that is opened from a disk.

const ROUNDS = Array(64);
const START = Array(8);

// The first bits of the fractional parts of roots of the first primes.
function constants() {
  const bits = (root) => Math.floor((root - Math.floor(root)) * 2 ** 32) | 0;
  for (let prime = 2, at = 0; at < 64; prime++) {
    let divisor = 2;
    while (prime % divisor) divisor++;
    if (divisor < prime) continue;
    if (at < 8) START[at] = bits(prime ** (1 / 2));
    ROUNDS[at++] = bits(prime ** (1 / 3));
  }
}
constants();

const turned = (word, by) => (word >>> by) | (word << (32 - by));

export function sha256(bytes) {
  const data = new Uint8Array(((bytes.length + 8) >> 6) * 64 + 64);
  data.set(bytes);
  data[bytes.length] = 128;
  const view = new DataView(data.buffer);
  view.setUint32(data.length - 4, bytes.length * 8);
  const state = [...START];
  for (let at = 0; at < data.length; at += 64) block(state, view, at);
  const found = new DataView(new ArrayBuffer(32));
  state.forEach((word, at) => found.setInt32(4 * at, word));
  return new Uint8Array(found.buffer);
}

function block(state, view, offset) {
  const words = Array.from({ length: 16 }, (_, at) => view.getInt32(offset + 4 * at));
  for (let at = 16; at < 64; at++) {
    const [a, b] = [words[at - 15], words[at - 2]];
    const low = turned(a, 7) ^ turned(a, 18) ^ (a >>> 3);
    const high = turned(b, 17) ^ turned(b, 19) ^ (b >>> 10);
    words[at] = (words[at - 16] + low + words[at - 7] + high) | 0;
  }
  let [a, b, c, d, e, f, g, h] = state;
  for (let at = 0; at < 64; at++) {
    const one = (h + (turned(e, 6) ^ turned(e, 11) ^ turned(e, 25)) + ((e & f) ^ (~e & g)) + ROUNDS[at] + words[at]) | 0;
    const two = ((turned(a, 2) ^ turned(a, 13) ^ turned(a, 22)) + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    [h, g, f, e, d, c, b, a] = [g, f, e, (d + one) | 0, c, b, a, (one + two) | 0];
  }
  [a, b, c, d, e, f, g, h].forEach((word, at) => (state[at] = (state[at] + word) | 0));
}

export const joined = (...parts) => Uint8Array.from(parts.flatMap((part) => [...part]));

export function hmac(key, data) {
  const filled = new Uint8Array(64);
  filled.set(key.length > 64 ? sha256(key) : key);
  const inner = sha256(joined(filled.map((byte) => byte ^ 0x36), data));
  return sha256(joined(filled.map((byte) => byte ^ 0x5c), inner));
}

/** 32 bytes. */
export const derive = (salt, secret, info) => hmac(hmac(salt, secret), joined(new TextEncoder().encode(info), [1]));
