/** Which streams are refused when the disk runs low. */
import { expect, test } from "vitest";
import { STREAMS } from "../../../core/ports.ts";
import { refusedByDisk } from "../../../storage/journal-sqlite-disk.ts";

test.each`
  why                                        | freeBytes | refused
  ${"exactly the reserve is enough"}         | ${1_000}  | ${[]}
  ${"below it, only new messages"}           | ${999}    | ${["raw"]}
  ${"down to a quarter the rest goes on"}    | ${250}    | ${["raw"]}
  ${"below a quarter nothing can be stored"} | ${249}    | ${STREAMS}
  ${"full"}                                  | ${0}      | ${STREAMS}
`("$why: $freeBytes of 1000 refuses $refused", ({ freeBytes, refused }: { freeBytes: number; refused: string[] }) => {
  expect(STREAMS.filter((stream) => refusedByDisk(stream, { freeBytes, reserveBytes: 1_000 }))).toEqual(refused);
});
