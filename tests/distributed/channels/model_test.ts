/** Random graphs of channels and coroutines of three peers, compared with a model, while links are cut. */
import { Channel, type Coro, sleep, until } from "@asyncoro/asyncoro";
import { assert, assertEquals } from "@std/assert";
import { type Here, type Program, together } from "../together.ts";
import { type Body, eventually, listener, pending } from "./helpers.ts";

const PEERS = ["a", "b", "c"];

/** Which channels there are, who subscribes to them, and what is sent: all by a seed. */
class World {
  readonly random: (n: number) => number;
  readonly channels: { readonly name: string; readonly home: string }[];
  /** From a channel to one that subscribes to it, and who asks for that. */
  edges: { readonly from: number; readonly to: number; readonly by: string }[];
  readonly listeners: { readonly home: string; readonly got: string[]; coro: Coro | null; channels: Set<number> }[];

  constructor(seed: number) {
    let state = seed;
    this.random = (n) => (state = Math.imul(state, 1103515245) + 12345 >>> 0) / 65_536 % n | 0;
    this.channels = Array.from({ length: 4 }, (_, i) => ({ name: `${seed} ${i}`, home: this.peer() }));
    this.edges = Array.from({ length: 5 }, () => ({ from: this.random(4), to: this.random(4), by: this.peer() }));
    this.listeners = Array.from({ length: 5 }, () => ({
      home: this.peer(),
      got: [],
      coro: null,
      channels: new Set([this.random(4), this.random(4)]),
    }));
  }

  peer(): string {
    return PEERS[this.random(PEERS.length)];
  }

  /** The listeners that a message to a channel reaches. */
  reached(channel: number): number[] {
    const channels = new Set([channel]);
    for (const each of channels) for (const { from, to } of this.edges) if (from === each) channels.add(to);
    return this.listeners.flatMap((each, i) => [...each.channels].some((one) => channels.has(one)) ? [i] : []);
  }
}

interface Sent {
  readonly text: string;
  readonly to: number[];
}

/** One peer of a world. All take the same steps together. */
function program(world: World, sent: Sent[]): Program {
  return function* (coro, here) {
    const name = here.network.location.name;
    const own = world.channels.filter(({ home }) => home === name).map((each) => new Channel<string>(each.name));
    for (const each of world.listeners.filter(({ home }) => home === name)) {
      const near = listener(coro);
      each.coro = near.coro;
      near.coro.register(`${world.channels[0].name} ${world.listeners.indexOf(each)}`);
      near.got.push = (text) => each.got.push(text as string);
    }
    yield* until(here.meet());
    for (const other of PEERS) yield* here.network.peer(`memory:${other}`);
    const channels: Channel<string>[] = [];
    for (const each of world.channels) {
      const channel = yield* Channel.locate<string>(each.name, 5);
      if (channel === null) throw new Error(`${each.name} was not found`);
      channels.push(channel);
    }
    for (const { from, to, by } of world.edges) {
      if (by === name) assert(yield* channels[from].subscribe(channels[to], 5));
    }
    for (const each of world.listeners) {
      if (each.home !== name) continue;
      for (const channel of each.channels) assert(yield* channels[channel].subscribe(each.coro!, 5));
    }
    yield* until(here.meet());
    yield* traffic(world, sent, channels, here, 0);
    yield* until(here.meet());
    yield* allSettled(here);
    yield* until(here.meet());
    // The same with fewer subscribers.
    for (const { from, to, by } of world.edges.slice(3)) {
      const again = world.edges.slice(0, 3).some((edge) => edge.from === from && edge.to === to);
      if (by === name && !again) yield* channels[from].unsubscribe(channels[to], 5);
    }
    for (const each of world.listeners) {
      const [, second] = each.channels;
      if (each.home === name && second !== undefined) {
        assert(yield* channels[second].unsubscribe(each.coro!, 5));
        each.channels.delete(second);
      }
    }
    yield* until(here.meet());
    world.edges = world.edges.slice(0, 3);
    yield* traffic(world, sent, channels, here, 100);
    yield* until(here.meet());
    yield* allSettled(here);
    yield* until(here.meet());
    assertEquals(here.reported, []);
    for (const channel of own) channel.close();
  };
}

function* traffic(world: World, sent: Sent[], channels: Channel<string>[], here: Here, first: number): Body {
  const { random } = world;
  const { name } = here.network.location;
  for (let i = first; i < first + 25; i++) {
    const channel = random(channels.length);
    const text = `${name} ${channel} ${i}`;
    const to = world.reached(channel);
    sent.push({ text, to });
    if (random(3) === 0) assertEquals(yield* channels[channel].deliver(text, 5), to.length, text);
    else channels[channel].send(text);
    if (random(15) === 0) here.hub.cut();
    if (random(3) === 0) yield* sleep(0);
  }
}

function* allSettled(here: Here): Body {
  yield* eventually(() => {
    const { pending: waiting, underWay } = pending(here);
    return waiting === 0 && underWay === 0 && here.network.stats().queuedBytes === 0;
  }, "all is settled");
}

async function run(seed: number): Promise<void> {
  const world = new World(seed);
  const sent: Sent[] = [];
  const each = program(world, sent);
  await together(Object.fromEntries(PEERS.map((name) => [name, each])));
  for (const [i, { got }] of world.listeners.entries()) {
    const expected = sent.filter(({ to }) => to.includes(i)).map(({ text }) => text);
    assertEquals(got.toSorted(), expected.toSorted(), `seed ${seed}: what listener ${i} has got`);
    // From one sender through one channel, in the order sent.
    const last = new Map<string, number>();
    for (const text of got) {
      const [name, channel, number] = text.split(" ");
      const way = `${name} ${channel}`;
      assert(Number(number) > (last.get(way) ?? -1), `seed ${seed}: ${text} came too late to listener ${i}`);
      last.set(way, Number(number));
    }
  }
}

Deno.test("each coroutine gets each message that can reach it, once and in order, whatever is cut (40 seeds)", async () => {
  await Promise.all(Array.from({ length: 40 }, (_, i) => run(1 + i)));
});
