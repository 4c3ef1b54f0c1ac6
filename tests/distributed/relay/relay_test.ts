/** Links through a third peer: servers are peers of their own, which their node reaches. */
import { Channel, Coro, sleep, withTimeout } from "@asyncoro/asyncoro";
import { assert, assertEquals, assertInstanceOf, assertRejects } from "@std/assert";
import { PeerEndedError, PeerLostError } from "../../../core/distributed/errors.ts";
import type { Network } from "../../../core/distributed/network.ts";
import type { PeerStatus } from "../../../core/distributed/peer_status.ts";
import { RCI } from "../../../core/distributed/rci/rci.ts";
import { eventually, QUICK } from "../pair.ts";
import { type Body, inWorld, type RelayedWorld, runOn, type Server, type Steps } from "./relayed_world.ts";

/** A client, a node, and a server that has an echo and an RCI. */
async function cluster(world: RelayedWorld, server = "s"): Promise<{ client: Network; node: Network; server: Server }> {
  const node = await world.run("n", () => world.joinAsNode("n"));
  const joined = await world.run(server, function* (): Steps<Server> {
    const joined = yield* world.joinAsServer(server, node);
    new Coro(function* echo(coro: Coro) {
      coro.setDaemon();
      coro.register();
      for (;;) {
        const { from, value } = yield* coro.receive<{ from: Coro; value: unknown }>();
        from.send(value);
      }
    });
    new RCI(function* endless() {
      yield* sleep(Infinity);
    }).register();
    return joined;
  });
  return { client: await world.run("c", () => world.join("c")), node, server: joined };
}

/** Runs a coroutine on the scheduler of a network. */
function at<T>(network: Network, body: Body<T>): Promise<T> {
  return runOn(network.peerTable.loop.scheduler, body);
}

Deno.test("a server has the address of its node and an id of its own, and is reached by its location", () =>
  inWorld(async (world) => {
    const { client, node, server } = await cluster(world);
    const { location } = server.network;
    assertEquals([location.address, location.name], [node.location.address, "s"]);
    assert(location.id !== node.location.id);
    await at(client, function* (coro) {
      assertEquals((yield* client.peer(location)).id, location.id);
      const echo = (yield* Coro.locate("echo", 5, location))!;
      assertEquals(echo.location!.address, node.location.address);
      for (let i = 0; i < 1000; i++) echo.send({ from: coro, value: i });
      for (let i = 0; i < 1000; i++) assertEquals(yield* coro.receive<number>(5), i);
    });
  }));

Deno.test("a server finds names everywhere, and channels and RCIs go through the node", () =>
  inWorld(async (world) => {
    const { client, server } = await cluster(world);
    await at(client, function* () {
      yield* client.peer(server.network.location);
      new Channel("news");
      new RCI(function* double(_coro: Coro, n: number) {
        return 2 * n;
      }).register();
    });
    await at(server.network, function* (coro) {
      const news = (yield* Channel.locate("news", 5))!;
      assertEquals(yield* news.subscribe(coro, 5), true);
      assertEquals(yield* news.deliver("x", 5, 1), 1);
      assertEquals(yield* coro.receive(5), "x");
      const double = (yield* RCI.locate("double", 5))!;
      assertEquals(yield* double.call(21), 42);
    });
  }));

Deno.test("servers of different nodes, and of one node, reach each other by handles that a client passes on", () =>
  inWorld(async (world) => {
    const { client, node, server } = await cluster(world);
    const node2 = await world.run("n2", () => world.joinAsNode("n2"));
    const servers: Server[] = [];
    for (const [name, owner] of [["s2", node2], ["s3", node]] as const) {
      servers.push(await world.run(name, () => world.joinAsServer(name, owner)));
    }
    const [remote, local] = servers;
    for (const other of [remote, local]) {
      const talk = new RCI(function* talk(coro: Coro, echo: Coro) {
        echo.send({ from: coro, value: "through two nodes" });
        return yield* coro.receive(5);
      });
      await at(other.network, function* () {
        talk.register();
      });
      const heard = await at(client, function* () {
        yield* client.peer(server.network.location);
        yield* client.peer(other.network.location);
        const echo = (yield* Coro.locate("echo", 5, server.network.location))!;
        const rci = (yield* RCI.locate("talk", 5, other.network.location))!;
        return yield* rci.call(echo);
      });
      assertEquals(heard, "through two nodes");
    }
  }));

Deno.test("when a server ends, the peers behind its node lose it at once", () =>
  inWorld(async (world) => {
    const { client, server } = await cluster(world);
    await at(client, function* () {
      yield* client.peer(server.network.location);
      const rci = (yield* RCI.locate("endless", 5, server.network.location))!;
      const coro = yield* rci.run();
      server.engine.cut();
      try {
        yield* coro.finish(5);
        throw new Error("It has not ended");
      } catch (error) {
        assertInstanceOf(error, PeerLostError);
      }
      // It will not come back, so the dial does not go on until its time is up.
      try {
        yield* client.peer(server.network.location, 60);
        throw new Error("It has ended");
      } catch (error) {
        assertInstanceOf(error, PeerEndedError);
      }
    });
    await at(server.network, () => eventually(() => server.network.peers().length === 0));
  }));

Deno.test("a server that computes for longer than peerTimeout is lost by nobody, and loses nobody", () =>
  inWorld(async (world) => {
    const { client, node, server } = await cluster(world);
    const coro = await at(client, function* () {
      yield* client.peer(server.network.location);
      const rci = (yield* RCI.locate("endless", 5, server.network.location))!;
      return yield* rci.run();
    });
    server.engine.isBusy = true;
    await at(client, () => sleep(1));
    server.engine.isBusy = false;
    await at(client, function* (self) {
      const echo = (yield* Coro.locate("echo", 5, server.network.location))!;
      echo.send({ from: self, value: "still here" });
      assertEquals(yield* self.receive(5), "still here");
    });
    assert(coro.isAlive());
    assertEquals(node.peers().length, 2);
    assertEquals(server.network.peers().length, 2);
  }, QUICK));

Deno.test("when a node is lost, its servers are lost with it, and they lose their peers", () =>
  inWorld(async (world) => {
    const { client, node, server } = await cluster(world);
    const told = at(server.network, function* (coro) {
      server.network.peerStatus(coro);
      const reasons: string[] = [];
      while (reasons.at(-1) !== "lost") {
        const { location, reason } = yield* coro.receive<PeerStatus>();
        if (location.equals(client.location)) reasons.push(reason);
      }
      return reasons;
    });
    await at(client, function* () {
      yield* client.peer(server.network.location);
      const rci = (yield* RCI.locate("endless", 5, server.network.location))!;
      const coro = yield* rci.run();
      client.closePeer(node.location);
      try {
        yield* coro.finish(5);
        throw new Error("It has not ended");
      } catch (error) {
        assertInstanceOf(error, PeerLostError);
      }
    });
    assertEquals(await told, ["joined", "lost"]);
  }));

Deno.test("a cut between client and node loses and doubles nothing of what is on its way to a server", () =>
  inWorld(async (world) => {
    const { client, node, server } = await cluster(world);
    await at(client, function* (coro) {
      yield* client.peer(server.network.location);
      const echo = (yield* Coro.locate("echo", 5, server.network.location))!;
      for (let i = 0; i < 2000; i++) {
        echo.send({ from: coro, value: i });
        if (i % 100 === 50) yield;
        if (i % 500 === 300) (world.hub.engines.get(client.location.address)!).cut();
      }
      for (let i = 0; i < 2000; i++) assertEquals(yield* coro.receive<number>(5), i);
    });
    assertEquals(node.peers().length, 2);
  }));

Deno.test("a peer that is no relay refuses, and counts it", () =>
  inWorld(async (world) => {
    const { client, node, server } = await cluster(world);
    node.relay.isRelay = false;
    await assertRejects(
      () => at(client, () => client.peer(server.network.location, 0.3)),
      Error,
      "relay",
    );
    assert(node.stats().refused > 0);
  }));

Deno.test("what a busy server does not take is kept by the client, not by the node", () =>
  inWorld(async (world) => {
    const { client, node, server } = await cluster(world);
    await at(client, function* (coro) {
      yield* client.peer(server.network.location);
      const echo = (yield* Coro.locate("echo", 5, server.network.location))!;
      server.engine.isBusy = true;
      const value = "x".repeat(100_000);
      for (let i = 0; i < 100; i++) {
        echo.send({ from: coro, value });
        yield* sleep(0.001);
      }
      assert(client.stats().queuedBytes > 8e6, String(client.stats().queuedBytes));
      assert(node.stats().queuedBytes < 2e6, String(node.stats().queuedBytes));
      server.engine.isBusy = false;
      for (let i = 0; i < 100; i++) assertEquals((yield* coro.receive<string>()).length, value.length);
      yield* eventually(() => node.stats().queuedBytes === 0 && client.stats().queuedBytes === 0);
    });
  }));

Deno.test("waits for a link that are cut short leave no tunnel behind", () =>
  inWorld(async (world) => {
    const { client, node, server } = await cluster(world);
    server.engine.isBusy = true;
    await at(client, function* () {
      for (const seconds of [0, 0.001, 0.01, 0.05]) {
        try {
          yield* withTimeout(seconds, client.peer(server.network.location));
        } catch {
          // It is cut short.
        }
      }
    });
    server.engine.isBusy = false;
    await at(client, () => eventually(() => client.relay.size === 0));
    await at(node, () => eventually(() => node.relay.size === 0));
    await at(server.network, () => eventually(() => server.network.relay.size === 0));
  }));

Deno.test("a server says goodbye to the peers behind its node, too", () =>
  inWorld(async (world) => {
    const { client, server } = await cluster(world);
    const left = server.network.location;
    await at(client, () => client.peer(left));
    const told = at(client, function* (coro) {
      client.peerStatus(coro);
      for (;;) {
        const { location, online, reason } = (yield* coro.receive<PeerStatus>(5))!;
        if (location.equals(left) && !online) return reason;
      }
    });
    await at(server.network, () => server.network.leave());
    assertEquals(await told, "left");
  }));
