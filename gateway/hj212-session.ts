/**
 * One HJ 212 connection: bytes → frames → judged packets → journal; 9013 and 9014 go back once a packet is durable.
 *
 * The socket is read only while the gate has room, so a backlog is slowed down by TCP and nothing is dropped. One
 * connection may carry several devices (a front-end machine); whose packet it is says the MN, packet by packet.
 */
import type { Socket } from "node:net";
import { answerFor } from "../core/hj212-answer.ts";
import { encodeFrame, type Hj212Frame } from "../core/hj212-frame.ts";
import { Hj212Framer } from "../core/hj212-framer.ts";
import { type Hj212Segment, type Hj212SegmentRefusal, parseSegment, peekMn } from "../core/hj212-segment.ts";
import type { DeviceContext } from "../core/site.ts";
import { devicePrefix } from "../core/wire.ts";
import type { Sender } from "./admit.ts";
import type { Desk } from "./hj212-desk.ts";
import type { FieldDevice, Line } from "./hj212-devices.ts";
import { FramingTally } from "./hj212-framing.ts";
import { itemOf, keptBytes, kindOf, partOf, saidOf } from "./hj212-packet.ts";
import type { Part } from "./hj212-parts.ts";
import { mayShare } from "./hj212-senders.ts";

/** A connection that guesses so often is closed. */
const WRONG_PASSWORDS_MAX = 10;
/** Packets of one device, and devices, that wait on a connection that serves others meanwhile. */
const HELD_MAX = 16;
const HELD_DEVICES_MAX = 64;
/** Open connections that one device may have spoken on: what it has left half open, and no more. */
const LINES_MAX = 3;
/** A half frame without further bytes is given up after so long. */
const HALF_FRAME_MS_MAX = 30_000;
/** Who takes no answers for so long is closed. */
const STUCK_MS_MAX = 30_000;
/** Daily and hourly data come on an open connection: it may be silent for that long, or three of the device's intervals. */
const IDLE_MS_MIN = 65 * 60_000;
/** A connection whose devices have all come back on another one. */
const LEFT_MS_MAX = 60_000;

export class Hj212Session implements Sender, Line {
  readonly socket: Socket;
  readonly address: string;
  readonly acks: number[] = [];
  inFlight = 0;
  inFlightBytes = 0;
  withinShareAt = 0;
  /** Monotonic ms. */
  readonly openedAt: number;
  readonly #desk: Desk;
  readonly #onProven: () => void;
  readonly #framer: Hj212Framer;
  readonly #devices = new Set<FieldDevice>();
  readonly #delay = new AbortController();
  #answers: Uint8Array[] = [];
  /** Whom the newest packet was from; errors of framing are put down to it, those before the first packet too. */
  #device: FieldDevice | null = null;
  readonly #framing = new FramingTally();
  #idleMsMax = IDLE_MS_MIN;
  #heardAt: number;
  #stuckSince: number | null = null;
  #wrongPasswords = 0;
  /**
   * While a password waits to be looked at, its packet and what came behind it of the same device. On a connection that
   * nobody has proved himself on nothing more is read meanwhile, so that is one read of the socket at most.
   */
  readonly #held = new Map<FieldDevice, Hj212Frame[]>();

  /** @param parts.onProven told once, when the first packet of a registered device has come. */
  constructor(parts: { socket: Socket; address: string; desk: Desk; onProven: () => void }) {
    this.socket = parts.socket;
    this.address = parts.address;
    this.#desk = parts.desk;
    this.#onProven = parts.onProven;
    this.openedAt = this.#desk.clock.monotonic();
    this.#heardAt = this.openedAt;
    this.#framer = new Hj212Framer({
      crc: (segment) => this.#contextOf(segment)?.device.profile?.hj212?.crc ?? "hj212",
      decrypt: (segment) => {
        const context = this.#contextOf(segment);
        return context ? this.#desk.decrypt(context.device.id, segment) : null;
      },
    });
    this.socket.on("data", (chunk: Buffer) => this.#take(chunk));
    this.socket.on("drain", () => this.#desk.gate.wake(this));
    if (!this.#desk.gate.mayRead(this)) this.socket.pause();
  }

  /** A registered device has spoken on it, with its password if it has one. */
  get isProven(): boolean {
    return this.#devices.size > 0;
  }

  get isLeft(): boolean {
    return [...this.#devices].every((device) => device.line !== this);
  }
  carries(id: string): boolean {
    return [...this.#devices].some((device) => device.id === id);
  }
  get devices(): number {
    return Math.max(1, this.#devices.size);
  }
  takesAnswers(): boolean {
    return !this.socket.writableNeedDrain;
  }
  sendAcks(): void {
    this.acks.length = 0;
    this.#flush();
  }
  resume(): void {
    if (!this.#isDelayed && !this.socket.destroyed) this.socket.resume();
  }
  get #isDelayed(): boolean {
    return this.#held.size > 0 && !this.isProven;
  }
  send(packet: Uint8Array): void {
    if (this.socket.writable) this.socket.write(packet);
  }
  close(): void {
    this.socket.destroy();
  }

  /** After the socket has closed. */
  left(): void {
    this.#delay.abort();
    this.#desk.gate.forget(this);
    for (const device of this.#devices) this.#leave(device);
  }

  #leave(device: FieldDevice): void {
    device.lines.delete(this);
    if (device.line !== this) return;
    device.line = null;
    this.#desk.went(device.id);
  }

  /** Lets go of devices that are revoked, removed or known by another MN now; closes when none is left. */
  renew(): void {
    if (!this.isProven) return;
    for (const device of this.#devices) {
      const isRevoked = this.#desk.isRevoked(device.id);
      if (!isRevoked && this.#desk.contextOf(device.mn)?.device.id === device.id) continue;
      const reason = isRevoked ? "hj212-device-revoked" : "hj212-device-removed";
      this.#desk.refuse(reason, { address: this.address, account: device.mn });
      this.#devices.delete(device);
      this.#leave(device);
    }
    if (!this.isProven) this.close();
  }

  /** The device has another password or key: it speaks here again once it has shown that. Closes when none is left. */
  doubt(device: FieldDevice): void {
    if (!this.#devices.delete(device)) return;
    this.#desk.refuse("hj212-secret-changed", { address: this.address, account: device.mn });
    this.#leave(device);
    if (!this.isProven) this.close();
  }

  /** Why the connection should be closed at `now` (monotonic ms), or null. Gives up a half frame by the way. */
  overdue(now: number): string | null {
    const silentMs = now - this.#heardAt;
    if (silentMs >= HALF_FRAME_MS_MAX && this.#framer.dropPartial() > 0) this.#countFraming();
    if (this.takesAnswers()) this.#stuckSince = null;
    else this.#stuckSince ??= now;
    if (this.#stuckSince !== null && now - this.#stuckSince >= STUCK_MS_MAX) return "hj212-not-reading";
    if (!this.isProven) return null;
    if (silentMs >= this.#idleMsMax) return "hj212-idle";
    return this.isLeft && silentMs >= LEFT_MS_MAX ? "hj212-left" : null;
  }

  #contextOf(segment: Uint8Array): DeviceContext | undefined {
    const mn = peekMn(segment);
    return mn === null ? undefined : this.#desk.contextOf(mn);
  }

  #take(chunk: Buffer): void {
    this.#heardAt = this.#desk.clock.monotonic();
    for (const event of this.#framer.push(chunk)) {
      if (event.kind !== "frame") continue;
      this.#desk.counted({ frames: 1 });
      this.#frame(event);
      if (this.socket.destroyed) return;
    }
    this.#countFraming();
    this.#flush();
    if (!this.#desk.gate.mayRead(this) || this.#isDelayed) this.socket.pause();
  }

  /** @param hasWaited its password may be looked at now. */
  #frame(frame: Hj212Frame, hasWaited = false): void {
    const segment = parseSegment(frame.data);
    const { MN: mn } = segment.header;
    const context = mn === undefined ? undefined : this.#desk.contextOf(mn);
    if (!context) {
      if (mn === undefined) this.#desk.refuse("hj212-mn-missing");
      else this.#desk.unclaimed(mn, this.address);
      return;
    }
    const device = this.#desk.deviceOf(context);
    if (this.#desk.isRevoked(device.id)) {
      this.#desk.refuse("hj212-device-revoked", { address: this.address, account: mn });
      if (!this.isProven) this.close();
      return;
    }
    const waiting = this.#held.get(device);
    if (waiting) {
      if (this.isProven && waiting.length >= HELD_MAX) this.#notKept(device);
      else waiting.push(frame);
      return;
    }
    if (!this.#maySpeak(device, segment.header.PW, { frame, hasWaited })) return;
    if (this.socket.destroyed) return; // it was doubted meanwhile
    const others = this.#devices.has(device) ? [] : [...this.#devices].map((other) => this.#desk.contextOf(other.mn));
    if (mayShare(context, others, frame.decrypted || this.#desk.hasPassword(device.id))) {
      this.#seen(device, context, segment);
      this.#packet(segment, { frame, device, context });
    } else this.#desk.refuse("hj212-mn-of-another", { address: this.address, account: mn });
  }

  /** Whether the password is the device's. One that must wait is held back with its packet, and false for now. */
  #maySpeak(
    device: FieldDevice,
    password: string | undefined,
    { frame, hasWaited }: { readonly frame: Hj212Frame; readonly hasWaited: boolean },
  ): boolean {
    const desk = this.#desk;
    if (!desk.hasPassword(device.id)) {
      const isOpen = frame.decrypted || !desk.hasKey(device.id);
      if (!isOpen) desk.refuse("hj212-plaintext", { address: this.address, account: device.mn });
      return isOpen;
    }
    const waitMs = hasWaited || this.#devices.has(device) ? 0 : desk.guessWait(this.address, device.id);
    if (waitMs > 0) {
      const isKept = waitMs < Number.POSITIVE_INFINITY && !(this.isProven && this.#held.size >= HELD_DEVICES_MAX);
      if (isKept) this.#hold(device, frame, waitMs);
      else this.#notKept(device);
      return false;
    }
    const isRight = desk.passwordFits(device.id, password);
    desk.guessed(this.address, device.id, isRight);
    if (!isRight) this.#wrongPassword(device);
    return isRight;
  }

  #packet(
    segment: Hj212Segment | Hj212SegmentRefusal,
    from: { readonly frame: Hj212Frame; readonly device: FieldDevice; readonly context: DeviceContext },
  ): void {
    const { device, context } = from;
    if ("error" in segment) {
      // Kept so that it is listed with its fault; never answered, for nothing of it is used.
      this.#desk.refuse("hj212-text");
      this.#store(from, null);
      return;
    }
    const { hj212 } = context.device.profile ?? {};
    const { QN: qn = "", CN: code = "" } = segment.header;
    const said = saidOf(segment, hj212?.zone);
    if (said) device.exchanges.answered(said, said.kind === "data" ? { code } : { qn: itemOf(segment, "QN") ?? qn });
    const kind = kindOf(code);
    if (kind === "reply") return;
    const text = answerFor(segment);
    const answer = text === null ? null : encodeFrame(text, hj212?.crc);
    if (kind === "data") {
      this.#store({ ...from, part: partOf(segment) }, answer);
      return;
    }
    if (answer) this.#answers.push(answer); // holds no data: there is nothing to lose
    if (kind === "clock-wish") this.#desk.setClock(device);
  }

  /** Into the journal unless it is there; `answer` leaves when it is durable, and not before. */
  #store(
    from: { frame: Hj212Frame; device: FieldDevice; context: DeviceContext; part?: Part | null },
    answer: Uint8Array | null,
  ): void {
    const { frame, device, context, part } = from;
    const reply = (): void => {
      if (answer) this.#answers.push(answer);
    };
    const { kind, key } = device.recent.note(frame.data, () => {
      reply();
      this.#flush();
    });
    if (kind !== "new") {
      device.resent += 1;
      this.#desk.counted({ resent: 1 });
      if (kind === "durable") reply();
      return;
    }
    const { site, station, device: registered } = context;
    const receivedAt = this.#desk.clock.now();
    const dataTime = part ? device.notePart(part, key, receivedAt) : "";
    const lent = part?.dataTime === "" && dataTime !== "" ? { part, dataTime } : null;
    const message = {
      receivedAt,
      device: device.id,
      topic: `${devicePrefix(site, station, registered)}hj212`,
      payload: keptBytes(frame, registered.profile?.hj212, lent),
    };
    this.#desk.gate.admit(this, message, 0, (error) => {
      device.recent.settled(key, error === null);
      if (error === null) reply();
      else this.socket.destroy(); // unanswered, so the device sends it again
    });
  }

  #seen(device: FieldDevice, context: DeviceContext, { header, flag }: Hj212Segment | Hj212SegmentRefusal): void {
    const { clock } = this.#desk;
    if (device.line !== this) {
      device.line = this;
      device.manner = null; // a password learnt on another line is not sent down this one
      device.address = this.address;
      device.connectedAt = clock.now();
      this.#desk.came(device.id, this.address);
    }
    this.#device = device;
    if (!this.isProven) this.#onProven();
    this.#devices.add(device);
    device.lines.add(this);
    if (device.lines.size > LINES_MAX) this.#closeOldest(device);
    this.#idleMsMax = Math.max(this.#idleMsMax, 3 * context.device.interval);
    device.lastPacketAt = clock.now();
    device.frames += 1;
    // Answers to our own requests bear ST 91 on some devices: that is the platform's code, not theirs.
    const { ST: systemCode = "", PW: password = "" } = header;
    if (systemCode === "" || systemCode === "91") return;
    device.manner = { systemCode, password, version: flag?.version ?? 0 };
  }

  /** So that one MN holds few of the places that are for registered devices. */
  #closeOldest(device: FieldDevice): void {
    for (const line of device.lines) {
      if (line === this || !line.isLeft) continue;
      device.lines.delete(line);
      this.#desk.refuse("hj212-connections-per-device", { address: this.address, account: device.mn });
      line.close();
      return;
    }
  }

  /** Not answered, so the device sends it again. */
  #notKept(device: FieldDevice): void {
    this.#desk.refuse("hj212-password-queue", { address: this.address, account: device.mn });
  }

  /** Not answered. A connection that nobody has proved himself on is closed when it goes on; others carry innocents. */
  #wrongPassword(device: FieldDevice): void {
    device.wrongPasswords += 1;
    this.#desk.refuse("hj212-password", { address: this.address, account: device.mn });
    this.#wrongPasswords += 1;
    if (!this.isProven && this.#wrongPasswords >= WRONG_PASSWORDS_MAX) this.close();
  }

  #hold(device: FieldDevice, frame: Hj212Frame, delayMs: number): void {
    this.#held.set(device, [frame]);
    void this.#desk.clock.sleep(delayMs, this.#delay.signal).then(() => {
      const frames = this.#held.get(device) ?? [];
      this.#held.delete(device);
      let hasWaited = true;
      for (const held of frames) {
        if (this.socket.destroyed) return;
        this.#frame(held, hasWaited);
        hasWaited = false;
      }
      this.#flush();
      if (this.#desk.gate.mayRead(this)) this.resume();
      else this.socket.pause();
    });
  }

  #countFraming(): void {
    const news = this.#framing.news(this.#framer.counters);
    if (news) this.#desk.counted(news);
    if (this.#device) this.#framing.putDownTo(this.#device);
  }

  #flush(): void {
    if (this.#answers.length === 0) return;
    const answers = this.#answers;
    this.#answers = [];
    if (this.socket.writable)
      this.socket.write(answers.length === 1 ? (answers[0] as Uint8Array) : Buffer.concat(answers));
  }
}
