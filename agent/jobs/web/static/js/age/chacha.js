// ChaCha20-Poly1305 (RFC 8439), to open.

const P = 2n ** 130n - 5n;
const CLAMP = 0x0ffffffc0ffffffc0ffffffc0fffffffn;

/** The text, or null where it was changed; nothing is authenticated beside it. */
export function open(key, nonce, sealed) {
  if (sealed.length < 16) return null;
  const text = sealed.subarray(0, -16);
  const tag = poly1305(stream(key, nonce, 0).subarray(0, 32), text);
  let wrong = 0;
  tag.forEach((byte, at) => (wrong |= byte ^ sealed[text.length + at]));
  if (wrong) return null;
  const plain = Uint8Array.from(text);
  for (let at = 0; at < plain.length; at += 64) {
    const block = stream(key, nonce, 1 + at / 64);
    for (let one = 0; one < 64 && at + one < plain.length; one++) plain[at + one] ^= block[one];
  }
  return plain;
}

function stream(key, nonce, count) {
  const input = new DataView(new ArrayBuffer(64));
  [0x61707865, 0x3320646e, 0x79622d32, 0x6b206574].forEach((word, at) => input.setUint32(4 * at, word, true));
  new Uint8Array(input.buffer).set(key, 16);
  input.setUint32(48, count, true);
  new Uint8Array(input.buffer).set(nonce, 52);
  const start = Int32Array.from({ length: 16 }, (_, at) => input.getInt32(4 * at, true));
  const words = Int32Array.from(start);
  for (let round = 0; round < 10; round++) {
    for (let at = 0; at < 4; at++) quarter(words, at, at + 4, at + 8, at + 12);
    for (let at = 0; at < 4; at++) quarter(words, at, 4 + ((at + 1) & 3), 8 + ((at + 2) & 3), 12 + ((at + 3) & 3));
  }
  words.forEach((word, at) => input.setInt32(4 * at, word + start[at], true));
  return new Uint8Array(input.buffer);
}

function quarter(words, a, b, c, d) {
  for (const [first, second] of [
    [16, 12],
    [8, 7],
  ]) {
    words[a] += words[b];
    words[d] = turned(words[d] ^ words[a], first);
    words[c] += words[d];
    words[b] = turned(words[b] ^ words[c], second);
  }
}

const turned = (word, by) => (word << by) | (word >>> (32 - by));
const number = (bytes) => bytes.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);

function poly1305(key, text) {
  const factor = number(key.subarray(0, 16)) & CLAMP;
  let sum = 0n;
  const add = (block) => (sum = ((sum + number(block) + (1n << 128n)) * factor) % P);
  for (let at = 0; at < text.length; at += 16) {
    const block = new Uint8Array(16);
    block.set(text.subarray(at, at + 16));
    add(block);
  }
  const sizes = new DataView(new ArrayBuffer(16));
  sizes.setUint32(8, text.length, true);
  add(new Uint8Array(sizes.buffer));
  sum += number(key.subarray(16));
  return Uint8Array.from({ length: 16 }, (_, at) => Number((sum >> BigInt(8 * at)) & 255n));
}
