/** An engine as a user may write one, in memory. */
import { call, type Operation } from "@asyncoro/asyncoro";
import type { Engine, Link } from "@asyncoro/asyncoro/distributed";
import { assert } from "@std/assert";

/** Who listens, by address. */
export type Switchboard = Map<string, (link: Link) => void>;

/** How the links of a test carry frames: when, and in which pieces. */
export interface Manner {
  readonly trusted?: boolean;
  readonly maxFrame?: number;
  later(deliver: () => void): void;
  pieces?(frame: Uint8Array): Uint8Array[];
}

class Pipe implements Link {
  readonly maxFrame: number;
  readonly queued = 0;
  other!: Pipe;
  readonly #manner: Manner;
  readonly #early: Uint8Array[] = [];
  #frame: ((bytes: Uint8Array) => void) | null = null;
  #closed: ((reason: Error | null) => void) | null = null;
  #isOpen = true;

  constructor(manner: Manner) {
    this.#manner = manner;
    this.maxFrame = manner.maxFrame ?? 65_536;
  }

  start(frame: (bytes: Uint8Array) => void, _drained: () => void, closed: (reason: Error | null) => void): void {
    this.#frame = frame;
    this.#closed = closed;
    this.#manner.later(() => {
      for (const bytes of this.#early.splice(0)) frame(bytes);
    });
  }

  write(bytes: Uint8Array): void {
    assert(bytes.length <= this.maxFrame, `${bytes.length}`);
    for (const piece of this.#manner.pieces?.(bytes) ?? [bytes]) {
      this.#manner.later(() => this.other.arrive(piece));
    }
  }

  arrive(bytes: Uint8Array): void {
    if (!this.#isOpen) return;
    if (this.#frame === null || this.#early.length > 0) this.#early.push(bytes);
    else this.#frame(bytes);
  }

  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#manner.later(() => this.other.end(null));
  }

  end(reason: Error | null): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#closed?.(reason);
  }
}

/** An engine of a name. */
export function engine(board: Switchboard, name: string, manner: Manner): Engine {
  return {
    scheme: "mem",
    trusted: manner.trusted ?? false,
    open: (incoming) =>
      call(function* () {
        board.set(`mem:${name}`, incoming);
        return `mem:${name}`;
      }()),
    dial: (address) =>
      call(function* (): Generator<unknown, Link, unknown> {
        const incoming = board.get(address);
        if (incoming === undefined) throw new Error(`Nobody is at ${address}`);
        const [a, b] = [new Pipe(manner), new Pipe(manner)];
        [a.other, b.other] = [b, a];
        manner.later(() => incoming(b));
        yield;
        return a;
      }()),
    close: (): Operation<void> =>
      call(function* (): Generator<unknown, void, unknown> {
        board.delete(`mem:${name}`);
        yield;
      }()),
  };
}
