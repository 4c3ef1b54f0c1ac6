/** A peer that knows the secret and lies. */
import { Channel, Coro, sleep } from "@asyncoro/asyncoro";
import { RCI } from "@asyncoro/asyncoro/distributed";
import { assert, assertEquals, assertGreater } from "@std/assert";
import { Kind } from "../../../core/distributed/peers/operation_kind.ts";
import { seededRandom } from "../../../core/fiber/shuffle.ts";
import { eventually, type Here, onMachines, type Program, type Steps } from "./machines.ts";

const DATA = 5;

/** A frame, of a kind and parts: numbers are bytes, bigints are eight bytes. */
function frame(kind: number, ...parts: (number | bigint | Uint8Array)[]): Uint8Array {
  const bytes = [kind];
  for (const part of parts) {
    if (typeof part === "number") bytes.push(part & 255);
    else if (typeof part === "bigint") { for (let i = 56n; i >= 0n; i -= 8n) bytes.push(Number(part >> i & 255n)); }
    else bytes.push(...part);
  }
  return Uint8Array.from(bytes);
}

function u32(value: number): Uint8Array {
  return Uint8Array.of(value >>> 24, value >>> 16, value >>> 8, value);
}

/** Writes operations, in sequence: nothing else may be sent to that peer meanwhile. */
function liar(here: Here): { write(frame: Uint8Array): void; tell(...operation: number[]): void } {
  const write = here.simulation.forge(here.network, here.network.peers()[0]);
  let next = BigInt(here.network.stats().sent) + 1n;
  return {
    write,
    tell(...operation) {
      write(frame(DATA, next++, 0n, u32(operation.length), Uint8Array.from(operation)));
    },
  };
}

/** What the program of the victim has seen. */
interface Seen {
  calls: number;
  messages: unknown[];
}

/** Has everything that a peer may be told about, and counts what is called. Then it checks that it is well. */
function victim(seen: Seen, ready: () => void, over: () => boolean): Program {
  return function* (coro, here) {
    coro.register("victim");
    new Channel<unknown>("channel", () => {
      seen.calls++;
      return null;
    });
    // deno-lint-ignore require-yield
    new RCI(function* counted(): Steps {
      seen.calls++;
      return 1;
    }).register();
    ready();
    const receiver = new Coro(function* (self) {
      self.register("receiver");
      for (;;) seen.messages.push(yield* self.receive());
    });
    receiver.setDaemon();
    yield* eventually(over);
    assert(receiver.isAlive());
    const local = new Coro(function* () {
      yield* sleep(1);
      return "well";
    });
    assertEquals(yield* local.finish(), "well");
    assertEquals(here.network.stats().pending, 0);
  };
}

/** Lets `a` lie to `b`; afterwards an honest `c` is served by `b`. */
async function lying(lie: (here: Here) => Steps, check: (b: Here, seen: Seen) => void = () => {}): Promise<void> {
  let ready = false;
  let lied = false;
  let served = false;
  const seen: Seen = { calls: 0, messages: [] };
  const b = victim(seen, () => ready = true, () => served);
  await onMachines({
    *a(_coro, here) {
      yield* here.network.peer("sim:b");
      yield* eventually(() => ready);
      yield* sleep(1);
      yield* lie(here);
      yield* sleep(5);
      lied = true;
      yield* eventually(() => served);
    },
    *b(coro, here) {
      yield* b(coro, here);
      check(here, seen);
    },
    *c(_coro, here) {
      yield* eventually(() => lied);
      yield* here.network.peer("sim:b", 20);
      const receiver = (yield* Coro.locate("receiver", 20))!;
      assertEquals(yield* receiver.deliver("honest", 20), 1);
      served = true;
    },
  });
  assertEquals(seen.messages.at(-1), "honest");
}

const malformed: Record<string, Uint8Array> = {
  "of no kind": Uint8Array.of(0),
  "of an unknown kind": frame(9, 1, 2, 3),
  "of kind 255": frame(255),
  "HELLO in a session": frame(1, ...new Uint8Array(100)),
  "PROOF in a session": frame(2, ...new Uint8Array(100)),
  "WELCOME in a session": frame(3, 1n, 0n),
  "REFUSE in a session": frame(4, 1),
  "an empty DATA": frame(DATA),
  "DATA without operations": frame(DATA, 1n, 0n),
  "DATA of number 0": frame(DATA, 0n, 0n, u32(1), Uint8Array.of(3)),
  "DATA that ends early": frame(DATA, 1n, 0n, u32(100), Uint8Array.of(3)),
  "DATA with a length of 2^32-1": frame(DATA, 1n, 0n, u32(2 ** 32 - 1), Uint8Array.of(3)),
  "DATA with a number above 2^53": frame(DATA, 2n ** 60n, 0n, u32(1), Uint8Array.of(3)),
  "an ack of what was never sent": frame(DATA, 1n, 2n ** 50n, u32(1), Uint8Array.of(3)),
  "a PART outside of its operation": frame(6, 3n, 0n, u32(10), u32(8), new Uint8Array(8)),
  "an empty PART": frame(6, 3n, 0n, u32(10), u32(0)),
  "a PART of 4 GiB": frame(6, 3n, 0n, u32(2 ** 32 - 1), u32(0), new Uint8Array(8)),
  "a PING that is too short": frame(7, 1n),
  "a PING that is too long": frame(7, 0n, 0n, 0, u32(0), 1),
  "a PING with a flag of 2": frame(7, 0n, 0n, 2, u32(0)),
  "a PING that acknowledges the future": frame(7, 0n, 2n ** 52n, 0, u32(0)),
  "a BYE with a flag of 7": frame(8, 0n, 7),
  "a BYE that is too short": frame(8),
};

for (const [title, bytes] of Object.entries(malformed)) {
  Deno.test(`a malformed frame closes its link only, and the session goes on: ${title}`, async () => {
    let arrived = false;
    await onMachines({
      *a(_coro, here) {
        yield* here.network.peer("sim:b");
        const b = (yield* Coro.locate("b", 10))!;
        const write = here.simulation.forge(here.network, here.network.peers()[0]);
        const before = here.simulation.trace().length;
        b.send(1);
        yield* sleep(0.5);
        write(bytes);
        yield* sleep(0.2);
        b.send(2);
        yield* sleep(3);
        const closed = here.simulation.trace().slice(before).filter((line) => line.includes("close"));
        assertGreater(closed.length, 0, here.simulation.trace().slice(before).join("\n"));
        assertEquals(yield* b.deliver(3, 20), 1);
        assert(arrived);
        assertEquals(here.network.peers().length, 1);
      },
      *b(coro, here) {
        coro.register("b");
        const statuses = new Coro(function* (self) {
          const seen = [];
          here.network.peerStatus(self);
          for (;;) {
            const status = yield* self.receive(60);
            if (status === undefined) return seen.length;
            seen.push(status);
          }
        });
        for (let i = 1; i <= 3; i++) assertEquals(yield* coro.receive(60), i);
        arrived = true;
        // It has joined, and nothing else.
        yield* sleep(1);
        assertEquals(here.reported, []);
        statuses.terminate();
      },
    });
  });
}

Deno.test("random frames in an authenticated link do no harm", async () => {
  const random = seededRandom(7);
  await lying(function* (here) {
    for (let i = 0; i < 300; i++) {
      const body = Uint8Array.from({ length: Math.floor(random() * 80) }, () => random() * 256);
      // A BYE would be taken for what it is.
      const kind = Math.floor(random() * 12);
      try {
        here.simulation.forge(here.network, here.network.peers()[0])(frame(kind === 8 ? 7 : kind, body));
      } catch {
        // The link is closed: it is opened again.
      }
      yield* sleep(0.05);
    }
  }, (_b, seen) => {
    assertEquals(seen.calls, 0);
    assertEquals(seen.messages, ["honest"]);
  });
});

Deno.test("random operations do no harm", async () => {
  const random = seededRandom(8);
  const items: (() => number[])[] = [
    () => [Math.floor(random() * 24)],
    () => [0x18, Math.floor(random() * 256)],
    () => [0x1b, 0, 0, 0, 0, ...Array.from({ length: 4 }, () => Math.floor(random() * 256))],
    () => [0x1b, 255, 255, 255, 255, 255, 255, 255, 255],
    () => [0x20],
    () => [0xf6],
    () => [0xf5],
    () => [0xfb, 0x7f, 0xf8, 0, 0, 0, 0, 0, 0],
    () => [0x43, 1, 2, 3],
    () => [0x50, ...Array.from({ length: 16 }, () => Math.floor(random() * 256))],
    () => [0x66, ...new TextEncoder().encode("victim")],
    () => [0x67, ...new TextEncoder().encode("counted")],
    () => [0x67, ...new TextEncoder().encode("channel")],
    () => [0x9b, 0, 0, 0, 255, 255, 255, 255, 255],
    () => [0x9a, 255, 255, 255, 255],
    () => [0x5a, 255, 255, 255, 255],
    () => [0xba, 255, 255, 255, 255],
    () => [0x82, 1, 2],
    () => [0xa1, 0x69, ...new TextEncoder().encode("__proto__"), 0xa0],
    () => [0xd8, 27, 0x82, 0x6d, ...new TextEncoder().encode("asyncoro.Coro"), 0x81, 1],
    () => [0xd8, 29, 0x19, 255, 255],
    () => [0xd8, 28, 0x81, 0xd8, 29, 0],
    () => [0xff],
    () => [],
  ];
  let count = 0;
  await lying(function* (here) {
    const { tell } = liar(here);
    for (let kind = 0; kind < 30; kind++) {
      for (let i = 0; i < 100; i++) {
        const operation = [kind];
        const length = Math.floor(random() * 6);
        for (let k = 0; k < length; k++) operation.push(...items[Math.floor(random() * items.length)]());
        tell(...operation);
        count++;
      }
    }
    // At once: that what was never sent is acknowledged closes the link.
    yield* sleep(1);
  }, ({ network, simulation }, seen) => {
    assertEquals(count, 3000);
    assertGreater(network.stats().received, count);
    assertEquals(seen.calls, 0);
    assertEquals(seen.messages, ["honest"]);
    assertEquals(({} as Record<string, unknown>).polluted, undefined);
    assert(simulation.trace().length > 0);
  });
});

Deno.test("whatever number is guessed, no coroutine, channel or RCI is reached that was not given out", async () => {
  await lying(function* (here) {
    const { tell } = liar(here);
    const message = text("guessed");
    for (let number = 0; number < 256; number++) {
      const id = number < 24 ? [number] : [0x18, number];
      tell(Kind.SEND, ...id, ...message);
      tell(Kind.DELIVER, 1, ...id, ...message);
      tell(Kind.WATCH, ...id);
      for (const what of [0, 1, 2]) tell(Kind.CONTROL, ...id, what, 0xf6);
      tell(Kind.PUBLISH, ...id, ...message);
      for (const mode of [0, 1]) tell(Kind.INVOKE, 2, mode, ...id, 0x80);
    }
    yield* sleep(1);
  }, ({ reported }, seen) => {
    assertEquals(seen.calls, 0);
    assertEquals(seen.messages, ["honest"]);
    assertEquals(reported.map(String), []);
  });
});

Deno.test("answers that nobody asked for are ignored", async () => {
  await lying(function* (here) {
    const { tell } = liar(here);
    for (let number = 0; number < 24; number++) {
      tell(Kind.ANSWER, number);
      tell(Kind.ANSWER, number, 1);
      tell(Kind.PROGRESS, number, 1);
      tell(Kind.CANCEL, number);
      tell(Kind.WRITTEN, number, 1);
    }
    yield* sleep(1);
  }, ({ reported }, seen) => {
    assertEquals(reported.length, 0, reported.map(String).join("\n"));
    assertEquals(seen.calls, 0);
  });
});

Deno.test("an error for each operation that cannot be read is reported once, and names the peer", async () => {
  await lying(function* (here) {
    const { tell } = liar(here);
    tell(99, 1);
    tell(Kind.SEND, 0x9b, 0, 0, 0, 255, 255, 255, 255, 255);
    yield* sleep(1);
  }, ({ reported }) => {
    assertEquals(reported.length, 2);
    for (const error of reported) assert(`${error}`.includes("a@sim:a"), `${error}`);
  });
});

Deno.test("a request of one number that is made again and again leaves one behind, and none when its peer has left", async () => {
  let name: string | null = null;
  let checked = false;
  await onMachines({
    *a(_coro, here) {
      yield* here.network.peer("sim:b");
      const { tell } = liar(here);
      // FIND, for a name that nobody has.
      for (let i = 0; i < 1000; i++) tell(Kind.FIND, 1, ...text("coroutine"), ...text("none"));
      yield* sleep(1);
      name = "none";
      yield* eventually(() => checked);
      yield* here.network.leave();
    },
    *b(_coro, { network, reported }) {
      yield* eventually(() => name !== null);
      assertEquals(reported, []);
      assertEquals(network.names.statistics().waiting, 1);
      checked = true;
      yield* eventually(() => network.peers().length === 0);
      assertEquals(network.names.statistics().waiting, 0);
    },
  });
});

/** A short string, as CBOR. */
function text(value: string): number[] {
  return [0x60 + value.length, ...new TextEncoder().encode(value)];
}
