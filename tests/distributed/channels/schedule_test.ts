/**
 * Channels of three peers in random schedules with every fault: links are cut, peers parted, frozen, lost, crashed and
 * restarted. All coroutines subscribe to all channels; in every other schedule the channels to each other, too, so that a
 * message goes many ways. `RUNS=10000` runs more of them, and `SEED=7` one again.
 */
import { Channel, ChannelClosedError, type Coro, sleep } from "@asyncoro/asyncoro";
import { BackpressureError, type Network } from "@asyncoro/asyncoro/distributed";
import { assert, assertEquals } from "@std/assert";
import { runs } from "../../helpers/runs.ts";
import { type Body, PEERS, SimulatedPeers } from "./simulated_world.ts";

const FAULT_SECONDS = 20;
const CALM_SECONDS = 120;

interface Message {
  /** The id of the joining that has sent it. */
  readonly from: string;
  /** The name of the channel, and the joining that it lives at. */
  readonly through: string;
  readonly number: number;
}

/** What must never happen does not: each message arrives once at the most, and in order. */
class Ledger {
  arrivals = 0;
  /** Whether messages go one way only. If one way is lost, a later message may come first by another one. */
  readonly #keepsOrder: boolean;
  readonly #counts: Map<string, number> = new Map();
  readonly #last: Map<string, number> = new Map();
  readonly #seen: Set<string> = new Set();
  readonly #acknowledged: [Message, number][] = [];

  constructor(keepsOrder: boolean) {
    this.#keepsOrder = keepsOrder;
  }

  arrived(message: Message, at: string): void {
    this.arrivals++;
    const text = `${message.from} ${message.through} ${message.number}`;
    assert(!this.#seen.has(`${text} ${at}`), `${text} arrived twice at ${at}`);
    this.#seen.add(`${text} ${at}`);
    const way = `${message.from} ${message.through} ${at}`;
    const isLate = message.number < (this.#last.get(way) ?? 0);
    assert(!isLate || !this.#keepsOrder, `${text} arrived at ${at} after a later one`);
    this.#last.set(way, message.number);
    this.#counts.set(text, this.countOf(message) + 1);
  }

  /** So many coroutines have got a message into their mailboxes. */
  acknowledged(message: Message, count: number): void {
    this.#acknowledged.push([message, count]);
  }

  /** Throws if more have acknowledged a message than have got it. */
  check(): void {
    for (const [message, count] of this.#acknowledged) {
      assert(count <= this.countOf(message), `${message.number} was acknowledged ${count} times`);
    }
  }

  /** How many coroutines have got a message. */
  countOf({ from, through, number }: Message): number {
    return this.#counts.get(`${from} ${through} ${number}`) ?? 0;
  }
}

class Schedule {
  readonly peers: SimulatedPeers;
  readonly ledger: Ledger;
  /** Whether the channels subscribe to each other. */
  readonly #hasCycles: boolean;
  readonly #alive: Set<string> = new Set();
  readonly #atEnd: Map<string, number> = new Map();
  #numbers = 0;
  #faultsOver = false;

  constructor(seed: number) {
    this.#hasCycles = seed % 2 === 0;
    this.ledger = new Ledger(!this.#hasCycles);
    this.peers = new SimulatedPeers(seed, seed % 3 === 0 ? 0.03 : 0, { peerTimeout: 3 });
  }

  async run(): Promise<void> {
    for (const name of PEERS) this.#start(name);
    const faults = this.#faults.bind(this);
    this.peers.scheduler("faults").spawn(function* () {
      yield* faults();
    });
    await this.peers.run();
    assertEquals(this.#atEnd.size, PEERS.length);
    this.ledger.check();
  }

  #start(name: string): void {
    this.peers.start(name, (network, coro) => this.#live(network, coro));
  }

  *#live(network: Network, coro: Coro): Body {
    const { name, id } = network.location;
    this.#alive.add(name);
    const own = new Channel<Message>("news");
    const { ledger } = this;
    const near = coro.scheduler.spawnWith({ name: "listener", daemon: true }, function* (self): Body {
      for (;;) ledger.arrived(yield* self.receive<Message>(), id);
    });
    const subscribe = this.#subscribe.bind(this);
    const subscriber = coro.scheduler.spawnWith({ name: "subscriber", daemon: true }, function* (): Body {
      yield* subscribe(network, own, near);
    });
    const { choices } = this.peers;
    for (let i = 0; i < 10; i++) {
      yield* sleep(choices.between(0, 2 * FAULT_SECONDS / 10));
      yield* this.#act(network, own);
    }
    while (!this.#faultsOver) yield* sleep(0.5);
    // All subscribe again, so that one message reaches all.
    const end = coro.scheduler.now() + CALM_SECONDS;
    while ((yield* own.deliver(this.#next(id, `news ${id}`), 5)) < PEERS.length) {
      assert(coro.scheduler.now() < end, `${name} does not reach all again`);
      yield* sleep(0.5);
    }
    this.#atEnd.set(name, 1);
    while (this.#atEnd.size < PEERS.length) yield* sleep(0.1);
    subscriber.terminate();
    // What is kept of broadcasts that a lost peer has passed on is dropped after a minute.
    yield* sleep(70);
    assertEquals([network.stats().pending, network.channels.broadcasts.size], [0, 0], "what is left");
    this.#atEnd.set(name, 2);
    while ([...this.#atEnd.values()].some((step) => step < 2)) yield* sleep(0.1);
    own.close();
  }

  #next(from: string, through: string): Message {
    return { from, through, number: ++this.#numbers };
  }

  /** Subscribes to the channels of the others whenever it may not be subscribed, with its coroutine and its channel. */
  *#subscribe(network: Network, own: Channel<Message>, near: Coro): Body {
    yield* own.subscribe(near);
    for (;;) {
      for (const other of PEERS) {
        if (other === network.location.name) continue;
        try {
          const location = yield* network.peer(`sim:${other}`, 2);
          const channel = yield* Channel.locate<Message>("news", 2, location);
          if (channel === null) continue;
          yield* channel.subscribe(near, 2);
          if (this.#hasCycles) yield* channel.subscribe(own, 2);
        } catch {
          // Next time.
        }
      }
      yield* sleep(0.5);
    }
  }

  *#act(network: Network, own: Channel<Message>): Body {
    const { choices } = this.peers;
    const { id } = network.location;
    const location = choices.of([network.location, ...network.peers()]);
    const channel = location === network.location ? own : yield* Channel.locate<Message>("news", 2, location);
    if (channel === null) return;
    const count = 1 + choices.below(4);
    try {
      for (let i = 0; i < count; i++) {
        const message = this.#next(id, `news ${location.id}`);
        if (choices.below(3) > 0) {
          channel.send(message);
          continue;
        }
        this.ledger.acknowledged(
          message,
          yield* channel.deliver(message, choices.between(0.1, 8), choices.below(3)),
        );
      }
    } catch (error) {
      if (!(error instanceof ChannelClosedError || error instanceof BackpressureError)) throw error;
    }
  }

  *#faults(): Body {
    const { simulation, choices } = this.peers;
    const count = choices.below(6);
    for (let i = 0; i < count; i++) {
      yield* sleep(choices.between(0, 2 * FAULT_SECONDS / count));
      const name = choices.of(PEERS);
      const others = PEERS.filter((other) => other !== name);
      const kind = choices.below(6);
      if (kind < 2) simulation.cut(name, choices.of(others));
      else if (kind === 2) simulation.partition([name], others);
      else if (kind === 3) simulation.heal();
      else if (kind === 4) simulation.freeze(name, choices.between(0.1, 6));
      else if (this.#alive.delete(name)) {
        simulation.crash(name);
        yield* sleep(choices.between(0, 5));
        this.#start(name);
      }
    }
    simulation.heal();
    this.#faultsOver = true;
  }
}

Deno.test("in every schedule messages arrive once and in order, waits end, and who subscribes again hears all again", async () => {
  const only = Deno.env.get("SEED");
  let arrivals = 0;
  for (let seed = Number(only ?? 1); seed <= Number(only ?? runs(100)); seed++) {
    const schedule = new Schedule(seed);
    try {
      await schedule.run();
    } catch (error) {
      throw new Error(`Seed ${seed} has failed`, { cause: error });
    }
    arrivals += schedule.ledger.arrivals;
  }
  assert(arrivals > 0);
});
