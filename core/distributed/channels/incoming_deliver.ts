import { Timer } from "../../fiber/timer.ts";
import type { WaitingFiber } from "../../fiber/context.ts";
import { REJECTED, WAITING } from "../../fiber/operation.ts";
import type { Channel } from "../../messages/channel.ts";
import { ChannelDeliver } from "../../messages/channel_deliver.ts";
import type { OpenRequest } from "../peers/requests.ts";
import type { Identity } from "./broadcasts.ts";
import type { Tally } from "./tally.ts";

/** What comes with a message from a peer. */
export interface IncomingOptions {
  /** In whose name the message is sent here. */
  readonly sender: WaitingFiber;
  /** For how many seconds it may wait, as a `deliver`; `null` for a `send`. */
  readonly seconds: number | null;
  /** How many subscribers it waits for. */
  readonly n?: number;
  /** Counts those that get it. */
  readonly tally: Tally;
  /** What tells the broadcast from others, if it may come again; and what it has reached here. */
  readonly identity?: Identity | null;
  readonly seen?: Set<object>;
  /** Called if the channel is closed before the message was sent. */
  readonly closed: () => void;
}

/** A message that a peer has sent to a channel, or passes on from one of its own. */
export class IncomingDeliver<T> extends ChannelDeliver<T> implements OpenRequest {
  override readonly seen: Set<object> | undefined;
  /** For how many seconds it may wait; `null` for a `send`. */
  readonly seconds: number | null;
  readonly identity: Identity | null;
  readonly tally: Tally;
  private readonly channel: Channel<T>;
  private readonly closed: () => void;
  private timer: Timer | null = null;
  private waits = false;

  constructor(channel: Channel<T>, message: T, options: IncomingOptions) {
    super(channel, message, options.seconds ?? Infinity, options.n ?? 0);
    const { seen, identity = null, seconds, tally, closed, sender } = options;
    this.channel = channel;
    this.seen = seen;
    this.identity = identity;
    this.seconds = seconds;
    this.tally = tally;
    this.closed = closed;
    this.fiber = sender;
    // No coroutine yields it.
    this.state = WAITING;
  }

  /** Sends it, or waits. */
  start(): void {
    if (this.seconds === null) return this.tally.begin(this.channel.sendFor(this)!);
    if (this.channel.begin(this)) {
      if (this.state === REJECTED) this.closed();
      else this.tally.begin(this.outcome as number);
      return;
    }
    this.waits = true;
    const { loop, level } = this.fiber!;
    if (this.seconds < Infinity) this.timer = new Timer(loop, level, this.seconds, () => this.giveUp());
  }

  /** It was sent. */
  override resolve(count: number): void {
    this.end();
    this.tally.begin(count);
  }

  /** The channel was closed. */
  override reject(): void {
    this.end();
    this.closed();
  }

  /** Nobody waits for it any more. */
  cancelled(): void {
    if (this.waits) this.giveUp();
    this.tally.abandon();
  }

  private giveUp(): void {
    this.detach();
    this.end();
    this.tally.begin(0);
  }

  private end(): void {
    this.waits = false;
    this.timer?.cancel();
    this.timer = null;
  }
}
