import type { WaitingFiber } from "./context.ts";
import { HostWait } from "./host_wait.ts";
import type { Loop } from "./schedulable.ts";

/**
 * @internal
 * Counts what a peer may end at any time and that is no operation of its own, such as the end of a remote coroutine, as
 * {@linkcode PeerWait} counts its waits.
 */
export function countPeerWait(loop: Loop, change: 1 | -1): void {
  loop.hostOperations += change;
  loop.peerWaits += change;
}

/**
 * A wait that another peer of a network ends, such as for the end of a remote coroutine.
 *
 * For the process and for deadlocks it is a {@linkcode HostWait}. It is counted once more, as in a simulation the peers
 * are simulated too: there time need not stand still for what only its passing brings.
 *
 * @internal
 */
export abstract class PeerWait<T> extends HostWait<T> {
  /** @internal */
  protected override count(fiber: WaitingFiber): void {
    super.count(fiber);
    fiber.loop.peerWaits++;
  }

  /** @internal */
  protected override uncount(): boolean {
    const loop = this.countedBy;
    if (!super.uncount()) return false;
    loop!.peerWaits--;
    return true;
  }
}
