/**
 * What every engine and its links do. The suite is registered for each engine, with a function that runs a test.
 *
 * Tests run in a coroutine and wait only by its scheduler's clock, so they run under virtual time as well.
 */
import { type Operation, race, sleep, TimeoutError } from "@asyncoro/asyncoro";
import { assert, assertEquals, assertInstanceOf } from "@std/assert";
import type { Engine, Link } from "../../../core/distributed/engine.ts";
import { Random } from "../../soak/random.ts";
import { frameOf, LinkEnd } from "./link_end.ts";

/** The code of a test. */
export type Body = Generator<unknown, void, unknown>;

/** An engine under test. */
export interface LinkSubject {
  readonly name: string;
  /** Whether the test needs programs that are missing here. */
  readonly ignore?: boolean;
  /**
   * Runs a test with the engines of two peers, which are not open and lose nothing. Fails if the test fails, or leaves a
   * host operation, a timer or a descriptor behind.
   */
  run(test: (near: Engine, far: Engine) => Body): Promise<void>;
  /** An address at which there is no engine, and which is known to be unreachable as soon as it is dialed. */
  readonly nowhere: string;
  /** Calls `test` with an address at which a dial gets no response. `far` is open. */
  silence(far: Engine, address: string, test: (address: string) => Body): Body;
}

const KIB = 1024;
const MIB = 1024 * KIB;
// A session writes no more to a link that has so many bytes queued.
const MOST_QUEUED = MIB;

/** Waits until a condition holds, for 20 seconds at most. */
export function* until(holds: () => boolean, what: string): Body {
  for (let i = 0; i < 2000; i++) {
    if (holds()) return;
    yield* sleep(0.01);
  }
  throw new Error(`Never came true: ${what}`);
}

/** Links between two engines. It closes all of them. */
class Bench {
  readonly #near: Engine;
  readonly #far: Engine;
  readonly #accepted: Link[] = [];
  readonly #ends: LinkEnd[] = [];
  /** The address of the far engine. */
  address = "";

  constructor(near: Engine, far: Engine) {
    this.#near = near;
    this.#far = far;
  }

  *open(): Body {
    this.address = yield* this.#far.open((link) => this.#accepted.push(link));
  }

  /** Makes a link, and starts its ends. */
  *connect(): Generator<unknown, [LinkEnd, LinkEnd], unknown> {
    const ends = yield* this.connectOnly();
    for (const end of ends) end.start();
    return ends;
  }

  /** Makes a link: the end that has dialed, and the other. */
  *connectOnly(): Generator<unknown, [LinkEnd, LinkEnd], unknown> {
    const dialed = new LinkEnd(yield* this.#near.dial(this.address, 10));
    yield* until(() => this.#accepted.length > 0, "the link is accepted");
    const accepted = new LinkEnd(this.#accepted.shift()!);
    this.#ends.push(dialed, accepted);
    return [dialed, accepted];
  }

  /** Takes the links that were accepted without a `connect`. */
  takeAccepted(): LinkEnd[] {
    const ends = this.#accepted.splice(0).map((link) => new LinkEnd(link));
    this.#ends.push(...ends);
    return ends;
  }

  *close(): Body {
    for (const end of this.#ends) end.close();
    for (const link of this.#accepted) link.close();
    yield* this.#near.close();
    yield* this.#far.close();
    // Callbacks that should not come would come now.
    yield* sleep(0.05);
    for (const { faults } of this.#ends) assertEquals(faults, []);
  }
}

/** Registers the suite for an engine. */
export function linkSuite(subject: LinkSubject): void {
  const { name, ignore = false } = subject;
  const check = (what: string, test: (bench: Bench, near: Engine, far: Engine) => Body): void =>
    Deno.test({
      name: `${name}: ${what}`,
      ignore,
      fn: () =>
        subject.run(function* (near, far) {
          const bench = new Bench(near, far);
          yield* bench.open();
          try {
            yield* test(bench, near, far);
          } finally {
            yield* bench.close();
          }
        }),
    });
  framesSuite(check);
  queueSuite(check);
  endSuite(check);
  engineSuite(check, subject);
}

type Check = (what: string, test: (bench: Bench, near: Engine, far: Engine) => Body) => void;

/** The bytes of a frame: so many, or as many as the link takes. */
function fitting({ link }: LinkEnd, bytes: number): number {
  return Math.min(link.maxFrame, bytes);
}

/** Waits for frames, and checks that they are those. */
function* expectFrames(end: LinkEnd, frames: readonly Uint8Array[]): Body {
  yield* until(() => end.frames.length >= frames.length || !end.open, "the frames have come");
  assertSameFrames(end.frames, frames);
}

/** Compares without `assertEquals`, which takes long for megabytes. */
function assertSameFrames(actual: readonly Uint8Array[], expected: readonly Uint8Array[]): void {
  assertEquals(actual.length, expected.length, "so many frames");
  for (let i = 0; i < expected.length; i++) assert(same(actual[i], expected[i]), `frame ${i} has come as it was`);
}

function same(one: Uint8Array, other: Uint8Array): boolean {
  if (one.length !== other.length) return false;
  for (let i = 0; i < one.length; i++) if (one[i] !== other[i]) return false;
  return true;
}

// --- frames ---------------------------------------------------------------------------------------------------

function framesSuite(check: Check): void {
  check("frames come whole and in order, whatever their sizes, both ways at once", function* (bench) {
    const ends = yield* bench.connect();
    const random = new Random(5);
    const made = ends.map((end, side) => {
      const frames: Uint8Array[] = [];
      for (let i = 0; i < 300; i++) {
        const bytes = random.chance(0.1) ? random.from(5, 200 * KIB) : random.from(5, 300);
        frames.push(frameOf(fitting(end, bytes), side * 1000 + i));
      }
      // A frame belongs to the link once it is written.
      for (const frame of frames) end.write(frame.slice());
      return frames;
    });
    yield* expectFrames(ends[0], made[1]);
    yield* expectFrames(ends[1], made[0]);
  });

  check("frames that are written in many turns come in order", function* (bench) {
    const [near, far] = yield* bench.connect();
    const frames = Array.from({ length: 200 }, (_, i) => frameOf(5 + (i % 40), i));
    for (const [i, frame] of frames.entries()) {
      near.write(frame.slice());
      if (i % 3 === 0) yield* sleep(0);
    }
    yield* expectFrames(far, frames);
  });

  check("a frame as long as a session makes them comes whole", function* (bench) {
    const [near, far] = yield* bench.connect();
    const bytes = fitting(near, MIB);
    assert(bytes >= 512, "a handshake fits");
    const frames = [frameOf(bytes, 1), frameOf(5, 2), frameOf(bytes, 3)];
    for (const frame of frames) near.write(frame.slice());
    yield* expectFrames(far, frames);
    far.write(frames[0].slice());
    yield* expectFrames(near, [frames[0]]);
  });

  check("a link keeps what arrives until it is started", function* (bench) {
    const [near, far] = yield* bench.connectOnly();
    const frames = [1, 2, 3].map((i) => frameOf(100 * i, i));
    for (const frame of frames) near.write(frame.slice());
    yield* sleep(0.1);
    assertEquals(far.frames, []);
    far.start();
    yield* expectFrames(far, frames);
  });

  check("frames may be written from within callbacks", function* (bench) {
    const [near, far] = yield* bench.connect();
    far.onFrame = () => far.write(far.frames.at(-1)!.slice());
    near.onFrame = () => {
      if (near.frames.length < 50) near.write(frameOf(20, near.frames.length));
    };
    near.write(frameOf(20, 0));
    yield* expectFrames(near, Array.from({ length: 50 }, (_, i) => frameOf(20, i)));
  });

  check("bursts of small frames on several links at once come as they were", function* (bench) {
    const ends: LinkEnd[] = [];
    for (let i = 0; i < 6; i++) ends.push(...yield* bench.connect());
    const made = ends.map((_end, i) =>
      Array.from({ length: 300 }, (_, k) => frameOf(5 + (k * 37) % 2000, 1000 * i + k))
    );
    for (let k = 0; k < 300; k++) {
      for (const [i, end] of ends.entries()) end.write(made[i][k].slice());
      if (k % 50 === 0) yield* sleep(0);
    }
    for (const [i, end] of ends.entries()) yield* expectFrames(end, made[i ^ 1]);
  });

  check("many links carry their own frames", function* (bench) {
    const pairs: [LinkEnd, LinkEnd][] = [];
    for (let i = 0; i < 30; i++) pairs.push(yield* bench.connect());
    for (const [i, [near, far]] of pairs.entries()) {
      near.write(frameOf(50, i));
      far.write(frameOf(60, i));
    }
    for (const [i, [near, far]] of pairs.entries()) {
      yield* expectFrames(near, [frameOf(60, i)]);
      yield* expectFrames(far, [frameOf(50, i)]);
    }
  });
}

// --- the queue ------------------------------------------------------------------------------------------------

/** Writes frames while the link has room, and goes on when it has drained. */
function pump(end: LinkEnd, frames: readonly Uint8Array[]): void {
  let next = 0;
  const go = (): void => {
    while (next < frames.length && end.link.queued < MOST_QUEUED) end.write(frames[next++].slice());
  };
  end.onDrained = go;
  go();
}

function queueSuite(check: Check): void {
  check("a writer that stops at a full queue and goes on when it has drained gets all through", function* (bench) {
    const ends = yield* bench.connectOnly();
    const sizes = Array.from({ length: 100 }, (_, i) => fitting(ends[0], i % 4 === 3 ? 700 * KIB : 40 * KIB));
    const frames = sizes.map(frameOf);
    for (const end of ends) pump(end, frames);
    // At first nobody reads.
    yield* sleep(0.1);
    for (const end of ends) end.start();
    for (const end of ends) yield* expectFrames(end, frames);
    for (const { link } of ends) yield* until(() => link.queued === 0, "nothing is queued");
  });

  check("what is queued counts until it is sent, and not after the link was closed", function* (bench) {
    const [near, far] = yield* bench.connect();
    assertEquals(near.link.queued, 0);
    near.write(frameOf(100, 1));
    assert(near.link.queued <= 100);
    yield* until(() => near.link.queued === 0 && far.frames.length === 1, "it is sent");
    near.write(frameOf(fitting(near, MIB), 1));
    far.close();
    yield* until(() => !near.open, "the near end sees it");
    assertEquals(near.link.queued, 0);
  });
}

// --- the end --------------------------------------------------------------------------------------------------

const SIDES = ["the dialer", "the acceptor"] as const;

function endSuite(check: Check): void {
  for (const [side, who] of SIDES.entries()) {
    check(`when ${who} closes, the other end is told once, and this one is not`, function* (bench) {
      const ends = yield* bench.connect();
      const [closing, other] = [ends[side], ends[1 - side]];
      closing.write(frameOf(10, 1));
      yield* expectFrames(other, [frameOf(10, 1)]);
      closing.close();
      closing.close();
      yield* until(() => other.ends.length > 0, "the other end is told");
      yield* sleep(0.1);
      assertEquals(other.ends, [null]);
      assertEquals(closing.ends, []);
    });

    check(`what ${who} wrote before it closed arrives, though the other end writes all the time`, function* (bench) {
      const ends = yield* bench.connect();
      const [closing, other] = [ends[side], ends[1 - side]];
      other.onDrained = () => {
        while (other.open && other.link.queued < MOST_QUEUED) other.write(frameOf(fitting(other, 64 * KIB), 9));
      };
      for (let i = 0; i < 40; i++) other.write(frameOf(fitting(other, 64 * KIB), 9));
      yield* until(() => closing.frames.length > 2, "frames come");
      const frames = Array.from({ length: 20 }, (_, i) => frameOf(fitting(closing, 100 * KIB), i));
      for (const frame of frames) closing.write(frame.slice());
      closing.close();
      yield* until(() => !other.open, "the other end is told");
      assertSameFrames(other.frames, frames);
      assertEquals(other.ends, [null]);
    });
  }

  check("both ends may close at once", function* (bench) {
    const ends = yield* bench.connect();
    for (const end of ends) end.write(frameOf(100, 1));
    for (const end of ends) end.close();
    yield* sleep(0.1);
    for (const end of ends) assertEquals(end.ends, []);
  });

  check("a link that is closed takes no frames and does not fail", function* (bench) {
    const [near, far] = yield* bench.connect();
    near.write(frameOf(10, 1));
    near.close();
    near.write(frameOf(10, 2));
    yield* until(() => !far.open, "the far end is told");
    far.write(frameOf(10, 3));
    yield* sleep(0.05);
    assertSameFrames(far.frames, [frameOf(10, 1)]);
    assertEquals(near.frames, []);
    far.close();
  });

  check("a link may be closed from within its callbacks, and calls nobody after that", function* (bench) {
    const [near, far] = yield* bench.connect();
    far.onFrame = () => far.close();
    for (let i = 0; i < 10; i++) near.write(frameOf(1000, i));
    yield* until(() => !near.open, "the near end is told");
    assertEquals(far.frames.length, 1);
    assertEquals(near.ends.length, 1);

    const [other, closing] = yield* bench.connect();
    other.onClosed = () => other.close();
    closing.close();
    yield* until(() => !other.open, "the other end is told");
  });

  check("a link that ended before it was started says so when it is started", function* (bench) {
    const [near, far] = yield* bench.connectOnly();
    near.start();
    near.write(frameOf(20, 1));
    near.close();
    yield* sleep(0.1);
    far.start();
    assertEquals(far.ends, []);
    yield* until(() => !far.open, "the far end is told");
    assertSameFrames(far.frames, [frameOf(20, 1)]);
    assertEquals(far.ends, [null]);
  });

  check("a link may be closed before it was started", function* (bench) {
    const [near, far] = yield* bench.connectOnly();
    near.start();
    far.close();
    far.start();
    yield* until(() => !near.open, "the near end is told");
    assertEquals(far.ends, []);
  });
}

// --- engines --------------------------------------------------------------------------------------------------

/** Waits for an operation that fails. */
export function* failure(operation: Operation<unknown>): Generator<unknown, Error, unknown> {
  try {
    yield* operation;
  } catch (error) {
    assertInstanceOf(error, Error);
    return error as Error;
  }
  throw new Error("Expected an error");
}

function engineSuite(check: Check, subject: LinkSubject): void {
  check("the address is a URL of the engine's scheme", function* (bench, _near, far) {
    assertEquals(new URL(bench.address).protocol, `${far.scheme}:`);
  });

  check("dialing an address without an engine fails before its time is up", function* (_bench, near) {
    const error = yield* failure(near.dial(subject.nowhere, 10));
    assert(!(error instanceof TimeoutError), `${error}`);
  });

  check("a dial without a response ends in time", function* (bench, near, far) {
    yield* subject.silence(far, bench.address, function* (address) {
      assertInstanceOf(yield* failure(near.dial(address, 0.2)), TimeoutError);
      assertInstanceOf(yield* failure(near.dial(address, 0)), TimeoutError);
    });
  });

  check("a dial can be given up", function* (bench, near, far) {
    yield* subject.silence(far, bench.address, function* (address) {
      yield* race(near.dial(address, 10), sleep(0.05));
    });
    // One that succeeds, but too late: its link is closed. If it is in time after all, the test closes it.
    const link = yield* race(near.dial(bench.address, 10), sleep(0));
    link?.close();
    yield* sleep(0.2);
    for (const end of bench.takeAccepted()) {
      end.start();
      yield* until(() => !end.open, "the link of the dial that was given up is closed");
    }
  });

  check("closing an engine keeps its links, and it accepts no more", function* (bench, near, far) {
    const [one, other] = yield* bench.connect();
    yield* far.close();
    yield* far.close();
    yield* failure(near.dial(bench.address, 1));
    one.write(frameOf(100, 1));
    other.write(frameOf(100, 2));
    yield* expectFrames(one, [frameOf(100, 2)]);
    yield* expectFrames(other, [frameOf(100, 1)]);
  });

  check("an engine that was closed can be opened again", function* (bench, _near, far) {
    yield* far.close();
    yield* bench.open();
    const [one, other] = yield* bench.connect();
    one.write(frameOf(100, 1));
    yield* expectFrames(other, [frameOf(100, 1)]);
  });
}
