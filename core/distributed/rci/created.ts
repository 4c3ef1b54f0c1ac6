import type { Coro } from "../../coroutine/coro.ts";
import type { EndListener } from "../../coroutine/end_listeners.ts";
import { Watch } from "../coros/watch.ts";
import type { Peer } from "../peers/peer.ts";
import type { OpenRequest } from "../peers/requests.ts";
import type { Session } from "../session/session.ts";
import type { Orphans } from "./rci_side.ts";

/**
 * A coroutine that an RCI has created for a peer.
 *
 * The request stays open until the coroutine has ended. So if the peer cancels the request, whether or not it has been
 * answered, or if the session ends, this is told.
 */
export class Created implements OpenRequest, EndListener {
  private readonly coro: Coro;
  private readonly peer: Peer;
  private readonly session: Session | null;
  private readonly number: number;
  private readonly orphans: Orphans;
  private watch: Watch | null = null;

  /** `session` is that in which the request has come. */
  constructor(coro: Coro, peer: Peer, session: Session | null, number: number, orphans: Orphans) {
    this.coro = coro;
    this.peer = peer;
    this.session = session;
    this.number = number;
    this.orphans = orphans;
    peer.requests.addOpen(number, this);
    coro.addEndListener(this);
  }

  /** Calls back when the coroutine has ended, unless the peer does not wait for that any more. */
  onOutcome(told: () => void): void {
    this.watch = new Watch(this.coro, () => {
      this.watch = null;
      told();
    });
    this.watch.begin();
  }

  /** The peer does not want the coroutine, or the session has ended. */
  cancelled(): void {
    this.watch?.stop();
    this.watch = null;
    this.coro.removeEndListener(this);
    const isOrphan = this.peer.session !== this.session;
    if (!isOrphan || this.orphans === "terminate") this.coro.terminate();
  }

  /** The coroutine has ended. */
  onEnd(): void {
    this.peer.requests.removeOpen(this.number);
  }
}
