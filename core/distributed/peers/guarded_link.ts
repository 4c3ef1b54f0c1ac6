import type { Link } from "../engine.ts";

/** Calls of links that are under way in this thread. */
let depth = 0;

/** What a link tells. */
interface LinkEvents {
  frame(bytes: Uint8Array): void;
  drained(): void;
  closed(reason: Error | null): void;
}

/**
 * A link of any engine, which may break what {@linkcode Link} asks of one: its callbacks may be called from within its
 * methods, as by an engine that delivers at once what is written, and `write()` may throw.
 *
 * Invariant: nothing is told while any network of this thread is calling a link. It is told in a microtask then, in order.
 */
export class GuardedLink {
  private readonly link: Link;
  private events: LinkEvents | null = null;
  private later: ((events: LinkEvents) => void)[] = [];

  constructor(link: Link) {
    this.link = link;
  }

  /** See `Link`. */
  get maxFrame(): number {
    return this.link.maxFrame;
  }

  /** See `Link`. */
  get queued(): number {
    return this.link.queued;
  }

  /** See `Link`. */
  get lasting(): boolean {
    return this.link.lasting === true;
  }

  /** See `Link`. */
  start(events: LinkEvents): void {
    this.events = events;
    this.call(() =>
      this.link.start(
        (bytes) => this.isFree ? events.frame(bytes) : this.frameLater(bytes),
        () => this.isFree ? events.drained() : this.tellLater((events) => events.drained()),
        (reason) => this.isFree ? events.closed(reason) : this.tellLater((events) => events.closed(reason)),
      )
    );
  }

  /** See `Link`. If it throws, the link has ended. */
  write(frame: Uint8Array): void {
    this.call(() => this.link.write(frame));
  }

  /** See `Link`. */
  close(): void {
    this.call(() => this.link.close());
  }

  private get isFree(): boolean {
    return depth === 0 && this.later.length === 0;
  }

  private call(method: () => void): void {
    depth++;
    try {
      method();
    } catch (error) {
      this.tellLater((events) => events.closed(error instanceof Error ? error : new Error(String(error))));
    } finally {
      depth--;
    }
  }

  /** The bytes are valid during the call only. */
  private frameLater(bytes: Uint8Array): void {
    const copy = bytes.slice();
    this.tellLater((events) => events.frame(copy));
  }

  private tellLater(tell: (events: LinkEvents) => void): void {
    this.later.push(tell);
    if (this.later.length === 1) queueMicrotask(() => this.tell());
  }

  private tell(): void {
    // What is told may have the link tell more, at once.
    for (let i = 0; i < this.later.length; i++) this.later[i](this.events!);
    this.later = [];
  }
}
