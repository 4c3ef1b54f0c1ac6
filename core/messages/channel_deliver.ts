import type { RoomQueue, RoomWaiter } from "../coroutine/bounded_mailbox.ts";
import { type QueueLinks, Waiter } from "../fiber/wait_queue.ts";

/** A channel, as a `deliver` sees it. */
export interface DeliveringChannel<T> {
  /** Its name. */
  readonly name: string;
  /** Sends for a `deliver`, or lets it wait. Returns whether it has an outcome. */
  begin(deliver: ChannelDeliver<T>): boolean;
  /** Sends. Returns how many coroutines got the message, or `null` if other peers will tell how many. */
  sendFor(deliver: ChannelDeliver<T>): number | null;
  /** A `deliver` no longer waits. */
  stopWaiting(deliver: ChannelDeliver<T>): void;
  /** Sends for every `deliver` that need not wait longer. */
  deliverWaiting(): void;
}

/** What peers are to tell: how many coroutines got a message. Its text is what is waited for. */
export interface Answers {
  /** How many they have told of, with those of this process. */
  readonly count: number;
  /** Nobody waits for them any more. */
  stop(): void;
}

/** Waits for subscribers that have room, sends, and then waits for what peers are to tell. */
export class ChannelDeliver<T> extends Waiter<number> {
  readonly label = "deliver";
  readonly message: T;
  /** How many subscribers it waits for. */
  readonly n: number;
  /** What the message has reached before; `undefined` if nothing. */
  declare readonly seen?: Set<object>;
  readonly #channel: DeliveringChannel<T>;
  #room: RoomPlace | null = null;
  /** What it waits for once it has sent; `null` before. */
  answers: Answers | null = null;

  constructor(channel: DeliveringChannel<T>, message: T, seconds: number, n: number) {
    super();
    this.#channel = channel;
    this.message = message;
    this.limit = seconds;
    this.n = n;
  }

  override begin(): boolean {
    return this.#channel.begin(this);
  }

  /** It waits for room in a queue, or in none, from now on. */
  waitForRoom(queue: RoomQueue | null): void {
    if (queue !== null) this.#room ??= new RoomPlace(() => this.#channel.deliverWaiting());
    this.#room?.moveTo(queue);
  }

  /** The channel has what this waits for, and has removed it from those that wait. */
  ready(): void {
    try {
      const count = this.#channel.sendFor(this);
      if (count !== null) this.resolve(count);
    } catch (error) {
      this.reject(error);
    }
  }

  override detach(): void {
    this.waitForRoom(null);
    if (this.answers === null) this.#channel.stopWaiting(this);
    else this.answers.stop();
  }

  override timedOut(): void {
    this.give(this.answers?.count ?? 0);
  }

  override get waitsFor(): string {
    const what = this.#room?.waits
      ? "room in the mailboxes of the subscribers"
      : `${this.n} ${this.n === 1 ? "subscriber" : "subscribers"}`;
    return `${this.answers ?? what} of channel '${this.#channel.name}'`;
  }
}

/** The place of a `deliver` among what waits for room, in one queue at a time. */
export class RoomPlace implements RoomWaiter {
  nextWaiter: QueueLinks | null = null;
  prevWaiter: QueueLinks | null = null;
  #queue: RoomQueue | null = null;
  readonly #lookAgain: () => void;

  constructor(lookAgain: () => void) {
    this.#lookAgain = lookAgain;
  }

  /** Whether it waits for room. */
  get waits(): boolean {
    return this.#queue !== null;
  }

  /** Moves it to another queue, or out of its queue. It keeps its place in the queue where it is. */
  moveTo(queue: RoomQueue | null): void {
    if (this.#queue === queue) return;
    this.#queue?.waiting.remove(this);
    this.#queue = queue;
    queue?.waiting.push(this);
  }

  roomMade(): void {
    this.#queue = null;
    this.#lookAgain();
  }
}
