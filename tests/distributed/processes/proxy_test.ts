/** What a network does to the bytes of a link, at its worst: a proxy between two processes. */
import { Coro, sleep, until } from "@asyncoro/asyncoro";
import { type Engine, type NetworkOptions, tcp } from "@asyncoro/asyncoro/distributed";
import { call } from "@asyncoro/asyncoro";
import { assert, assertEquals, assertGreater } from "@std/assert";
import { seeded } from "../../io/helpers.ts";
import { withPeers } from "./peer_processes.ts";
import { type Filter, Proxy } from "./proxy.ts";

/** Handshakes are broken as well, and dials are up to a second apart: the peer is not to be lost meanwhile. */
const PATIENT: NetworkOptions = { peerTimeout: 20 };

/** The engine of a peer whose links, in both directions, go through proxies. */
class ProxiedEngine implements Engine {
  readonly scheme = "tcp";
  readonly trusted = false;
  readonly loopback = true;
  readonly proxies: Proxy[] = [];
  /** Where the only other peer listens. */
  port = 0;
  readonly #inner = tcp();

  open(incoming: Parameters<Engine["open"]>[0]): ReturnType<Engine["open"]> {
    const { proxies } = this;
    const inner = this.#inner;
    return call(function* () {
      const proxy = new Proxy(Number(new URL(yield* inner.open(incoming)).port));
      proxies.push(proxy);
      return `tcp://${proxy.address}`;
    }());
  }

  dial(_address: string, timeout: number): ReturnType<Engine["dial"]> {
    if (this.proxies.length < 2) this.proxies.push(new Proxy(this.port));
    return this.#inner.dial(this.proxies[1].address, timeout);
  }

  close(): ReturnType<Engine["close"]> {
    return this.#inner.close();
  }
}

Deno.test("messages arrive once and in order although the connection is cut, delayed and changed", async () => {
  const random = seeded(20261130);
  const engine = new ProxiedEngine();
  await withPeers(function* (coro, { network, start, reported }) {
    const peer = yield* until(start("counter", 0, PATIENT));
    engine.port = peer.port;
    try {
      yield* network.peer(peer.address);
      const { proxies } = engine;
      const counter = (yield* Coro.locate("counter", 10))!;
      const once = (act: (...args: [...Parameters<Filter>, Proxy]) => Uint8Array[]) => {
        for (const proxy of proxies) {
          proxy.filter = (bytes, direction) => {
            proxy.filter = (same) => [same];
            return act(bytes, direction, proxy);
          };
        }
      };
      const kinds: Record<string, () => void> = {
        cut: () => proxies.forEach((proxy) => proxy.cut()),
        delay: () => proxies.forEach((proxy) => proxy.delay = random(50)),
        // One bit of what passes: the MAC does not fit, and the link is closed.
        change: () => {
          once((bytes) => {
            bytes[random(bytes.length)] ^= 1 << random(8);
            return [bytes];
          });
        },
        // What was sent before, again.
        replay: () => {
          once((bytes) => [bytes, bytes.slice()]);
        },
        reflect: () => {
          once((bytes, direction, proxy) =>
            direction === "out" ? [bytes] : [bytes, ...proxy.recorded.at(-1)!.slice(0, 2)]
          );
        },
      };
      let next = 0;
      for (let round = 0; round < 40; round++) {
        for (let i = random(200); i > 0; i--) counter.send(next++);
        const names = Object.keys(kinds);
        kinds[names[random(names.length)]]();
        yield* sleep(random(10) / 100);
      }
      // On a busy machine no cut may have met a message on its way: a message that the proxy holds is lost with the cut.
      for (let tries = 0; network.stats().resent === 0 && tries < 100; tries++) {
        for (const proxy of proxies) proxy.delay = 20;
        counter.send(next++);
        yield* sleep(0.01);
        kinds.cut();
        yield* sleep(0.1);
      }
      for (const proxy of proxies) proxy.delay = 0;
      counter.send({ count: true, to: coro });
      assertEquals(yield* coro.receive(20), { count: next, inOrder: true });
      assertGreater(proxies.reduce((sum, { accepted }) => sum + accepted, 0), 5);
      assert(network.stats().resent > 0);
      assertEquals(reported, []);
    } finally {
      for (const proxy of engine.proxies) yield* until(proxy[Symbol.asyncDispose]());
    }
  }, { engines: [engine], ...PATIENT });
});

Deno.test("a handshake that was recorded is worth nothing", async () => {
  await withPeers(function* (coro, { network, start }) {
    const peer = yield* until(start("counter"));
    const proxy = new Proxy(peer.port);
    try {
      yield* network.peer(proxy.address);
      const counter = (yield* Coro.locate("counter", 10))!;
      counter.send(0);
      yield* sleep(0.2);
      const recorded = proxy.recorded[0];
      const attacker = yield* until(Deno.connect({ hostname: "127.0.0.1", port: peer.port }));
      for (const bytes of recorded) yield* until(attacker.write(bytes));
      const buffer = new Uint8Array(4096);
      // It is answered with a challenge, and closed for the proof that belongs to another one.
      for (;;) {
        const count = yield* until(attacker.read(buffer).catch(() => null));
        if (count === null) break;
      }
      attacker.close();
      counter.send({ stats: true, to: coro });
      const stats = (yield* coro.receive<{ refused: number; peers: number }>(5))!;
      assertEquals([stats.refused, stats.peers], [1, 1]);
      counter.send({ count: true, to: coro });
      assertEquals(yield* coro.receive(5), { count: 1, inOrder: true });
    } finally {
      yield* until(proxy[Symbol.asyncDispose]());
    }
  });
});
