/** Files over a network that loses, delays, cuts and crashes, in virtual time. */
import { sleep } from "@asyncoro/asyncoro";
import { SimulatedNetwork } from "@asyncoro/asyncoro/testing";
import { assertEquals } from "@std/assert";
import { PeerLostError } from "../../../core/distributed/errors.ts";
import { Network } from "../../../core/distributed/network.ts";
import { type Fixture, noise, withFixture } from "./fixture.ts";

const SECRET = "the secret of the simulation";
const SIZE = 3 * 2 ** 20;

/** Joins `b`, which receives until the simulation ends, as a daemon. */
function receive(simulation: SimulatedNetwork, fixture: Fixture, peerTimeout: number): void {
  const engine = simulation.engine("b");
  simulation.scheduler("b").spawnWith({ daemon: true }, function* () {
    const files = { directory: fixture.inbox };
    const network = yield* Network.join({ name: "b", secret: SECRET, engines: [engine], files, peerTimeout });
    yield* network.closed();
  });
}

Deno.test("files arrive whole over links that lose, delay and break", () =>
  withFixture(async (fixture) => {
    const source = fixture.source("file", SIZE);
    for (let seed = 1; seed <= 5; seed++) {
      const simulation = new SimulatedNetwork({ seed, loss: 0.05, delay: [0.001, 0.3] });
      const engine = simulation.engine("a");
      let isDone = false;
      // However bad the links are, and however much time passes while the disk is waited for.
      const peerTimeout = 600;
      receive(simulation, fixture, peerTimeout);
      simulation.scheduler("a").spawn(function* () {
        const network = yield* Network.join({ name: "a", secret: SECRET, engines: [engine], peerTimeout });
        const peer = yield* network.peer("sim:b", 60);
        const sent = yield* network.sendFile(peer, source, { name: `file-${seed}` });
        assertEquals(sent, { path: `file-${seed}`, bytes: SIZE, unchanged: false });
        assertEquals((yield* network.sendFile(peer, source, { name: `file-${seed}` })).unchanged, true);
        isDone = true;
      });
      simulation.scheduler("faults").spawn(function* () {
        while (!isDone) {
          yield* sleep(1.5);
          simulation.cut("a", "b");
        }
      });
      await simulation.run();
      assertEquals(fixture.received(`file-${seed}`), noise(SIZE));
      assertEquals(fixture.inboxEntries().length, seed);
    }
  }));

Deno.test({
  name: "a sender that crashes leaves nothing behind, and a receiver that crashes the old file as it was",
  // A crash closes no files, and waits for nothing.
  sanitizeResources: false,
  sanitizeOps: false,
  fn: () => withFixture(crashes),
});

async function crashes(fixture: Fixture): Promise<void> {
  const source = fixture.source("file", SIZE);
  Deno.mkdirSync(fixture.inbox);
  Deno.writeTextFileSync(`${fixture.inbox}/file`, "old");
  const reasons: unknown[] = [];
  for (let seed = 1; seed <= 10; seed++) {
    const simulation = new SimulatedNetwork({ seed, delay: [0.05, 0.1] });
    const engine = simulation.engine("a");
    receive(simulation, fixture, 10);
    simulation.scheduler("a").spawn(function* () {
      const network = yield* Network.join({ name: "a", secret: SECRET, engines: [engine] });
      const peer = yield* network.peer("sim:b");
      try {
        yield* network.sendFile(peer, source, { overwrite: true });
        reasons.push("sent");
      } catch (error) {
        if (!(error instanceof PeerLostError)) throw error;
        reasons.push(error.reason);
      }
    });
    simulation.scheduler("faults").spawn(function* () {
      const isReceiving = () => fixture.inboxEntries().some((entry) => entry.endsWith(".part"));
      while (!isReceiving()) yield* sleep(0.01);
      yield* sleep(seed / 100);
      simulation.crash(seed % 2 === 0 ? "a" : "b");
      // A receiver that has crashed removes nothing.
      while (seed % 2 === 0 && isReceiving()) yield* sleep(1);
    });
    await simulation.run();
    const entries = fixture.inboxEntries();
    if (seed % 2 === 0) assertEquals(entries, ["file"]);
    for (const entry of entries) if (entry !== "file") Deno.removeSync(`${fixture.inbox}/${entry}`);
    assertEquals(fixture.received("file").length, 3);
  }
  assertEquals(reasons, Array(5).fill("lost"));
}
