/**
 * What stands for a subscriber on another peer in the sets of a channel of this process. It counts as one there, and takes
 * no message: one message goes to the peer, for all its subscribers.
 */
import type { Coro } from "../../coroutine/coro.ts";
import { Channel } from "../../messages/channel.ts";
import type { PeerLocation } from "../../coroutine/peer_location.ts";

/** What a mailbox would do with a message. */
export interface StandInMailbox {
  /** `"wait"` if there is no room, else `null`. */
  overflowFor(message: unknown): "wait" | null;
}

/** Stands for a coroutine: it has what a channel looks at. */
class StandInCoro {
  readonly acceptsMessages = true;
  readonly mailbox: StandInMailbox;

  constructor(mailbox: StandInMailbox) {
    this.mailbox = mailbox;
  }

  send(): false {
    return false;
  }

  removeEndListener(): void {}
}

/** Makes what stands for a coroutine. Its mailbox is full as long as the queue to its peer is. */
export function standInCoro(mailbox: StandInMailbox): Coro {
  return new StandInCoro(mailbox) as unknown as Coro;
}

/** Stands for a channel: it passes messages on to nobody. */
class StandInChannel extends Channel<unknown> {
  /** It has no name here. */
  override get location(): PeerLocation | null {
    return this as unknown as PeerLocation;
  }
}

/** Makes what stands for a channel. */
export function standInChannel(): Channel<unknown> {
  return new StandInChannel("stand-in");
}
