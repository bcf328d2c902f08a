// Bech32 (BIP 173) as age writes its keys: a prefix, "1", 32 letters, and six more that find typing errors.

const LETTERS = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";
const GENERATOR = [0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3];

export function encode(prefix, bytes) {
  const values = regrouped(bytes, 8, 5);
  const check = checksum([...spread(prefix), ...values, 0, 0, 0, 0, 0, 0]) ^ 1;
  for (let at = 0; at < 6; at++) values.push((check >>> (5 * (5 - at))) & 31);
  return prefix + "1" + values.map((value) => LETTERS[value]).join("");
}

/** The bytes that a text with that prefix stands for; null for any other text. */
export function decode(prefix, text) {
  const lower = text.toLowerCase();
  if ((text !== lower && text !== text.toUpperCase()) || !lower.startsWith(prefix + "1")) return null;
  const values = [...lower.slice(prefix.length + 1)].map((letter) => LETTERS.indexOf(letter));
  if (values.length < 6 || values.includes(-1) || checksum([...spread(prefix), ...values]) !== 1) return null;
  return Uint8Array.from(regrouped(values.slice(0, -6), 5, 8));
}

const spread = (prefix) => {
  const codes = [...prefix].map((letter) => letter.charCodeAt(0));
  return [...codes.map((code) => code >> 5), 0, ...codes.map((code) => code & 31)];
};

function checksum(values) {
  let found = 1;
  for (const value of values) {
    const top = found >>> 25;
    found = ((found & 0x1ffffff) << 5) ^ value;
    GENERATOR.forEach((factor, at) => {
      if ((top >> at) & 1) found ^= factor;
    });
  }
  return found;
}

// Groups of `size` bits as groups of `into`: filled up with zeros when written, what is left over dropped when read.
function regrouped(values, size, into) {
  const found = [];
  let held = 0;
  let bits = 0;
  for (const value of values) {
    held = ((held << size) | value) & 0xfff;
    bits += size;
    while (bits >= into) {
      bits -= into;
      found.push((held >> bits) & ((1 << into) - 1));
    }
  }
  if (into < size && bits) found.push((held << (into - bits)) & ((1 << into) - 1));
  return found;
}
