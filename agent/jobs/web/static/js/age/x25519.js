// X25519 (RFC 7748), for browsers without it, and for pages that are not loaded over HTTPS, where there is no WebCrypto.

const P = 2n ** 255n - 19n;
const A24 = 121665n;
const BASE = Uint8Array.from({ length: 32 }, (_, at) => (at ? 0 : 9));

const mod = (value) => ((value % P) + P) % P;
const number = (bytes) => bytes.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);

function power(base, exponent) {
  let found = 1n;
  for (let factor = base; exponent; exponent >>= 1n, factor = mod(factor * factor)) {
    if (exponent & 1n) found = mod(found * factor);
  }
  return found;
}

/** The point that `secret` and `point` (32 bytes each) agree on. */
export function x25519(secret, point = BASE) {
  const clamped = Uint8Array.from(secret);
  clamped[0] &= 248;
  clamped[31] = (clamped[31] & 127) | 64;
  const scalar = number(clamped);
  const x1 = mod(number(point) & (2n ** 255n - 1n));
  let [x2, z2, x3, z3] = [1n, 0n, x1, 1n];
  let swapped = 0n;
  for (let at = 254n; at >= 0n; at--) {
    const bit = (scalar >> at) & 1n;
    if (swapped !== bit) [x2, z2, x3, z3] = [x3, z3, x2, z2];
    swapped = bit;
    const [a, b, c, d] = [mod(x2 + z2), mod(x2 - z2), mod(x3 + z3), mod(x3 - z3)];
    const [da, cb, aa, bb] = [mod(d * a), mod(c * b), mod(a * a), mod(b * b)];
    x3 = mod((da + cb) ** 2n);
    z3 = mod(x1 * mod((da - cb) ** 2n));
    x2 = mod(aa * bb);
    const e = mod(aa - bb);
    z2 = mod(e * mod(aa + A24 * e));
  }
  if (swapped) [x2, z2] = [x3, z3];
  let found = mod(x2 * power(z2, P - 2n));
  return Uint8Array.from({ length: 32 }, () => {
    const byte = Number(found & 255n);
    found >>= 8n;
    return byte;
  });
}
