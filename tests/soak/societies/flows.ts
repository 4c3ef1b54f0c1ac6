/**
 * Streams that coroutines fill and others read, and events: each item comes once, in order, whatever is cut short, and
 * whoever leaves early leaves no producer and no listener behind.
 */
import { type Coro, each, type Emit, events, type Items, race, sleep, stream, TimeoutError } from "@asyncoro/asyncoro";
import { populate } from "../population.ts";
import type { Society } from "../society.ts";
import { Thrown } from "../violation.ts";
import type { Body, World } from "../world.ts";

/** The items of one stream: numbers from 0. */
interface Flow {
  readonly count: number;
  /** How many were emitted for certain, and how many were read. */
  emitted: number;
  read: number;
}

/** Numbered events. */
class Bell extends EventTarget {
  listeners = 0;
  rung = 0;

  override addEventListener(...args: Parameters<EventTarget["addEventListener"]>): void {
    this.listeners++;
    super.addEventListener(...args);
  }

  override removeEventListener(...args: Parameters<EventTarget["removeEventListener"]>): void {
    this.listeners--;
    super.removeEventListener(...args);
  }

  ring(): void {
    this.dispatchEvent(new CustomEvent("ring", { detail: this.rung++ }));
  }
}

class Flows {
  readonly bell = new Bell();
  /** Coroutines that fill a stream, and members that listen. */
  producing = 0;
  listening = 0;
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
  }

  *live(coro: Coro): Body {
    while (!this.#world.over) {
      try {
        yield* this.#world.random.chance(0.6) ? this.#readStream(coro) : this.#listen();
      } catch (error) {
        if (!(error instanceof Thrown) || this.#world.random.chance(0.5)) throw error;
      }
      yield;
    }
  }

  *#produce(flow: Flow, emit: Emit<number>): Body {
    const { random } = this.#world;
    this.producing++;
    try {
      while (flow.emitted < flow.count) {
        if (random.chance(0.2)) yield* sleep(this.#world.seconds(1) / 2);
        try {
          yield* emit(flow.emitted, random.chance(0.5) ? undefined : random.pick([0, this.#world.seconds(1)]));
          flow.emitted++;
        } catch (error) {
          // It was not emitted; the same number is next.
          if (!(error instanceof TimeoutError)) throw error;
          yield* sleep(this.#world.seconds(1) / 4);
        }
      }
    } finally {
      try {
        if (random.chance(0.3)) yield* sleep(this.#world.seconds(1));
      } finally {
        this.producing--;
      }
    }
  }

  *#readStream(coro: Coro): Body {
    const world = this.#world;
    const { random } = world;
    const flow: Flow = { count: random.below(20), emitted: 0, read: 0 };
    const produce = (emit: Emit<number>) => this.#produce(flow, emit);
    const readable = stream<number>(function* (_self, emit) {
      yield* produce(emit);
    }, { highWaterMark: random.below(4) });
    using items = each(random.chance(0.3) ? readable.pipeThrough(new TransformStream()) : readable);
    for (let left = random.chance(0.3) ? random.below(10) : Infinity; left > 0; left--) {
      const item = yield* this.#next(items);
      if (item === undefined) continue;
      if (item === null) {
        world.check(flow.read === flow.count, "A stream ends after its last item", () => `${flow.read} ${flow.count}`);
        return world.done("stream: read", flow.count);
      }
      world.check(item === flow.read, "Items come once, in order", () => `${item} for ${flow.read} to ${coro}`);
      flow.read++;
      if (random.chance(0.2)) yield* sleep(world.seconds(1) / 2);
    }
    world.done("stream: left");
  }

  /** The next item; `undefined` if it gave up. */
  *#next<T>(items: Items<T>): Body<T | null | undefined> {
    if (this.#world.random.chance(0.6)) return yield* items.next();
    return (yield* race(items.next(), sleep(this.#world.seconds(1) / 4))) as T | null | undefined;
  }

  *#listen(): Body {
    const { random } = this.#world;
    let expected = this.bell.rung;
    const capacity = random.chance(0.5) ? Infinity : random.from(1, 3);
    this.listening++;
    try {
      using rings = events<CustomEvent<number>>(this.bell, "ring", { capacity });
      for (let left = random.below(10); left > 0; left--) {
        const event = yield* this.#next(rings);
        if (event === undefined) continue;
        const number = event!.detail;
        // The oldest of too many are dropped.
        const holds = capacity === Infinity ? number === expected : number >= expected;
        this.#world.check(holds, "Events come once, in order", () => `${number} for ${expected}`);
        expected = number + 1;
        if (random.chance(0.3)) yield* sleep(this.#world.seconds(1) / 2);
      }
    } finally {
      this.listening--;
    }
    this.#checkListeners();
    this.#world.done("events: taken");
  }

  #checkListeners(): void {
    const { listeners } = this.bell;
    this.#world.check(listeners === this.listening, "No listener stays behind", () => `${listeners} ${this.listening}`);
  }

  /** Rings until the members have ended, who may wait for it. */
  *ring(coro: Coro): Body {
    for (let over = false; !over;) {
      for (let more = this.#world.random.below(4); more > 0; more--) this.bell.ring();
      over = (yield* coro.receive<boolean>(this.#world.seconds(1) / 4)) ?? false;
    }
    this.#checkListeners();
  }

  /** The producers of streams that were left early end by themselves. */
  *ended(coro: Coro): Body {
    for (let waited = 0; this.producing > 0 && waited < 1000; waited++) yield* coro.sleep(this.#world.unit);
    this.#world.check(this.producing === 0, "No producer stays behind", () => `${this.producing}`);
  }
}

/** See the head of this file. */
export const flows: Society = {
  name: "flows",
  host: true,
  *conduct(coro: Coro, world: World): Body {
    const all = new Flows(world);
    const ringer = world.spawn("ringer", (self) => all.ring(self));
    yield* populate(world, coro, {
      size: 12,
      mortal: true,
      newMember: () => world.spawn("reader", (self) => all.live(self)),
    });
    ringer.send(true);
    yield* ringer.finish();
    yield* all.ended(coro);
  },
};
