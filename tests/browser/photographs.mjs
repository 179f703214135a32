// Procedural photographs: PNG files of a washer on a bench, each different, some with a scratch.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { deflateSync } from "node:zlib";

const SIDE = 96;

// node:zlib has it since version 20 only.
const CRC = Array.from({ length: 256 }, (_, n) => {
  for (let bit = 0; bit < 8; bit++) n = n & 1 ? (n >>> 1) ^ 0xedb88320 : n >>> 1;
  return n >>> 0;
});
const crc32 = (bytes) =>
  (bytes.reduce((crc, byte) => CRC[(crc ^ byte) & 255] ^ (crc >>> 8), 0xffffffff) ^ 0xffffffff) >>> 0;

function chunk(type, data) {
  const body = Buffer.concat([Buffer.from(type, "latin1"), data]);
  const out = Buffer.alloc(body.length + 8);
  out.writeUInt32BE(data.length, 0);
  body.copy(out, 4);
  out.writeUInt32BE(crc32(body), out.length - 4);
  return out;
}

export function png(side, pixel) {
  const rows = Buffer.alloc(side * (3 * side + 1));
  for (let y = 0; y < side; y++) for (let x = 0; x < side; x++) rows.set(pixel(x, y), y * (3 * side + 1) + 1 + 3 * x);
  const head = Buffer.from([0, 0, 0, 0, 0, 0, 0, 0, 8, 2, 0, 0, 0]);
  head.writeUInt32BE(side, 0);
  head.writeUInt32BE(side, 4);
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return Buffer.concat([
    signature,
    chunk("IHDR", head),
    chunk("IDAT", deflateSync(rows)),
    chunk("IEND", Buffer.alloc(0)),
  ]);
}

// The same number gives the same picture.
export function photograph(number, scratched) {
  let state = number * 7919 + 17;
  const noise = () => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return (state >>> 16) % 9;
  };
  const centre = SIDE / 2 + (number % 3);
  const angle = number * 1.7;
  return png(SIDE, (x, y) => {
    const radius = Math.hypot(x - centre, y - centre);
    const metal = radius < 36 && radius > 14;
    const along = (x - centre) * Math.cos(angle) + (y - centre) * Math.sin(angle);
    const across = (y - centre) * Math.cos(angle) - (x - centre) * Math.sin(angle);
    const level = scratched && metal && Math.abs(across) < 2 && along > 0 ? 245 : (metal ? 150 : 70) + noise();
    return [level, level, level];
  });
}

// Writes the photographs first..first+count-1 into a folder. Answers their paths.
export function write(folder, first, count, scratched) {
  mkdirSync(folder, { recursive: true });
  return Array.from({ length: count }, (_, i) => {
    const path = join(folder, `IMG_${`${first + i}`.padStart(4, "0")}.png`);
    writeFileSync(path, photograph(first + i, scratched));
    return path;
  });
}
