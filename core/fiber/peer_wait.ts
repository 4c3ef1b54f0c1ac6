import type { WaitingFiber } from "./context.ts";
import { HostWait } from "./host_wait.ts";

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
