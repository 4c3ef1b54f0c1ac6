import type { Fiber } from "../fiber/fiber.ts";
import { PeerWait } from "../fiber/peer_wait.ts";
import type { Location } from "./location.ts";

/** The waits for peers of certain names. */
export class PeerWaits {
  readonly #waits: Set<NameWait> = new Set();
  readonly #find: (name: string) => Location | null;

  /** `find` returns a connected peer of a name, if there is one. */
  constructor(find: (name: string) => Location | null) {
    this.#find = find;
  }

  /** Waits for a peer of a name, for so many seconds at most. */
  wait(name: string, seconds: number): NameWait {
    return new NameWait(this.#waits, name, this.#find, seconds);
  }

  /** A peer has been connected. */
  joined(location: Location): void {
    for (const wait of this.#waits) if (wait.peerName === location.name) wait.settle(location);
  }

  /** The network has been left. */
  left(): void {
    for (const wait of this.#waits) wait.settle(null);
  }
}

/** Waits until a peer of a name is connected. */
class NameWait extends PeerWait<Location | null> {
  readonly label = "locate";
  readonly peerName: string;
  readonly #waits: Set<NameWait>;
  readonly #find: (name: string) => Location | null;

  constructor(waits: Set<NameWait>, name: string, find: (name: string) => Location | null, seconds: number) {
    super();
    this.#waits = waits;
    this.peerName = name;
    this.#find = find;
    this.limit = seconds;
  }

  override get waitsFor(): string {
    return `a peer named '${this.peerName}'`;
  }

  override begin(fiber: Fiber): boolean {
    const found = this.#find(this.peerName);
    if (found !== null || this.limit <= 0) return this.give(found);
    this.#waits.add(this);
    this.count(fiber);
    return false;
  }

  override settle(location: Location | null): void {
    this.#waits.delete(this);
    super.settle(location);
  }

  override detach(): void {
    this.uncount();
    this.#waits.delete(this);
  }

  override timedOut(): void {
    this.give(null);
  }
}
