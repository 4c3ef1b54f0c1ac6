/**
 * Random graphs of channels and coroutines of three peers, compared with a model. Links are cut, peers parted and frozen,
 * and what is written is lost, but no peer is lost: nothing may be missing. `RUNS=10000` runs more of them.
 */
import { Channel, type Coro, sleep } from "@asyncoro/asyncoro";
import type { Network } from "@asyncoro/asyncoro/distributed";
import { assert, assertEquals } from "@std/assert";
import { runs } from "../../helpers/runs.ts";
import { listener } from "./helpers.ts";
import { type Body, type Choices, PEERS, SimulatedPeers } from "./simulated_world.ts";

interface Sent {
  readonly text: string;
  /** The listeners that must get it. */
  readonly to: number[];
}

/** Which channels there are, and who subscribes to them: all by a seed. */
class Graph {
  readonly channels: readonly { readonly name: string; readonly home: string }[];
  /** From a channel to one that subscribes to it, and who asks for that. */
  edges: readonly { readonly from: number; readonly to: number; readonly by: string }[];
  readonly listeners: readonly { readonly home: string; readonly channels: Set<number>; got: unknown[] }[];

  constructor(choices: Choices) {
    const one = (): number => choices.below(4);
    this.channels = Array.from({ length: 4 }, (_, i) => ({ name: `channel ${i}`, home: choices.of(PEERS) }));
    this.edges = Array.from({ length: 5 }, () => ({ from: one(), to: one(), by: choices.of(PEERS) }));
    this.listeners = Array.from({ length: 5 }, () => ({
      home: choices.of(PEERS),
      channels: new Set([one(), one()]),
      got: [],
    }));
  }

  /** The listeners that a message to a channel reaches. */
  reached(channel: number): number[] {
    const channels = new Set([channel]);
    for (const each of channels) for (const { from, to } of this.edges) if (from === each) channels.add(to);
    return this.listeners.flatMap((each, i) => [...each.channels].some((one) => channels.has(one)) ? [i] : []);
  }
}

/** One run. */
class Run {
  readonly peers: SimulatedPeers;
  readonly sent: Sent[] = [];
  readonly graph: Graph;
  #over = false;

  constructor(seed: number) {
    this.peers = new SimulatedPeers(seed, seed % 3 === 0 ? 0.05 : 0, { peerTimeout: 60 });
    this.graph = new Graph(this.peers.choices);
  }

  async run(): Promise<void> {
    for (const name of PEERS) this.peers.start(name, (network, coro) => this.#live(network, coro));
    const faults = this.#faults.bind(this);
    this.peers.scheduler("faults").spawn(function* () {
      yield* faults();
    });
    await this.peers.run();
  }

  *#live(network: Network, coro: Coro): Body {
    const { peers, graph } = this;
    const { name } = network.location;
    const own = graph.channels.filter(({ home }) => home === name).map((each) => new Channel<string>(each.name));
    const listeners = new Map<number, Coro>();
    for (const [i, each] of graph.listeners.entries()) {
      if (each.home !== name) continue;
      const near = listener(coro);
      each.got = near.got;
      listeners.set(i, near.coro);
    }
    for (const other of PEERS) yield* network.peer(`sim:${other}`, 60);
    yield* peers.meet(name, 0);
    const channels: Channel<string>[] = [];
    for (const each of graph.channels) channels.push((yield* Channel.locate<string>(each.name))!);
    for (const { from, to, by } of graph.edges) {
      if (by === name) assert(yield* channels[from].subscribe(channels[to]));
    }
    for (const [i, near] of listeners) {
      for (const channel of graph.listeners[i].channels) assert(yield* channels[channel].subscribe(near));
    }
    yield* peers.meet(name, 1);
    yield* this.#traffic(name, channels, 0);
    yield* this.#allArrived(network, 2);
    // The same with fewer subscribers.
    const [kept, removed] = [graph.edges.slice(0, 3), graph.edges.slice(3)];
    for (const { from, to, by } of removed) {
      const stays = kept.some((edge) => edge.from === from && edge.to === to);
      if (by === name && !stays) yield* channels[from].unsubscribe(channels[to]);
    }
    for (const [i, near] of listeners) {
      const [, second] = graph.listeners[i].channels;
      if (second === undefined) continue;
      assert(yield* channels[second].unsubscribe(near));
      graph.listeners[i].channels.delete(second);
    }
    yield* peers.meet(name, 5);
    graph.edges = kept;
    yield* this.#traffic(name, channels, 100);
    yield* this.#allArrived(network, 6);
    this.#over = true;
    for (const channel of own) channel.close();
  }

  *#traffic(name: string, channels: readonly Channel<string>[], first: number): Body {
    const { choices } = this.peers;
    for (let i = first; i < first + 25; i++) {
      const channel = choices.below(channels.length);
      const text = `${name} ${channel} ${i}`;
      const to = this.graph.reached(channel);
      this.sent.push({ text, to });
      if (choices.below(3) === 0) assertEquals(yield* channels[channel].deliver(text), to.length, text);
      else channels[channel].send(text);
      if (choices.below(3) === 0) yield* sleep(choices.between(0, 1));
    }
  }

  /** Waits until everything that was sent has arrived everywhere. */
  *#allArrived(network: Network, step: number): Body {
    const { name } = network.location;
    yield* this.peers.meet(name, step);
    yield* this.#settled(network);
    // What was sent has arrived where the channels are, from where it may have gone on meanwhile.
    yield* this.peers.meet(name, step + 1);
    yield* this.#settled(network);
    yield* this.peers.meet(name, step + 2);
  }

  *#settled(network: Network): Body {
    for (let i = 0;; i++) {
      const { pending, queuedBytes } = network.stats();
      if (pending === 0 && queuedBytes === 0 && network.channels.broadcasts.size === 0) return;
      if (i > 1000) throw new Error(`Something is left: ${pending} ${network.channels.broadcasts.size}`);
      yield* sleep(0.1);
    }
  }

  *#faults(): Body {
    const { simulation, choices } = this.peers;
    while (!this.#over) {
      yield* sleep(choices.between(0, 10));
      const name = choices.of(PEERS);
      const others = PEERS.filter((other) => other !== name);
      const kind = choices.below(4);
      if (kind < 2) simulation.cut(name, choices.of(others));
      else if (kind === 2) simulation.freeze(name, choices.between(0, 5));
      else {
        simulation.partition([name], others);
        yield* sleep(choices.between(0, 10));
        simulation.heal();
      }
    }
  }

  /** Throws if somebody has got something else than it must, or in another order. */
  check(): void {
    for (const [i, { got }] of this.graph.listeners.entries()) {
      const expected = this.sent.filter(({ to }) => to.includes(i)).map(({ text }) => text);
      assertEquals(got.toSorted(), expected.toSorted(), `what listener ${i} has got`);
      // What one sender sends through one channel arrives in the order sent.
      const last = new Map<string, number>();
      for (const text of got as string[]) {
        const [name, channel, number] = text.split(" ");
        const way = `${name} ${channel}`;
        assert(Number(number) > (last.get(way) ?? -1), `${text} came too late to listener ${i}`);
        last.set(way, Number(number));
      }
    }
  }
}

Deno.test("each coroutine gets each message that can reach it, once and in order, whatever is cut", async () => {
  const only = Deno.env.get("SEED");
  for (let seed = Number(only ?? 1); seed <= Number(only ?? runs(60)); seed++) {
    const run = new Run(seed);
    try {
      await run.run();
      run.check();
    } catch (error) {
      throw new Error(`Seed ${seed} has failed`, { cause: error });
    }
  }
});
