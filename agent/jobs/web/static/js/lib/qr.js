// A QR code for short texts (up to 106 bytes): ISO/IEC 18004 version 5, level L, mask 0, and nothing else.

import { svg } from "./dom.js";

const SIZE = 37;
const DATA = 108;
const CHECK = 26;
// The fifteen format bits of level L with mask 0, after their BCH code and the standard's pattern.
const FORMAT = 0x77c4;

export function qr(text) {
  const bytes = [...new TextEncoder().encode(text)];
  if (bytes.length > DATA - 2) return null;
  const path = [];
  matrix(codewords(bytes)).forEach((row, y) => row.forEach((dark, x) => dark && path.push(`M${x} ${y}h1v1h-1z`)));
  return svg(
    "svg",
    { viewBox: `-4 -4 ${SIZE + 8} ${SIZE + 8}`, class: "qr", role: "img", "aria-label": "QR" },
    svg("path", { d: path.join("") }),
  );
}

function codewords(bytes) {
  // Mode 4 (bytes), an eight-bit length, the text, a terminator, then padding.
  const bits = "0100" + bits8(bytes.length) + bytes.map(bits8).join("") + "0000";
  const words = bits.match(/.{8}/g).map((one) => parseInt(one, 2));
  for (let pad = 0; words.length < DATA; pad++) words.push(pad % 2 ? 0x11 : 0xec);
  return [...words, ...check(words)];
}

const bits8 = (value) => value.toString(2).padStart(8, "0");

// Reed-Solomon over GF(256) with the polynomial 0x11d.
function times(a, b) {
  let product = 0;
  for (; b; b >>= 1) {
    if (b & 1) product ^= a;
    a = (a << 1) ^ (a & 128 ? 0x11d : 0);
  }
  return product;
}

function check(words) {
  let generator = [1];
  for (let i = 0, root = 1; i < CHECK; i++, root = times(root, 2)) {
    const next = [...generator, 0];
    generator.forEach((one, at) => (next[at + 1] ^= times(one, root)));
    generator = next;
  }
  const rest = [...words, ...Array(CHECK).fill(0)];
  for (let at = 0; at < words.length; at++) {
    const lead = rest[at];
    generator.forEach((one, offset) => (rest[at + offset] ^= times(one, lead)));
  }
  return rest.slice(words.length);
}

function matrix(words) {
  const grid = Array.from({ length: SIZE }, () => Array(SIZE).fill(null));
  const square = (y, x, radius, dark) => {
    for (let dy = -radius; dy <= radius; dy++) {
      for (let dx = -radius; dx <= radius; dx++) {
        if (grid[y + dy] && grid[y + dy][x + dx] !== undefined)
          grid[y + dy][x + dx] = dark(Math.max(Math.abs(dy), Math.abs(dx)));
      }
    }
  };
  for (const [y, x] of [
    [3, 3],
    [3, SIZE - 4],
    [SIZE - 4, 3],
  ])
    square(y, x, 4, (ring) => ring !== 2 && ring !== 4);
  square(SIZE - 7, SIZE - 7, 2, (ring) => ring !== 1);
  for (let at = 8; at < SIZE - 8; at++) grid[6][at] = grid[at][6] = at % 2 === 0;
  format(grid);
  fill(grid, words.map(bits8).join(""));
  return grid;
}

function format(grid) {
  const bit = (at) => Boolean((FORMAT >> at) & 1);
  for (let at = 0; at < 15; at++) {
    const down = at < 6 ? at : at < 8 ? at + 1 : SIZE - 15 + at;
    const left = at < 8 ? SIZE - 1 - at : at === 8 ? 7 : 14 - at;
    grid[down][8] = bit(at);
    grid[8][left] = bit(at);
  }
  grid[SIZE - 8][8] = true;
}

// Two columns at a time from the right, up and down in turn, past the timing column.
function fill(grid, bits) {
  let next = 0;
  for (let right = SIZE - 1, up = true; right > 0; right -= 2, up = !up) {
    if (right === 6) right = 5;
    for (let step = 0; step < SIZE; step++) {
      const y = up ? SIZE - 1 - step : step;
      for (const x of [right, right - 1]) {
        if (grid[y][x] !== null) continue;
        grid[y][x] = (bits[next++] === "1") !== ((x + y) % 2 === 0);
      }
    }
  }
}
