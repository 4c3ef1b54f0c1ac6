/** Peers in processes of their own: killed, stopped, restarted at the same address. */
import { Coro, MonitorException, sleep, until } from "@asyncoro/asyncoro";
import { PeerLostError, type PeerStatus } from "@asyncoro/asyncoro/distributed";
import { assert, assertEquals, assertInstanceOf, assertLess } from "@std/assert";
import { withPeers } from "./peer_processes.ts";

function* locate(name: string): Generator<unknown, Coro, unknown> {
  const coro = yield* Coro.locate(name, 10);
  if (coro === null) throw new Error(`${name} was not found`);
  return coro;
}

Deno.test("kill -9: monitors, finish and status are told of the loss once, by the timeout and a second", async () => {
  await withPeers(function* (coro, { network, start }) {
    const peer = yield* until(start("victim"));
    yield* network.peer(peer.address);
    const victim = yield* locate("victim");
    const status = new Coro(function* (self) {
      network.peerStatus(self);
      const seen: string[] = [];
      while (seen.at(-1) !== "lost") seen.push((yield* self.receive<PeerStatus>()).reason);
      return seen;
    });
    const finish = new Coro(function* () {
      try {
        yield* victim.finish();
      } catch (error) {
        return error;
      }
    });
    victim.notify(coro);
    yield* sleep(0.1);
    const killed = performance.now();
    peer.kill("SIGKILL");
    const end = (yield* coro.receive<MonitorException>(5))!;
    const seconds = (performance.now() - killed) / 1000;
    assertInstanceOf(end, MonitorException);
    assertEquals(end.outcome.kind, "lost");
    assertEquals((end.args[1][1] as PeerLostError).reason, "lost");
    // No test asserts a time, but this one is promised, and 1.5 seconds are the timeout.
    assertLess(seconds, 10);
    assertInstanceOf(yield* finish.finish(5), PeerLostError);
    assertEquals(yield* status.finish(5), ["joined", "lost"]);
    assertEquals(victim.send(1), false);
    assertEquals(yield* victim.deliver(1), -1);
    assertEquals(network.stats().pending, 0);
    assertEquals(yield* coro.receive(0.5), undefined);
  });
});

Deno.test("a process that is stopped for less than the timeout loses nothing; for longer, it is lost and met again", async () => {
  await withPeers(function* (coro, { network, start }) {
    const peer = yield* until(start("sleeper"));
    yield* network.peer(peer.address);
    const sleeper = yield* locate("sleeper");
    for (let i = 0; i < 1000; i++) sleeper.send(i);
    peer.kill("SIGSTOP");
    for (let i = 1000; i < 2000; i++) sleeper.send(i);
    yield* sleep(0.7);
    peer.kill("SIGCONT");
    sleeper.send({ count: true, to: coro });
    assertEquals(yield* coro.receive(5), { count: 2000, inOrder: true });
    sleeper.notify(coro);
    yield* sleep(0.1);
    peer.kill("SIGSTOP");
    const end = yield* coro.receive<MonitorException>(10);
    assertEquals(end?.outcome.kind, "lost");
    assertEquals(sleeper.send(1), false);
    peer.kill("SIGCONT");
    // The handle is held, so the peer is dialed again.
    yield* network.peer(sleeper.location!, 10);
    assertEquals(sleeper.send({ ask: 5, to: coro }), true);
    assertEquals(yield* coro.receive(5), ["pong", 5]);
    // The monitor has been told, and does not come back.
    peer.kill("SIGKILL");
    assertEquals(yield* coro.receive(3), undefined);
  });
});

Deno.test("a peer that is restarted at the same address is another one", async () => {
  await withPeers(function* (coro, { network, start }) {
    const first = yield* until(start("server"));
    const before = yield* network.peer(first.address);
    const old = yield* locate("server");
    old.notify(coro);
    yield* sleep(0.1);
    first.kill("SIGKILL");
    yield* until(first.status);
    yield* until(start("server", first.port));
    const after = yield* network.peer(first.address, 10);
    assert(!after.equals(before));
    const end = yield* coro.receive<MonitorException>(10);
    assertEquals(end?.outcome.kind, "lost");
    assertEquals(old.send({ ask: 1, to: coro }), false);
    const fresh = (yield* Coro.locate("server", 10, after))!;
    assert(fresh !== old);
    assertEquals(fresh.send({ ask: 2, to: coro }), true);
    assertEquals(yield* coro.receive(5), ["pong", 2]);
  });
});

Deno.test("five processes talk to each other through handles that were passed on", async () => {
  await withPeers(function* (coro, { network, start }) {
    const names = ["a", "b", "c", "d", "e"];
    const peers = yield* until(Promise.all(names.map((name) => start(name))));
    for (const peer of peers) yield* network.peer(peer.address);
    const coros: Coro[] = [];
    for (const name of names) coros.push(yield* locate(name));
    // Each is asked to send its answer to the next, which has to dial that.
    for (let i = 0; i < coros.length; i++) coros[i].send({ ask: i, to: coros[(i + 1) % coros.length] });
    yield* sleep(0.2);
    for (const each of coros) {
      each.send({ stats: true, to: coro });
      const { peers } = (yield* coro.receive<{ peers: number }>(5))!;
      assert(peers >= 2, `${each} has ${peers} peers`);
    }
  });
});

Deno.test("a process ends when only its network is left", async () => {
  const program = `
    import { run } from "@asyncoro/asyncoro";
    import { Network } from "@asyncoro/asyncoro/distributed";
    await run(function* () { yield* Network.join({ secret: "the secret of the tests" }); });
    console.log("joined");`;
  const { code, stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", "--no-check", "--config", new URL("../../../deno.json", import.meta.url).pathname, program],
    signal: AbortSignal.timeout(20_000),
  }).output();
  assertEquals([code, new TextDecoder().decode(stdout)], [0, "joined\n"]);
});
