/** Transfers that are cut, cancelled or lose their peer: they go on, or leave nothing behind. */
import { setImmediate } from "node:timers";
import { type Coro, race, sleep, TimeoutError, withTimeout } from "@asyncoro/asyncoro";
import { assert, assertEquals, assertInstanceOf, assertRejects } from "@std/assert";
import { FileTransferError, PeerLostError } from "../../../core/distributed/errors.ts";
import type { SentFile } from "../../../core/distributed/files/send_file_options.ts";
import { type Fixture, noise, type TestPeer, withTwo } from "./fixture.ts";
import { WriteGate } from "./write_gate.ts";

const MIB = 2 ** 20;

const impatient = () => ({ heartbeat: 0.1, peerTimeout: 0.4 });
const impatientReceiver = (inbox: string) => ({ ...impatient(), files: { directory: inbox } });

/** Begins to send 4 MiB as "d/file" in place of an old one, and stops when a part of it has been written. */
async function begin({ a, b, fixture }: { a: TestPeer; b: TestPeer; fixture: Fixture }) {
  Deno.mkdirSync(`${fixture.inbox}/d`, { recursive: true });
  Deno.writeTextFileSync(`${fixture.inbox}/d/file`, "old");
  const source = fixture.source("file", 4 * MIB);
  const gate = new WriteGate(4);
  let coro!: Coro;
  const sending = a.run(function* (network, own) {
    coro = own;
    return yield* network.sendFile(b.location, source, { dir: "d", overwrite: true });
  });
  await gate.reached;
  assertEquals(fixture.inboxEntries().length, 3);
  return { gate, sending, coro };
}

/** Waits until nothing is received any more; the old file is there and nothing else. */
async function assertOld({ b, fixture }: { b: TestPeer; fixture: Fixture }): Promise<void> {
  await fixture.until(() => !b.isReceiving);
  assertEquals(fixture.inboxEntries(), ["d/", "d/file"]);
  assertEquals(Deno.readTextFileSync(`${fixture.inbox}/d/file`), "old");
  assertEquals(b.errors, []);
}

Deno.test(
  "a cut does not end a transfer: it goes on where it was",
  withTwo(async ({ a, b, fixture }) => {
    const source = fixture.source("file", 8 * MIB);
    for (let cuts = 1; cuts <= 3; cuts++) {
      const name = `file-${cuts}`;
      let sending!: Promise<SentFile>;
      for (let cut = 0; cut < cuts; cut++) {
        using gate = new WriteGate(6);
        sending ??= a.run((network) => network.sendFile(b.location, source, { name }));
        await gate.reached;
        fixture.hub.cut();
      }
      assertEquals(await sending, { path: name, bytes: 8 * MIB, unchanged: false });
      assertEquals(fixture.received(name), noise(8 * MIB));
      assertEquals(fixture.inboxEntries().length, cuts);
    }
    assertEquals([a.network.stats().duplicates, a.network.stats().pending], [0, 0]);
  }),
);

Deno.test(
  "the sender is lost: what it has sent is removed",
  withTwo(async (peers) => {
    const { gate, sending } = await begin(peers);
    using _ = gate;
    peers.a.crash(peers.fixture.hub);
    gate.open();
    const error = await assertRejects(() => sending);
    assertInstanceOf(error, PeerLostError);
    assertEquals([error.reason, error.location], ["lost", peers.b.location]);
    await assertOld(peers);
    assertEquals([peers.a.network.stats().pending, peers.a.errors], [0, []]);
  }, { a: impatient, b: impatientReceiver }),
);

Deno.test(
  "the sender is lost while the disk of the receiver is busy: all is removed when that has ended",
  withTwo(async (peers) => {
    const { gate, sending } = await begin(peers);
    using _ = gate;
    peers.a.crash(peers.fixture.hub);
    await assertRejects(() => sending, PeerLostError);
    await peers.fixture.until(() => peers.b.network.stats().peers === 0);
    assertEquals(peers.b.isReceiving, true);
    gate.open();
    await assertOld(peers);
  }, { a: impatient, b: impatientReceiver }),
);

Deno.test(
  "the receiver is lost: sendFile and delFile throw PeerLostError",
  withTwo(async (peers) => {
    const { a, b, fixture } = peers;
    const { gate, sending } = await begin(peers);
    using _ = gate;
    b.crash(fixture.hub);
    const deleting = a.run((network) => network.delFile(b.location, "d/file"));
    for (const waiting of [sending, deleting]) {
      const error = await assertRejects(() => waiting);
      assertInstanceOf(error, PeerLostError);
      assertEquals(error.reason, "lost");
    }
    gate.open();
    await assertOld(peers);
    assertEquals([a.network.stats().pending, a.errors], [0, []]);
  }, { a: impatient, b: impatientReceiver }),
);

for (const who of ["a", "b"] as const) {
  Deno.test(
    `${who} closes the peer during a transfer: the peer has left`,
    withTwo(async (peers) => {
      const { gate, sending } = await begin(peers);
      using _ = gate;
      const [near, far] = who === "a" ? [peers.a, peers.b] : [peers.b, peers.a];
      near.network.closePeer(far.location);
      gate.open();
      const error = await assertRejects(() => sending);
      assertInstanceOf(error, PeerLostError);
      assertEquals(error.reason, "left");
      await assertOld(peers);
    }),
  );
}

Deno.test(
  "leave() of the receiver returns when nothing is left of what was not complete",
  withTwo(async (peers) => {
    const { gate, sending } = await begin(peers);
    using _ = gate;
    const leaving = peers.b.run((network) => network.leave());
    await assertRejects(() => sending, PeerLostError);
    gate.open();
    await leaving;
    assertEquals([peers.b.isReceiving, peers.fixture.inboxEntries()], [false, ["d/", "d/file"]]);
  }),
);

Deno.test(
  "the scheduler of the receiver is terminated: nothing is left of what was not complete",
  withTwo(async (peers) => {
    const { gate, sending } = await begin(peers);
    using _ = gate;
    const caught = assertRejects(() => sending, PeerLostError);
    await peers.b.scheduler.terminate();
    assertEquals(peers.fixture.inboxEntries(), ["d/", "d/file"]);
    gate.open();
    await caught;
  }),
);

Deno.test(
  "time is up: TimeoutError, and nothing is left",
  withTwo(async (peers) => {
    const { a, b, fixture } = peers;
    const source = fixture.source("file", 4 * MIB);
    for (const timeout of [0, -1]) {
      const before = a.network.stats().sent;
      await assertRejects(
        () => a.run((network) => network.sendFile(b.location, source, { timeout })),
        TimeoutError,
      );
      await assertRejects(() => a.run((network) => network.delFile(b.location, "file", timeout)), TimeoutError);
      assertEquals(a.network.stats().sent, before);
    }
    Deno.mkdirSync(`${fixture.inbox}/d`);
    Deno.writeTextFileSync(`${fixture.inbox}/d/file`, "old");
    using gate = new WriteGate(4);
    const sending = a.run((network) =>
      network.sendFile(b.location, source, { dir: "d", overwrite: true, timeout: { milliseconds: 100 } })
    );
    await assertRejects(() => sending, TimeoutError);
    assertEquals(a.network.stats().pending, 0);
    gate.open();
    await assertOld(peers);
  }),
);

Deno.test(
  "a signal ends the wait with its reason, and nothing is left",
  withTwo(async (peers) => {
    const { a, b, fixture } = peers;
    Deno.mkdirSync(`${fixture.inbox}/d`);
    Deno.writeTextFileSync(`${fixture.inbox}/d/file`, "old");
    const source = fixture.source("file", 4 * MIB);
    const controller = new AbortController();
    using gate = new WriteGate(4);
    const sending = a.run(function* (network) {
      try {
        yield* network.sendFile(b.location, source, { dir: "d", overwrite: true, signal: controller.signal });
      } catch (reason) {
        return reason;
      }
    });
    await gate.reached;
    controller.abort("enough");
    assertEquals(await sending, "enough");
    gate.open();
    await assertOld(peers);
  }),
);

Deno.test(
  "a sendFile that is dropped, or loses a race before it begins, does nothing",
  withTwo(async ({ a, b, fixture }) => {
    const source = fixture.source("file", 100);
    const before = a.network.stats().sent;
    const first = await a.run(function* (network) {
      network.sendFile(b.location, source);
      network.delFile(b.location, "file");
      yield* sleep(0.01);
      return yield* race(withTimeout(0, sleepless()), network.sendFile(b.location, source));
    });
    assertEquals(first, "at once");
    await fixture.until(() => !b.isReceiving);
    assertEquals([a.network.stats().pending, fixture.inboxEntries()], [0, []]);
    assert(a.network.stats().sent - before <= 2);
  }),
);

// deno-lint-ignore require-yield
function* sleepless(): Generator<unknown, string, unknown> {
  return "at once";
}

const WAYS = ["terminate", "throw", "timeout", "race"] as const;

Deno.test(
  "a transfer may be cancelled at any point, in any way: the old file or the new one is there, and nothing else",
  withTwo(async ({ a, b, fixture }) => {
    const source = fixture.source("file", 300_000);
    // Later and later, until it comes too late several times in a row.
    let cancelled = 0;
    for (let point = 0, tooLate = 0; tooLate < WAYS.length; point++) {
      const way = WAYS[point % WAYS.length];
      Deno.mkdirSync(`${fixture.inbox}/old`, { recursive: true });
      Deno.writeTextFileSync(`${fixture.inbox}/old/file`, "old");
      const dir = point % 8 < 4 ? "old" : "new/sub";
      let done = false;
      const { promise: winner, resolve: win } = Promise.withResolvers<void>();
      const controller = new AbortController();
      const coro = a.scheduler.spawn(function* () {
        const sending = a.network.sendFile(b.location, source, { dir, overwrite: true, signal: controller.signal });
        if (way === "race") yield* race(sending, winner);
        else yield* sending;
      });
      const ended = coro.value().catch(() => {}).finally(() => done = true);
      for (let turn = 0; turn < point ** 1.5 && !done; turn++) {
        await new Promise<void>((resolve) => setImmediate(resolve));
      }
      tooLate = done ? tooLate + 1 : 0;
      if (!done) cancelled++;
      if (way === "terminate") coro.terminate();
      else if (way === "throw") coro.throw(new Error("stop"));
      else if (way === "timeout") controller.abort(new TimeoutError("late"));
      else win();
      await ended;
      // It is served after what came before it.
      await a.run((network) => network.delFile(b.location, "nothing"));
      await fixture.until(() => !b.isReceiving);
      const entries = fixture.inboxEntries();
      const where = `${way} at ${point}: ${entries}`;
      assert(!entries.some((entry) => entry.endsWith(".part")), where);
      assertEquals(entries.includes("new/"), entries.includes("new/sub/file"), where);
      const size = fixture.received("old/file").length;
      assert(size === 3 || dir === "old" && size === 300_000, where);
      if (entries.includes("new/")) Deno.removeSync(`${fixture.inbox}/new`, { recursive: true });
    }
    assert(cancelled > 20, `${cancelled} were cancelled`);
    assertEquals([a.network.stats().pending, a.errors, b.errors], [0, [], []]);
    assertEquals(await a.run((network) => network.delFile(b.location, "old/file")), true);
  }),
);

Deno.test(
  "random transfers, cuts, cancellations and deletions: each file is old or new, and nothing else is left",
  withTwo(async ({ a, b, fixture }) => {
    const c = await fixture.join("c");
    let state = 20_261;
    const random = (below: number) => (state = (state * 48_271) % 2_147_483_647) % below;
    const sizes = [0, 10, 70_000, 300_000, 1_500_000];
    const sources = sizes.map((size) => fixture.source(`source-${size}`, size));
    let succeeded = 0;
    const client = (peer: TestPeer) =>
      peer.run(function* (network) {
        for (let i = 0; i < 60; i++) {
          const path = `${random(3)}/${random(3)}`;
          const timeout = random(3) === 0 ? random(30) / 1000 : null;
          const [dir, name] = path.split("/");
          try {
            if (random(4) === 0) yield* network.delFile(b.location, path, timeout);
            else {
              const source = sources[random(sources.length)];
              yield* network.sendFile(b.location, source, { dir, name, overwrite: random(4) > 0, timeout });
            }
            succeeded++;
          } catch (error) {
            if (!(error instanceof TimeoutError || error instanceof FileTransferError)) throw error;
          }
        }
      });
    let done = false;
    const working = Promise.all([client(a), client(a), client(a), client(c), client(c)]).finally(() => done = true);
    while (!done) {
      await new Promise((resolve) => setTimeout(resolve, 20 + random(100)));
      fixture.hub.cut();
    }
    await working;
    await fixture.until(() => !b.isReceiving);
    for (const entry of fixture.inboxEntries().filter((entry) => !entry.endsWith("/"))) {
      assert(!entry.includes(".part"), entry);
      const bytes = fixture.received(entry);
      assert(sizes.includes(bytes.length), entry);
      assertEquals(bytes, noise(bytes.length), entry);
    }
    assert(succeeded > 100, `${succeeded}`);
    assertEquals([a.errors, b.errors, c.errors], [[], [], []]);
    assertEquals([a.network.stats().pending, c.network.stats().pending, b.network.stats().refused], [0, 0, 0]);
  }),
);
