/** What a link over NATS does when the connection breaks, and what others can make an engine do. */
import { sleep, until } from "@asyncoro/asyncoro";
import { type Engine, type Link, nats } from "@asyncoro/asyncoro/nats";
import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import type { NatsConnection } from "@nats-io/transport-node";
import { frameOf, LinkEnd } from "../distributed/engines/link_end.ts";
import { type Body, until as untilHolds } from "../distributed/engines/link_suite.ts";
import { drive } from "../io/helpers.ts";
import type { NatsServer } from "./nats_server.ts";
import { natsTest } from "./two_peers.ts";

/** Two engines, and the links that the far one has accepted. */
interface Here {
  readonly near: Engine;
  readonly far: Engine;
  readonly address: string;
  readonly accepted: Link[];
  readonly connections: readonly NatsConnection[];
}

async function withEngines(server: NatsServer, test: (here: Here) => Body): Promise<void> {
  const connections = [await server.connect(), await server.connect()];
  const [near, far] = connections.map((connection) => nats({ connection, prefix: "test" }));
  const accepted: Link[] = [];
  try {
    await drive(function* () {
      const address = yield* far.open((link) => accepted.push(link));
      yield* test({ near, far, address, accepted, connections });
      yield* far.close();
    });
  } finally {
    for (const connection of connections) await connection.close();
  }
}

/** Makes a link, and starts its ends. */
function* connect({ near, address, accepted }: Here): Generator<unknown, LinkEnd[], unknown> {
  const dialed = yield* near.dial(address, 10);
  yield* untilHolds(() => accepted.length > 0, "the link is accepted");
  const ends = [dialed, accepted.shift()!].map((link) => new LinkEnd(link));
  for (const end of ends) end.start();
  return ends;
}

natsTest(
  "both ends of a link end when the connection is restored, and engines go on",
  (server) =>
    withEngines(server, function* (here) {
      const ends = yield* connect(here);
      yield* until(server.kill());
      yield* sleep(0.05);
      for (const end of ends) end.write(frameOf(100, 1));
      assert(ends.every((end) => end.open));
      yield* until(server.restart());
      for (const end of ends) {
        yield* untilHolds(() => !end.open, "the end is told");
        assertMatch(`${end.ends[0]}`, /The connection to the NATS server broke/);
        assertEquals([end.frames, end.faults], [[], []]);
      }
      // The near client may be connected before the far one.
      for (const connection of here.connections) yield* until(connection.flush());
      const again = yield* connect(here);
      again[0].write(frameOf(100, 1));
      yield* untilHolds(() => again[1].frames.length > 0, "the frame has come");
      for (const end of again) end.close();
    }),
);

natsTest(
  "a dial that may be lost is repeated when the connection is restored",
  (server) =>
    withEngines(server, function* ({ near, address, accepted, connections }) {
      // The client drops what is published while it is not connected.
      void connections[0].reconnect();
      const ends: LinkEnd[] = [];
      const hasCome = (): boolean => {
        for (const link of accepted.splice(0)) {
          const end = new LinkEnd(link);
          end.start();
          ends.push(end);
        }
        return ends.some(({ frames }) => frames.length > 0);
      };
      let dialed: LinkEnd;
      do {
        dialed = new LinkEnd(yield* near.dial(address, 10));
        dialed.start();
        dialed.write(frameOf(100, 1));
        // It ends if it was made before the client noticed that it is not connected.
        yield* untilHolds(() => hasCome() || !dialed.open, "the frame has come");
      } while (!dialed.open);
      // If the dial was heard twice, the link that nobody has is closed.
      const others = ends.filter(({ frames }) => frames.length === 0);
      assertEquals(others.length, ends.length - 1);
      yield* untilHolds(() => others.every(({ open }) => !open), "the others are closed");
      assert(dialed.open);
      dialed.close();
    }),
);

natsTest("an end whose other end is gone is told so when it writes", (server) =>
  withEngines(server, function* (here) {
    const [dialed, accepted] = yield* connect(here);
    yield* until(here.connections[0].close());
    // The server may take some frames before it notices.
    yield* untilHolds(() => {
      accepted.write(frameOf(100, 1));
      return !accepted.open;
    }, "it is told");
    assertMatch(`${accepted.ends[0]}`, /The other end of the link is gone/);
    assertMatch(`${dialed.ends[0]}`, /The connection to the NATS server was closed/);
  }));

natsTest(
  "an engine publishes at no subject that somebody names, but at those of links",
  (server) =>
    withEngines(server, function* (here) {
      const [connection] = here.connections;
      const subject = here.address.replace("nats:test/", "test.peer.");
      const heard: string[] = [];
      connection.subscribe(">", { callback: (_error, { subject }) => void heard.push(subject) });
      for (const reply of ["elsewhere", "test.elsewhere", "test.link.short", `test.link.${"0".repeat(32)}.more`]) {
        connection.publish(subject, "", { reply });
      }
      connection.publish(subject);
      yield* connect(here);
      assertEquals(here.accepted, []);
      assertEquals(
        heard.filter((each) => !each.startsWith("test.peer.") && !/^test\.link\.[0-9a-f]{32}$/.test(each)),
        [],
      );
    }),
);

natsTest("an engine opens once the server has let it subscribe", async (server) => {
  const connection = await server.connect();
  const engine = nats({ connection });
  const refuse = Object.assign(Object.create(connection), {
    subscribe: (subject: string, options: { callback: (error: Error | null, message: unknown) => void }) => {
      const subscription = connection.subscribe(subject, { callback: () => {} });
      queueMicrotask(() => options.callback(new Error(`no permission to subscribe to ${subject}`), {}));
      return subscription;
    },
  });
  const refused = nats({ connection: refuse });
  const opened = drive(function* () {
    yield* engine.open(() => {});
    yield* engine.close();
    yield* refused.open(() => {});
  });
  await assertRejects(() => opened, Error, "no permission to subscribe to asyncoro.peer.");
  await connection.close();
});
