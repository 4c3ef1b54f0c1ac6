/**
 * Records what was sent to a coroutine and what it has received. In the end the two agree: every message once, those of
 * one sender in order, whatever interrupted the receiver meanwhile.
 */
import { type Coro, race, TimeoutError, withTimeout } from "@asyncoro/asyncoro";
import { Thrown } from "./violation.ts";
import { ALARM, type Body, type World } from "./world.ts";

/** A message, with all that is to be checked of it. */
export interface Letter {
  readonly to: Ledger;
  /** The sender's number. */
  readonly from: number;
  readonly number: number;
  /** When it was sent. */
  readonly at: number;
}

/** Finds the letter in a received message. */
type Open = (content: unknown) => Letter;

const asIs: Open = (letter) => letter as Letter;

/** See the head of this file. */
export class Ledger {
  readonly #world: World;
  readonly #name: string;
  // Sent and not yet received. Received ones are removed, so that a ledger does not grow.
  readonly #open: Map<number, Letter> = new Map();
  readonly #last: Map<number, number> = new Map();
  #sent = 0;
  #got = 0;
  // Messages that were sent before this moment had to come before the last wait for one ended without a message.
  #completeUntil = -Infinity;
  // Whether the receiver takes messages one by one, as it must to get them in order.
  #complete = false;

  constructor(world: World, name: string) {
    this.#world = world;
    this.#name = name;
  }

  /** How many were sent and not received. */
  get open(): number {
    return this.#open.size;
  }

  /** Makes a message to be sent now. */
  newLetter(from: number): Letter {
    return {
      to: this,
      from,
      number: this.#sent++,
      at: this.#world.now(),
    };
  }

  /** Records that it was accepted. */
  sent(letter: Letter): void {
    this.#open.set(letter.number, letter);
    this.#world.done("message: sent", letter.number);
  }

  /** Records that a message was received. */
  received(letter: Letter): void {
    const world = this.#world;
    const { number, from } = letter;
    world.check(letter.to === this, "A message reaches its recipient", () => `${this} got one for ${letter.to}`);
    world.check(this.#open.delete(number), "A message arrives once", () => `${this} got ${number} of ${from} again`);
    const last = this.#last.get(from) ?? -1;
    world.check(number > last, "Messages of one sender keep their order", () => `${this} got ${number} after ${last}`);
    world.check(
      letter.at >= this.#completeUntil,
      "A receive that timed out missed nothing",
      () => `${this} waited until ${this.#completeUntil} and did not get ${number}, sent at ${letter.at}`,
    );
    this.#last.set(from, number);
    this.#got++;
    world.done("message: received", number);
  }

  /** Receives one message in a random way and records it. Returns it, or `null` on timeout. */
  *receive(coro: Coro, patient: boolean, open: Open = asIs): Body<Letter | null> {
    const world = this.#world;
    const seconds = world.seconds(3);
    const dice = world.random.below(patient ? 6 : 4);
    const began = world.now();
    let content: unknown;
    if (dice === 0) content = yield* coro.receive(0, ALARM);
    else if (dice === 1) content = yield* this.#within(coro, seconds);
    else if (dice === 2) content = yield* race(coro.receive(), coro.sleep(seconds, ALARM));
    else if (dice === 3) content = yield* this.#timed(coro, seconds, began);
    else content = yield* coro.receive();
    if (content === ALARM) {
      world.done("message: receive timed out");
      return null;
    }
    const letter = open(content);
    this.received(letter);
    if (dice >= 3) world.prompt(Math.max(letter.at, began), () => `a message to ${this}`);
    return letter;
  }

  *#timed(coro: Coro, seconds: number, began: number): Body<unknown> {
    const content = yield* coro.receive(seconds, ALARM);
    if (content === ALARM) {
      this.#world.onTime(began + seconds, () => `the alarm of ${this}`);
      this.#completeUntil = began + seconds - 1e-6;
    }
    return content;
  }

  *#within(coro: Coro, seconds: number): Body<unknown> {
    try {
      return yield* withTimeout(seconds, coro.receive());
    } catch (error) {
      if (error instanceof TimeoutError) return ALARM;
      throw error;
    }
  }

  /**
   * Takes the remaining messages, in the `finally` block of the receiver: nothing else may wait between this and its
   * end.
   */
  *drain(coro: Coro, open: Open = asIs): Body {
    for (;;) {
      const sent = this.#sent;
      try {
        const content = yield* coro.receive(0, ALARM);
        if (content !== ALARM) this.received(open(content));
        else if (sent === this.#sent) break;
      } catch (error) {
        if (!(error instanceof Thrown)) throw error;
      }
    }
    this.#complete = true;
  }

  /** The receiver has ended: checks that nothing is missing, if it could take the remaining messages. */
  close(): void {
    if (!this.#complete) return this.#world.done("message: mailbox cut off", this.open);
    this.#world.check(this.open === 0, "No message is lost", () => `${this} did not get ${[...this.#open.keys()]}`);
    this.#world.done("message: mailbox closed", this.#got);
  }

  toString(): string {
    return this.#name;
  }
}
