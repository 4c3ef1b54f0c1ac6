import type { Channel } from "../../messages/channel.ts";

/**
 * The channels of this process that were given out, by the numbers that peers know them by.
 *
 * Only these can be addressed, until they are closed. A closed one is still found by its number when a handle to it comes
 * home, as long as the program has it.
 */
export class ChannelExports {
  private readonly open: Map<number, Channel<unknown>> = new Map();
  private readonly closed: Map<number, WeakRef<Channel<unknown>>> = new Map();
  private readonly numbers: WeakMap<Channel<unknown>, number> = new WeakMap();
  private readonly collected: FinalizationRegistry<number> = new FinalizationRegistry((number) =>
    this.closed.delete(number)
  );
  private last = 0;

  /** The number of a channel that was given out. */
  numberOf(channel: Channel<unknown>): number | undefined {
    return this.numbers.get(channel);
  }

  /** Gives a channel out. Returns its number. */
  add(channel: Channel<unknown>): number {
    const number = ++this.last;
    this.numbers.set(channel, number);
    this.open.set(number, channel);
    return number;
  }

  /** The channel of a number, if it is open. */
  find(number: number): Channel<unknown> | undefined {
    return this.open.get(number);
  }

  /** The channel of a number, open or closed. */
  original(number: number): Channel<unknown> | undefined {
    return this.open.get(number) ?? this.closed.get(number)?.deref();
  }

  /** A channel was closed. */
  close(number: number): void {
    const channel = this.open.get(number);
    if (channel === undefined) return;
    this.open.delete(number);
    this.closed.set(number, new WeakRef(channel));
    this.collected.register(channel, number);
  }

  /** All that are open, by number. */
  [Symbol.iterator](): Iterator<[number, Channel<unknown>]> {
    return this.open[Symbol.iterator]();
  }

  /** Forgets all. */
  clear(): void {
    this.open.clear();
    this.closed.clear();
  }
}
