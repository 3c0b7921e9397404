import { describe, expect, test } from "vitest";
import type { Consumer } from "../../../core/ports.ts";
import { hmacSecret } from "../../../core/secret.ts";
import { authenticate, brokerClientId, nextEnd, renewGrant } from "../../../gateway/credentials.ts";
import { aDirectory, NOW } from "../../support/builders.ts";

const pepper = Buffer.from("pepper");
const hmac = (secret: string): string => hmacSecret(pepper, secret);
const consumers: readonly Consumer[] = [
  { name: "board", tenant: "tenant-1", hmac: hmac("b") },
  { name: "dev-1", tenant: null, hmac: hmac("shadow") },
];
const directory = aDirectory({
  credentials: [
    { device: "dev-1", hmac: hmac("revoked"), validUntil: NOW },
    { device: "dev-1", hmac: hmac("going"), validUntil: NOW + 1 },
    { device: "dev-1", hmac: hmac("s") },
    { device: "lost", hmac: hmac("s") },
  ],
});
const accounts = { directory, consumers, pepper, now: NOW };

test.each`
  username     | secret       | clientId   | clean    | outcome
  ${"dev-1"}   | ${"s"}       | ${"dev-1"} | ${true}  | ${"device"}
  ${"dev-1"}   | ${"s"}       | ${"dev-1"} | ${false} | ${"device"}
  ${"dev-1"}   | ${"going"}   | ${"dev-1"} | ${true}  | ${"device"}
  ${"dev-1"}   | ${"revoked"} | ${"dev-1"} | ${true}  | ${"secret-over 4"}
  ${"dev-1"}   | ${"S"}       | ${"dev-1"} | ${true}  | ${"secret-wrong 4"}
  ${"dev-1"}   | ${""}        | ${"dev-1"} | ${true}  | ${"secret-wrong 4"}
  ${"dev-1"}   | ${undefined} | ${"dev-1"} | ${true}  | ${"secret-wrong 4"}
  ${"dev-1"}   | ${"shadow"}  | ${"dev-1"} | ${true}  | ${"secret-wrong 4"}
  ${"dev-1"}   | ${"s"}       | ${"dev-2"} | ${true}  | ${"client-id-not-the-device 2"}
  ${"dev-1"}   | ${"s"}       | ${""}      | ${true}  | ${"client-id-empty 5"}
  ${"dev-1"}   | ${"s"}       | ${""}      | ${false} | ${"client-id-empty 2"}
  ${"lost"}    | ${"s"}       | ${"lost"}  | ${true}  | ${"device-without-station 5"}
  ${"nobody"}  | ${"s"}       | ${"x"}     | ${true}  | ${"secret-wrong 4"}
  ${undefined} | ${"s"}       | ${"x"}     | ${true}  | ${"user-missing 5"}
  ${""}        | ${"s"}       | ${"x"}     | ${true}  | ${"user-missing 5"}
  ${"board"}   | ${"b"}       | ${"x"}     | ${true}  | ${"consumer"}
  ${"board"}   | ${"b"}       | ${""}      | ${true}  | ${"consumer"}
`("$username with $secret as $clientId (clean $clean): $outcome", ({ username, secret, clientId, clean, outcome }) => {
  const answer = authenticate(
    { username, secret: secret === undefined ? undefined : Buffer.from(secret), clientId, clean },
    accounts,
  );
  expect(answer.granted ? answer.grant.kind : `${answer.reason} ${answer.code}`).toBe(outcome);
});

test("consumers live in rooms of their own, devices keep their id", () => {
  expect(brokerClientId({ username: "board", clientId: "dev-1" }, directory)).toBe("5:board:dev-1");
  expect(brokerClientId({ username: "a:b", clientId: "c" }, directory)).not.toBe(
    brokerClientId({ username: "a", clientId: "b:c" }, directory),
  );
  expect(brokerClientId({ username: "dev-1", clientId: "dev-1" }, directory)).toBe("dev-1");
  expect(brokerClientId({ username: "board", clientId: "" }, directory)).toBe("");
});

describe("renewGrant", () => {
  const signIn = (username: string, secret: string) => {
    const answer = authenticate({ username, secret: Buffer.from(secret), clientId: username, clean: true }, accounts);
    if (!answer.granted) throw new Error(answer.reason);
    return answer;
  };
  test("keeps an account that is as it was", () => {
    for (const [name, secret] of [
      ["dev-1", "s"],
      ["board", "b"],
    ] as const) {
      const { grant, proof } = signIn(name, secret);
      expect(renewGrant(grant, proof, accounts)).toEqual(grant);
    }
  });
  test("keeps a rotated secret until its end, and not a moment longer", () => {
    const { grant, proof } = signIn("dev-1", "going");
    expect(renewGrant(grant, proof, accounts)).toEqual(grant);
    expect(renewGrant(grant, proof, { ...accounts, now: NOW + 1 })).toBeNull();
    expect(nextEnd(directory, NOW)).toBe(NOW + 1);
    expect(nextEnd(directory, NOW + 1)).toBe(Number.POSITIVE_INFINITY);
  });
  test("ends one whose secret changed or that is gone", () => {
    const device = signIn("dev-1", "s");
    const changed = aDirectory({ credentials: [{ device: "dev-1", hmac: hmac("new") }] });
    expect(renewGrant(device.grant, device.proof, { directory: changed, consumers, now: NOW })).toBeNull();
    expect(renewGrant(device.grant, device.proof, { directory: aDirectory(), consumers, now: NOW })).toBeNull();
    const board = signIn("board", "b");
    expect(renewGrant(board.grant, board.proof, { directory, consumers: [], now: NOW })).toBeNull();
  });
});
