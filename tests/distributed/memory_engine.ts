/** An engine for tests within one process: links are two queues, and a test may cut them. */
import { PeerEndedError } from "../../core/distributed/errors.ts";
import type { Engine, Link } from "../../core/distributed/engine.ts";
import { Immediate } from "../../core/operations/immediate.ts";
import type { Operation } from "../../core/fiber/operation.ts";

/** The engines of one test, which can dial each other. */
export class MemoryHub {
  readonly engines: Map<string, MemoryEngine> = new Map();

  /** Makes the engine of a peer. */
  engine(name: string, options: { trusted?: boolean } = {}): MemoryEngine {
    return new MemoryEngine(this, name, options.trusted ?? true);
  }

  /** Makes the engine of a server, which others reach at this address, through its node: its links are lasting. */
  server(name: string, address: string): MemoryEngine {
    return new MemoryEngine(this, name, true, address);
  }

  /** Cuts all links: both ends see it, and what is on its way is lost. */
  cut(): void {
    for (const engine of this.engines.values()) engine.cut();
  }
}

/** See the head of this file. */
export class MemoryEngine implements Engine {
  readonly scheme = "memory";
  readonly loopback = true;
  readonly links: Set<MemoryLink> = new Set();
  incoming: ((link: Link) => void) | null = null;
  dials = 0;
  #isBusy = false;

  constructor(
    readonly hub: MemoryHub,
    readonly name: string,
    readonly trusted: boolean,
    readonly relayed: string | null = null,
  ) {}

  get address(): string {
    return `memory:${this.name}`;
  }

  open(incoming: (link: Link) => void): Operation<string> {
    return new Immediate("open", () => {
      this.incoming = incoming;
      this.hub.engines.set(this.address, this);
      return this.relayed ?? this.address;
    });
  }

  /** Whether the program computes, so that nothing arrives. */
  get isBusy(): boolean {
    return this.#isBusy;
  }

  set isBusy(isBusy: boolean) {
    this.#isBusy = isBusy;
    for (const link of this.links) link.schedule();
  }

  dial(address: string): Operation<Link> {
    return new Immediate("dial", () => {
      this.dials++;
      const other = this.hub.engines.get(address);
      if (other === undefined || other.incoming === null) throw new Error(`Nobody listens at ${address}`);
      const lasting = this.relayed !== null;
      const [near, far] = [new MemoryLink(this, lasting), new MemoryLink(other, lasting)];
      near.other = far;
      far.other = near;
      other.incoming(far);
      return near;
    });
  }

  close(): Operation<void> {
    return new Immediate("close", () => {
      this.incoming = null;
      this.hub.engines.delete(this.address);
    });
  }

  /** Cuts the links of this engine. */
  cut(): void {
    for (const link of [...this.links]) link.cut();
  }
}

class MemoryLink implements Link {
  readonly maxFrame = 65_536;
  readonly queued = 0;
  other!: MemoryLink;
  #frame: ((bytes: Uint8Array) => void) | null = null;
  #closed: ((reason: Error | null) => void) | null = null;
  #arrived: Uint8Array[] = [];
  #open = true;
  #scheduled = false;
  #otherClosed = false;

  constructor(readonly engine: MemoryEngine, readonly lasting: boolean) {
    engine.links.add(this);
  }

  start(frame: (bytes: Uint8Array) => void, _drained: () => void, closed: (reason: Error | null) => void): void {
    this.#frame = frame;
    this.#closed = closed;
    this.schedule();
  }

  write(bytes: Uint8Array): void {
    if (this.#open) this.other.#take(bytes);
  }

  close(): void {
    if (!this.#open) return;
    this.#end();
    this.other.#otherClosed = true;
    this.other.schedule();
  }

  cut(): void {
    for (const link of [this, this.other]) {
      link.#arrived = [];
      link.#otherClosed = true;
      link.schedule();
    }
  }

  #take(bytes: Uint8Array): void {
    if (!this.#open || this.#otherClosed) return;
    this.#arrived.push(bytes.slice());
    this.schedule();
  }

  /** Has what is there passed on in a moment. */
  schedule(): void {
    if (this.#scheduled || this.#frame === null || this.engine.isBusy) return;
    this.#scheduled = true;
    queueMicrotask(() => {
      this.#scheduled = false;
      for (const bytes of this.#arrived.splice(0)) if (this.#open) this.#frame!(bytes);
      if (!this.#open || !this.#otherClosed || this.#arrived.length > 0) return;
      this.#end();
      this.#closed!(this.lasting ? new PeerEndedError("The other process has ended") : null);
    });
  }

  #end(): void {
    this.#open = false;
    this.engine.links.delete(this);
  }
}
