/** Channels: a message reaches the subscribers of that moment, once, by every path, in order. */
import { Channel, type Coro } from "@asyncoro/asyncoro";
import { Ledger, type Letter } from "../ledger.ts";
import { populate } from "../population.ts";
import type { Society } from "../society.ts";
import { Thrown } from "../violation.ts";
import type { Body, World } from "../world.ts";

/** A coroutine that may subscribe. */
interface Reader {
  readonly coro: Coro;
  readonly ledger: Ledger;
}

/** A message: a letter for each coroutine that is to get it. */
type Issue = Map<Ledger, Letter>;

/** Three channels: the first sends to the second, the second to the third, and the first to the third too. */
class ChannelGraph {
  readonly channels: readonly Channel[];
  readonly #world: World;
  // The subscribers, as recorded here.
  readonly #subscribers: readonly Set<Reader>[] = [new Set(), new Set(), new Set()];
  readonly #ended: Reader[] = [];
  readonly #readers: Map<Coro, Reader> = new Map();

  constructor(world: World) {
    this.#world = world;
    this.channels = ["daily", "weekly", "monthly"].map((name) => new Channel(world.newName(name)));
  }

  *connect(): Body {
    const [daily, weekly, monthly] = this.channels;
    yield* daily.subscribe(weekly);
    yield* weekly.subscribe(monthly);
    yield* daily.subscribe(monthly);
    // A cycle has no effect.
    yield* monthly.subscribe(monthly);
  }

  newReader(): Coro {
    const ledger = new Ledger(this.#world, this.#world.newName("reader"));
    const coro = this.#world.spawn("reader", (coro) => this.#read({ coro, ledger }));
    this.#readers.set(coro, { coro, ledger });
    return coro;
  }

  *#read(reader: Reader): Body {
    const world = this.#world;
    const take = (issue: unknown) => (issue as Issue).get(reader.ledger)!;
    try {
      while (!world.over) {
        try {
          if (world.random.chance(0.2)) yield* this.#change(this.#readers.get(reader.coro)!);
          yield* reader.ledger.receive(reader.coro, false, take);
        } catch (error) {
          if (!(error instanceof Thrown) || world.random.chance(0.5)) throw error;
        }
      }
    } finally {
      yield* reader.ledger.drain(reader.coro, take);
    }
  }

  /** Subscribes or unsubscribes. Neither waits, so nothing happens between the call and its record. */
  *#change(reader: Reader): Body {
    const index = this.#world.random.below(this.channels.length);
    const [channel, subscribers] = [
      this.channels[index],
      this.#subscribers[index],
    ];
    const there = subscribers.has(reader);
    // The operation may give others a turn after it has taken effect, so it is recorded before; nothing runs in
    // between.
    if (there) subscribers.delete(reader);
    else subscribers.add(reader);
    const answer = yield* there ? channel.unsubscribe(reader.coro) : channel.subscribe(reader.coro);
    this.#world.check(
      answer,
      "subscribe() and unsubscribe() return the truth",
      () => `${reader.coro}, was there: ${there}`,
    );
    this.#world.done(there ? "channel: unsubscribed" : "channel: subscribed");
  }

  ended(coro: Coro): void {
    const reader = this.#readers.get(coro)!;
    this.#readers.delete(coro);
    this.#ended.push(reader);
    reader.ledger.close();
  }

  /**
   * Failed coroutines stay subscribed as long as their monitor might restart them. It does not, so they are removed.
   */
  *#tidy(): Body {
    for (const reader of this.#ended.splice(0)) {
      for (const [index, subscribers] of this.#subscribers.entries()) {
        if (subscribers.delete(reader)) yield* this.channels[index].unsubscribe(reader.coro);
      }
    }
  }

  *publish(coro: Coro): Body {
    const world = this.#world;
    while (!world.over) {
      yield* coro.sleep(world.seconds(1));
      yield* this.#tidy();
      for (let left = world.random.from(1, 4); left > 0; left--) {
        if (world.random.chance(0.6)) this.#send();
        else yield* this.#deliver();
      }
    }
  }

  /** Makes a message for all that a channel reaches now. */
  #issue(index: number): Issue {
    const issue: Issue = new Map();
    for (const subscribers of this.#subscribers.slice(index)) {
      for (const { coro, ledger } of subscribers) {
        if (!coro.isAlive() || issue.has(ledger)) continue;
        const letter = ledger.newLetter(0);
        ledger.sent(letter);
        issue.set(ledger, letter);
      }
    }
    return issue;
  }

  #send(): void {
    const index = this.#world.random.below(this.channels.length);
    const passed = this.channels[index].send(this.#issue(index));
    this.#world.check(passed, "A channel without transform lets everything pass", () => this.channels[index].name);
    this.#world.done("channel: sent");
  }

  *#deliver(): Body {
    const index = this.#world.random.below(this.channels.length);
    const issue = this.#issue(index);
    const failed = [
      ...this.#subscribers[0],
      ...this.#subscribers[1],
      ...this.#subscribers[2],
    ].filter(({ coro }) => !coro.isAlive()).length;
    const count = yield* this.channels[index].deliver(issue, this.#world.seconds(1));
    // Failed coroutines get messages too, as their monitor might restart them.
    const most = issue.size + failed;
    const holds = count >= issue.size && count <= most;
    this.#world.check(holds, "deliver() tells how many got it", () => `${count}, not ${issue.size} to ${most}`);
    this.#world.done("channel: delivered");
  }

  *close(): Body {
    yield* this.#tidy();
    for (const channel of this.channels) {
      const { subscribers } = channel.statistics();
      this.#world.check(
        subscribers === 0,
        "A coroutine that ends is unsubscribed",
        () => `${subscribers} in ${channel.name}`,
      );
      channel.close();
    }
  }
}

/** See the head of this file. */
export const channels: Society = {
  name: "channels",
  *conduct(coro: Coro, world: World): Body {
    const graph = new ChannelGraph(world);
    yield* graph.connect();
    const publishers = [1, 2].map(() => world.spawn("publisher", (coro) => graph.publish(coro)));
    yield* populate(world, coro, {
      size: 10,
      mortal: true,
      newMember: () => graph.newReader(),
      ended: (reader) => graph.ended(reader),
    });
    for (const publisher of publishers) yield* publisher.finish();
    yield* graph.close();
  },
};
