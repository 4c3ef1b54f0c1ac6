/**
 * Clerks with bounded mailboxes, whom clients ask and write to: no letter that was accepted is lost or doubled, an answer
 * reaches the client who asked, at once, and whatever has no answer fails for a reason that is true.
 */
import { Ask, type Coro, NoReplyError, QueueFullError, race, TimeoutError } from "@asyncoro/asyncoro";
import { populate } from "../population.ts";
import type { Society } from "../society.ts";
import { Thrown } from "../violation.ts";
import { ALARM, type Body, type World } from "../world.ts";

const POLICIES = ["wait", "wait", "drop-oldest", "drop-newest", "throw"] as const;

interface Letter {
  readonly from: number;
  readonly number: number;
}

/** A refusal of the request of this number. */
class Refused extends Error {
  readonly number: number;

  constructor(number: number) {
    super("refused");
    this.number = number;
  }
}

/** A clerk, and what became of the letters to it. */
class Desk {
  readonly capacity: number;
  readonly policy: typeof POLICIES[number];
  coro: Coro | null = null;
  /** Letters that the mailbox has taken, and that were not received yet. */
  readonly accepted: Set<number> = new Set();
  readonly received: Set<number> = new Set();
  readonly #last: Map<number, number> = new Map();
  readonly #world: World;
  /** Whether the clerk has taken all that was left. */
  cleared = false;

  constructor(world: World) {
    this.#world = world;
    this.capacity = world.random.from(1, 3);
    this.policy = world.random.pick(POLICIES);
  }

  take({ from, number }: Letter): void {
    const world = this.#world;
    world.check(!this.received.has(number), "A message arrives once", () => `${this.coro} got ${number} again`);
    const last = this.#last.get(from) ?? -1;
    world.check(number > last, "Messages of one sender keep their order", () => `${number} after ${last}`);
    this.received.add(number);
    this.accepted.delete(number);
    this.#last.set(from, number);
    world.done("office: letter received", number);
  }

  close(): void {
    const dropping = this.policy === "drop-oldest";
    if (!this.cleared || dropping) return this.#world.done("office: desk cut off", this.accepted.size);
    this.#world.check(
      this.accepted.size === 0,
      "No message is lost",
      () => `${this.coro} did not get ${[...this.accepted]}`,
    );
  }
}

class Office {
  readonly desks: Desk[] = [];
  readonly #world: World;
  /** When requests were answered. */
  readonly #answered: Map<number, number> = new Map();
  /** Requests that were passed on: another clerk may drop them. */
  readonly #passedOn: Set<number> = new Set();
  #number = 0;
  #clients = 0;

  constructor(world: World) {
    this.#world = world;
  }

  newClerk(): Coro {
    const desk = new Desk(this.#world);
    const { capacity, policy: overflow } = desk;
    const serve = (coro: Coro) => this.#serve(coro, desk);
    const options = { name: "clerk", mailbox: { capacity, overflow } };
    const coro = this.#world.scheduler.spawnWith(options, function* (coro: Coro): Body {
      yield* serve(coro);
    });
    desk.coro = coro;
    this.desks.push(desk);
    return coro;
  }

  ended(coro: Coro): void {
    const index = this.desks.findIndex((desk) => desk.coro === coro);
    this.desks[index].close();
    this.desks.splice(index, 1);
  }

  *#serve(coro: Coro, desk: Desk): Body {
    const world = this.#world;
    try {
      while (!world.over) {
        try {
          const message = yield* this.#receive(coro);
          // One is put back, at most, and one is in the hands of the clerk.
          const { length } = coro.mailbox!;
          world.check(
            length <= desk.capacity + 1,
            "A mailbox keeps to its capacity",
            () => `${length} of ${desk.capacity}`,
          );
          if (message instanceof Ask) yield* this.#answer(coro, message);
          else if (message !== ALARM) desk.take(message as Letter);
          if (world.random.chance(0.3)) yield* coro.sleep(world.seconds(1));
        } catch (error) {
          if (!(error instanceof Thrown) || world.random.chance(0.5)) throw error;
        }
      }
    } finally {
      yield* this.#clear(coro, desk);
    }
  }

  *#receive(coro: Coro): Body<unknown> {
    const seconds = this.#world.seconds(2);
    const isAsk = (message: unknown): message is Ask => message instanceof Ask;
    switch (this.#world.random.below(4)) {
      case 0:
        return yield* coro.receive({ where: isAsk, timeout: seconds, alarm: ALARM });
      case 1:
        return yield* race(coro.receive(), coro.sleep(seconds, ALARM));
      case 2:
        return yield* race(coro.receive({ where: isAsk }), coro.sleep(seconds, ALARM));
      default:
        return yield* coro.receive(seconds, ALARM);
    }
  }

  *#answer(coro: Coro, request: Ask): Body {
    const { random } = this.#world;
    if (random.chance(0.2)) yield* coro.sleep(this.#world.seconds(1));
    const number = request.message as number;
    const open = request.open;
    let answered = false;
    if (random.chance(0.1)) return;
    if (random.chance(0.2)) {
      const other = random.pick(this.desks);
      this.#passedOn.add(number);
      // Its mailbox may refuse it, or the clerk may end: then there is no answer.
      if (other.policy !== "throw") other.coro!.send(request);
      return;
    }
    if (open) this.#answered.set(number, this.#world.now());
    if (random.chance(0.2)) answered = request.fail(new Refused(number));
    else answered = request.reply(2 * number);
    this.#world.check(answered === open, "An answer tells whether somebody waits", () => `${answered}, was ${open}`);
    this.#world.check(!request.reply(0), "A request is answered once", () => `${number}`);
  }

  /** Takes what is left. Nothing else may wait between this and the end. */
  *#clear(coro: Coro, desk: Desk): Body {
    for (;;) {
      try {
        const message = yield* coro.receive(0, ALARM);
        if (message === ALARM) break;
        if (!(message instanceof Ask)) desk.take(message as Letter);
      } catch (error) {
        if (!(error instanceof Thrown)) throw error;
      }
    }
    desk.cleared = true;
  }

  newClient(): Coro {
    const number = this.#clients++;
    return this.#world.spawn("client", (coro) => this.#visit(coro, number));
  }

  *#visit(coro: Coro, from: number): Body {
    const world = this.#world;
    while (!world.over) {
      yield* coro.sleep(world.seconds(1));
      for (let left = world.random.from(1, 4); left > 0 && this.desks.length > 0; left--) {
        const desk = world.random.pick(this.desks);
        if (world.random.chance(0.5)) yield* this.#ask(desk);
        else yield* this.#write(desk, from);
      }
    }
  }

  *#ask(desk: Desk): Body {
    const world = this.#world;
    const number = this.#number++;
    const seconds = world.seconds(3);
    const began = world.now();
    try {
      const answer = yield* desk.coro!.ask<number>(number, seconds);
      world.check(answer === 2 * number, "An answer reaches the one who asked", () => `${answer} to ${number}`);
      world.prompt(this.#answered.get(number)!, () => `the answer to ${number}`);
      world.done("office: answered", number);
    } catch (error) {
      this.#explain(error, desk, number, began + seconds);
    } finally {
      this.#answered.delete(number);
      this.#passedOn.delete(number);
    }
  }

  #explain(error: unknown, desk: Desk, number: number, deadline: number): void {
    const world = this.#world;
    if (error instanceof TimeoutError) {
      world.check(!this.#answered.has(number), "No answer is lost", () => `${number}`);
      return world.onTime(deadline, () => `the limit of request ${number}`);
    }
    if (error instanceof Refused) {
      world.check(error.number === number, "An answer reaches the one who asked", () => `${error.number} to ${number}`);
      return world.done("office: refused", number);
    }
    if (error instanceof NoReplyError) {
      const dropping = desk.policy.startsWith("drop") || this.#passedOn.has(number);
      const ended = !error.coro.isAlive();
      return world.check(dropping || ended, "A clerk that lives answers", () => `${desk.coro}: ${error.message}`);
    }
    if (!(error instanceof QueueFullError)) throw error;
    // A request that was passed on is never in the way of its own client.
    world.check(desk.policy === "throw", "Only one policy throws", () => desk.policy);
  }

  *#write(desk: Desk, from: number): Body {
    const world = this.#world;
    const letter = { from, number: this.#number++ };
    const alive = desk.coro!.isAlive();
    try {
      const outcome = world.random.chance(0.3)
        ? Number(desk.coro!.send(letter))
        : yield* desk.coro!.deliver(letter, world.seconds(2));
      if (outcome === 1) {
        if (alive && !desk.received.has(letter.number)) desk.accepted.add(letter.number);
      } else {
        const got = desk.received.has(letter.number);
        world.check(!got, "deliver() tells what became of it", () => `${outcome}, and it was received`);
      }
      if (outcome === -1) world.check(!desk.coro!.isAlive(), "deliver() tells what became of it", () => "it lives");
      world.done(`office: letter ${outcome}`, letter.number);
    } catch (error) {
      if (!(error instanceof QueueFullError)) throw error;
      world.check(desk.policy === "throw", "Only one policy throws", () => desk.policy);
    }
  }
}

/** See the head of this file. */
export const offices: Society = {
  name: "offices",
  *conduct(coro: Coro, world: World): Body {
    const office = new Office(world);
    const clients = world.spawn(
      "clients",
      (monitor) => populate(world, monitor, { size: 12, mortal: true, newMember: () => office.newClient() }),
    );
    yield* populate(world, coro, {
      size: 5,
      mortal: true,
      newMember: () => office.newClerk(),
      ended: (clerk) => office.ended(clerk),
    });
    yield* clients.finish();
  },
};
