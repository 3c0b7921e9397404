/**
 * Looks for damage in the write-ahead log before SQLite opens it: SQLite stops at the first frame whose checksum fails
 * and drops the rest without a word, and commits that were acknowledged may lie behind it.
 *
 * Format: SQLite "WAL-mode File Format" (sqlite.org/walformat.html). A header of 32 bytes, then frames of 24 bytes and
 * one page; a frame belongs to the log when its salts are those of the header; checksums run on from frame to frame.
 */
import { copyFileSync, existsSync, readFileSync } from "node:fs";

const HEADER_BYTES = 32;
const FRAME_HEADER_BYTES = 24;
const MAGIC = 0x377f0682;

export interface LogDamage {
  /** Where the first frame lies that SQLite will not accept. */
  readonly atByte: number;
  /** Commits from there on, which will be dropped. The last of them may never have been acknowledged. */
  readonly commits: number;
}

/**
 * Copies a damaged log to `<file>.damaged` before it is overwritten.
 *
 * @returns what was found, for the log; undefined when there is nothing to tell.
 */
export function setDamagedLogAside(file: string): string | undefined {
  if (!existsSync(file)) return undefined;
  const damage = findLogDamage(readFileSync(file));
  if (!damage) return undefined;
  copyFileSync(file, `${file}.damaged`);
  return `write-ahead log damaged at byte ${damage.atByte}: ${damage.commits} commits dropped, kept in ${file}.damaged`;
}

/** Pure. Undefined when SQLite will accept every commit of the log. */
export function findLogDamage(log: Buffer): LogDamage | undefined {
  if (log.byteLength < HEADER_BYTES) return undefined;
  const magic = log.readUInt32BE(0);
  const pageBytes = log.readUInt32BE(8);
  const isBigEndian = magic === MAGIC + 1;
  const sum: Checksum = [0, 0];
  addTo(sum, log, 0, 24, isBigEndian);
  const isHeaderRight =
    (magic | 1) === MAGIC + 1 &&
    pageBytes >= 512 &&
    pageBytes <= 65_536 &&
    sum[0] === log.readUInt32BE(24) &&
    sum[1] === log.readUInt32BE(28);
  if (!isHeaderRight) return damagedHeader(log);
  const salts = log.subarray(16, 24);
  const frameBytes = FRAME_HEADER_BYTES + pageBytes;
  let at = HEADER_BYTES;
  for (; at + frameBytes <= log.byteLength; at += frameBytes) {
    if (!isOfLog(log, at, salts)) break;
    addTo(sum, log, at, 8, isBigEndian);
    addTo(sum, log, at + FRAME_HEADER_BYTES, pageBytes, isBigEndian);
    if (sum[0] !== log.readUInt32BE(at + 16) || sum[1] !== log.readUInt32BE(at + 20)) break;
  }
  const commits = countCommits(log, at, frameBytes, salts);
  return commits > 0 ? { atByte: at, commits } : undefined;
}

/** Frames of an older use of the file have other salts; those that match are of the log whatever their checksum. */
function countCommits(log: Buffer, from: number, frameBytes: number, salts: Buffer): number {
  let commits = 0;
  for (let at = from; at + frameBytes <= log.byteLength; at += frameBytes) {
    const isCommit = log.readUInt32BE(at + 4) !== 0;
    if (isCommit && isOfLog(log, at, salts)) commits++;
  }
  return commits;
}

/** The salts of the first frame stand in for those of the header. */
function damagedHeader(log: Buffer): LogDamage | undefined {
  const frameBytes = FRAME_HEADER_BYTES + 4_096;
  if (log.byteLength < HEADER_BYTES + frameBytes) return undefined;
  const salts = log.subarray(HEADER_BYTES + 8, HEADER_BYTES + 16);
  const commits = countCommits(log, HEADER_BYTES, frameBytes, salts);
  return commits > 0 ? { atByte: 0, commits } : undefined;
}

function isOfLog(log: Buffer, at: number, salts: Buffer): boolean {
  return log.compare(salts, 0, 8, at + 8, at + 16) === 0;
}

type Checksum = [number, number];

/** The running checksum of the format, over a multiple of 8 bytes. */
function addTo(sum: Checksum, log: Buffer, at: number, bytes: number, isBigEndian: boolean): void {
  const view = new DataView(log.buffer, log.byteOffset + at, bytes);
  let [first, second] = sum;
  for (let word = 0; word < bytes; word += 8) {
    first = (first + view.getUint32(word, !isBigEndian) + second) >>> 0;
    second = (second + view.getUint32(word + 4, !isBigEndian) + first) >>> 0;
  }
  sum[0] = first;
  sum[1] = second;
}
