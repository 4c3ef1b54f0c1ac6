/**
 * Senders and receivers: every message arrives once, in order, and wakes its receiver; any of them may be interrupted.
 */
import type { Coro } from "@asyncoro/asyncoro";
import { Ledger } from "../ledger.ts";
import { populate } from "../population.ts";
import type { Society } from "../society.ts";
import { Thrown } from "../violation.ts";
import type { Body, World } from "../world.ts";

/** A receiver, and the messages for it. */
interface Box {
  readonly coro: Coro;
  readonly ledger: Ledger;
}

class PostOffice {
  readonly boxes: Box[] = [];
  readonly #world: World;
  #senders = 0;

  constructor(world: World) {
    this.#world = world;
  }

  newReceiver(): Coro {
    const ledger = new Ledger(this.#world, this.#world.newName("box"));
    const coro = this.#world.spawn("receiver", (coro) => this.#receive(coro, ledger));
    this.boxes.push({ coro, ledger });
    return coro;
  }

  *#receive(coro: Coro, ledger: Ledger): Body {
    try {
      while (!this.#world.over) {
        try {
          yield* ledger.receive(coro, true);
          if (this.#world.random.chance(0.1)) yield* coro.sleep(this.#world.seconds(1));
        } catch (error) {
          // Half of them go on.
          if (!(error instanceof Thrown) || this.#world.random.chance(0.5)) throw error;
        }
      }
    } finally {
      yield* ledger.drain(coro);
    }
  }

  /** A receiver has ended. */
  ended(coro: Coro): void {
    const index = this.boxes.findIndex((box) => box.coro === coro);
    this.boxes[index].ledger.close();
    this.boxes.splice(index, 1);
  }

  newSender(): Coro {
    const number = this.#senders++;
    return this.#world.spawn("sender", (coro) => this.#sendOff(coro, number));
  }

  *#sendOff(coro: Coro, number: number): Body {
    const { random } = this.#world;
    while (!this.#world.over) {
      yield* coro.sleep(this.#world.seconds(1));
      for (let left = random.from(1, 6); left > 0 && this.boxes.length > 0; left--) {
        const box = random.pick(this.boxes);
        if (random.chance(0.7)) this.send(box, number);
        else yield* this.#deliver(box, number);
      }
    }
  }

  send({ coro, ledger }: Box, from: number): void {
    const letter = ledger.newLetter(from);
    const alive = coro.isAlive();
    // Before it is sent, as it may be received at once when it is in the mailbox.
    if (alive) ledger.sent(letter);
    const answer = coro.send(letter);
    // A failed receiver gets messages too, as its monitor might restart it.
    this.#world.check(answer || !alive, "send() tells whether there is a recipient", () => `${coro} ${answer}`);
  }

  *#deliver({ coro, ledger }: Box, from: number): Body {
    const letter = ledger.newLetter(from);
    const alive = coro.isAlive();
    if (alive) ledger.sent(letter);
    const answer = yield* coro.deliver(letter, this.#world.seconds(1));
    this.#world.check(answer === 1 || !alive, "deliver() tells what became of it", () => `${coro} ${answer}`);
  }
}

/** See the head of this file. */
export const messages: Society = {
  name: "messages",
  *conduct(coro: Coro, world: World): Body {
    const office = new PostOffice(world);
    const senders = world.spawn(
      "senders",
      (monitor) => populate(world, monitor, { size: 12, mortal: true, newMember: () => office.newSender() }),
    );
    yield* populate(world, coro, {
      size: 8,
      mortal: true,
      newMember: () => office.newReceiver(),
      ended: (receiver) => office.ended(receiver),
      // Some wait without limit.
      tellOver: () => office.boxes.forEach((box) => office.send(box, -1)),
    });
    yield* senders.finish();
  },
};
