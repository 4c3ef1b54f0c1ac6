import { VirtualClock } from "@asyncoro/asyncoro/testing";

/** Virtual time in which every timer fires a tenth of a second late, as the host's fire a little late. */
export class LateClock extends VirtualClock {
  override now(): number {
    return super.now() + 0.1;
  }
}
