/** Files beside messages: chunks wait for each other, messages wait for no chunk. */
import { all } from "@asyncoro/asyncoro";
import { assert, assertEquals } from "@std/assert";
import { CHUNK_BYTES, WINDOW } from "../../../core/distributed/files/file_request.ts";
import { Kind } from "../../../core/distributed/peers/operation_kind.ts";
import type { OperationReader } from "../../../core/distributed/peers/operation_reader.ts";
import type { Peer } from "../../../core/distributed/peers/peer.ts";
import { noise, type TestPeer, withTwo } from "./fixture.ts";
import { WriteGate } from "./write_gate.ts";

const MIB = 2 ** 20;
/** A kind that no service has: a message. */
const MESSAGE = 200;

/** Calls `arrived` with the number of each message that `peer` gets, and `chunk` before each chunk. */
function listen(peer: TestPeer, arrived: (number: number) => void, chunk: () => void): void {
  peer.network.peerTable.addService({ received: (_peer, _kind, reader) => arrived(reader.integer()) }, MESSAGE);
  const { files } = peer.network;
  const { received } = files;
  files.received = (from: Peer, kind: number, reader: OperationReader) => {
    if (kind === Kind.CHUNK) chunk();
    received.call(files, from, kind, reader);
  };
}

/** Calls `posted` after each chunk that `a` sends. */
function onChunk(a: TestPeer, b: TestPeer, posted: () => void): Peer {
  const peer = a.peer(b);
  const { postBackground } = peer;
  peer.postBackground = (writer) => {
    postBackground.call(peer, writer);
    posted();
  };
  return peer;
}

Deno.test(
  "a message goes before the chunks that were sent in the same turn",
  withTwo(async ({ a, b, fixture }) => {
    const { writer } = a.network.peerTable;
    let sent = 0;
    const peer = onChunk(a, b, () => peer.post(writer.begin(MESSAGE).integer(++sent)));
    let chunks = 0;
    const before: number[] = [];
    listen(b, (number) => before[number] = chunks, () => chunks++);
    await a.run((network) => network.sendFile(b.location, fixture.source("file", 4 * MIB)));
    assert(sent > 60);
    await fixture.until(() => before.length === sent + 1);
    // Message n was sent after chunk n, and comes before it.
    for (let number = 1; number <= sent; number++) assert(before[number] < number, `${number}: ${before[number]}`);
    assertEquals(chunks, sent);
  }),
);

Deno.test(
  "messages arrive while the disk of the receiver holds a transfer up",
  withTwo(async ({ a, b, fixture }) => {
    const { writer } = a.network.peerTable;
    const arrived: number[] = [];
    listen(b, (number) => arrived.push(number), () => {});
    using gate = new WriteGate(2);
    const sending = a.run((network) => network.sendFile(b.location, fixture.source("file", 4 * MIB)));
    await gate.reached;
    for (let number = 1; number <= 100; number++) a.peer(b).post(writer.begin(MESSAGE).integer(number));
    await fixture.until(() => arrived.length === 100);
    assertEquals(arrived, Array.from({ length: 100 }, (_, i) => i + 1));
    // Also of those that ask: there are more turns than one transfer takes.
    assertEquals(await a.run((network) => network.delFile(b.location, "nothing")), false);
    gate.open();
    await sending;
  }),
);

Deno.test(
  "no more than a window of a file is under way, and none of it takes room from messages",
  withTwo(async ({ a, b, fixture }) => {
    let most = 0;
    const peer = onChunk(a, b, () => {
      most = Math.max(most, a.network.stats().queuedBytes);
      assert(peer.hasRoom(2000));
    });
    let [posted, chunks] = [0, 0];
    onChunk(a, b, () => posted++);
    listen(b, () => {}, () => chunks++);
    {
      using gate = new WriteGate(1);
      const sending = a.run((network) => network.sendFile(b.location, fixture.source("file", 4 * MIB)));
      await gate.reached;
      await fixture.until(() => chunks === Math.floor(WINDOW / CHUNK_BYTES));
      await new Promise((resolve) => setTimeout(resolve, 20));
      assertEquals([posted, chunks], Array(2).fill(Math.floor(WINDOW / CHUNK_BYTES)));
      gate.open();
      await sending;
    }
    assert(most <= WINDOW + 10_000, `${most}`);
    assertEquals([a.errors, b.errors], [[], []]);
  }, { a: () => ({ maxQueue: 2000 }), b: (inbox) => ({ maxQueue: 2000, files: { directory: inbox } }) }),
);

Deno.test(
  "a small maxMessageSize of the receiver is no limit for files",
  withTwo(async ({ a, b, fixture }) => {
    await a.run((network) => network.sendFile(b.location, fixture.source("file", MIB)));
    assertEquals(fixture.received("file"), noise(MIB));
  }, { b: (inbox) => ({ maxMessageSize: 1, files: { directory: inbox } }) }),
);

Deno.test(
  "a peer whose transfers hang is not in the way of another",
  withTwo(async ({ a, b, fixture }) => {
    const c = await fixture.join("c");
    const sources = Array.from({ length: 20 }, (_, i) => fixture.source(`${i}`, 2 * MIB));
    // The first write of a file that it makes hangs: all of the eight that are served at once.
    const gates = Array.from({ length: 8 }, () => new WriteGate(1));
    const sending = a.run((network) => all(...sources.map((source) => network.sendFile(b.location, source))));
    await Promise.all(gates.map(({ reached }) => reached));
    await c.run((network) => network.sendFile(b.location, fixture.source("other", 3 * MIB)));
    assertEquals(fixture.received("other"), noise(3 * MIB));
    for (const gate of gates) gate.open();
    await sending;
    for (const gate of gates.reverse()) gate[Symbol.dispose]();
    for (const source of sources) assertEquals(fixture.received(source.split("/").at(-1)!), noise(2 * MIB));
  }),
);
