/** Peers in one process, each with a scheduler of its own, that send files to each other. */
import { type Coro, type Operation, Scheduler } from "@asyncoro/asyncoro";
import type { Location } from "../../../core/distributed/location.ts";
import { Network } from "../../../core/distributed/network.ts";
import type { NetworkOptions } from "../../../core/distributed/network_options.ts";
import type { Peer } from "../../../core/distributed/peers/peer.ts";
import { Immediate } from "../../../core/operations/immediate.ts";
import { MemoryHub } from "../memory_engine.ts";

/** What a coroutine of a peer does. */
export type Body<T> = (network: Network, coro: Coro) => Generator<unknown, T, unknown> | Operation<T>;

/** One peer. */
export class TestPeer {
  /** The errors that were reported. */
  readonly errors: unknown[] = [];

  constructor(readonly scheduler: Scheduler, readonly network: Network) {
    scheduler.onError = (error) => void this.errors.push(error);
  }

  get location(): Location {
    return this.network.location;
  }

  /** Whether it receives or deletes files for peers. */
  get isReceiving(): boolean {
    return this.network.files.server.isBusy;
  }

  /** The other peer as this one sees it, to write operations to. */
  peer(other: TestPeer): Peer {
    return this.network.peerTable.peerAt(other.location);
  }

  /** Runs a coroutine. */
  run<T>(body: Body<T>): Promise<T> {
    const { network } = this;
    return this.scheduler.spawn(function* (coro: Coro) {
      // Wrapped, as asyncoro's rule for results would take another value for undefined.
      return { value: yield* body(network, coro) };
    }).value().then((result) => (result as { value: T } | undefined)?.value as T);
  }

  /** Is not heard any more, and hears nothing: as if its process had been killed. */
  crash(hub: MemoryHub): void {
    const engine = hub.engines.get(this.location.address)!;
    engine.incoming = null;
    engine.dial = () => new Immediate("dial", () => fail("it has crashed"));
    hub.engines.delete(engine.address);
    engine.cut();
  }
}

/** What a test has. */
export class Fixture {
  readonly hub = new MemoryHub();
  /** A directory for anything. */
  readonly home: string = Deno.realPathSync(Deno.makeTempDirSync({ prefix: "asyncoro-files-" }));
  /** The directory for files of peers, within `home`. */
  readonly inbox: string = `${this.home}/inbox`;
  readonly #schedulers: Scheduler[] = [];

  /** Joins as a peer, and connects to the others. By default it takes files into `inbox`. */
  async join(name: string, options: NetworkOptions = {}): Promise<TestPeer> {
    const scheduler = new Scheduler({ name });
    this.#schedulers.push(scheduler);
    const engine = this.hub.engine(name);
    const others = [...this.hub.engines.keys()];
    const files = { directory: this.inbox };
    const network = await scheduler.spawn(function* () {
      const network = yield* Network.join({ name, engines: [engine], files, ...options });
      for (const address of others) yield* network.peer(address);
      return network;
    }).value() as Network;
    return new TestPeer(scheduler, network);
  }

  /** Writes a file of this many bytes, which look random, and returns its path. */
  source(name: string, contents: number | string): string {
    const path = `${this.home}/${name}`;
    Deno.writeFileSync(path, typeof contents === "number" ? noise(contents) : new TextEncoder().encode(contents));
    return path;
  }

  /** All files and directories in `inbox`, sorted; directories end with `/`. */
  inboxEntries(directory = this.inbox): string[] {
    const names: string[] = [];
    for (const { name, isDirectory } of Deno.readDirSync(directory)) {
      if (!isDirectory) names.push(name);
      else names.push(`${name}/`, ...this.inboxEntries(`${directory}/${name}`).map((entry) => `${name}/${entry}`));
    }
    return names.sort();
  }

  /** The contents of a file in `inbox`. */
  received(path: string): Uint8Array {
    return Deno.readFileSync(`${this.inbox}/${path}`);
  }

  /** Waits until a condition holds. */
  async until(condition: () => boolean): Promise<void> {
    const end = Date.now() + 10_000;
    while (!condition()) {
      if (Date.now() > end) throw new Error(`It does not become true: ${condition}`);
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  }

  async end(): Promise<void> {
    for (const scheduler of this.#schedulers) await scheduler.terminate();
    Deno.removeSync(this.home, { recursive: true });
  }
}

function fail(reason: string): never {
  throw new Error(reason);
}

/** Runs a test with a fixture. */
export async function withFixture(test: (fixture: Fixture) => Promise<void>): Promise<void> {
  const fixture = new Fixture();
  try {
    await test(fixture);
  } finally {
    await fixture.end();
  }
}

/** Two peers: `a` sends, `b` receives. */
export function withTwo(
  test: (peers: { a: TestPeer; b: TestPeer; fixture: Fixture }) => Promise<void>,
  options: { a?: (inbox: string) => NetworkOptions; b?: (inbox: string) => NetworkOptions } = {},
): () => Promise<void> {
  return () =>
    withFixture(async (fixture) => {
      const b = await fixture.join("b", options.b?.(fixture.inbox));
      const a = await fixture.join("a", options.a?.(fixture.inbox));
      await test({ a, b, fixture });
    });
}

/** Bytes that look random, the same for each length. */
export function noise(length: number, seed = 1): Uint8Array<ArrayBuffer> {
  const words = new Uint32Array(Math.ceil(length / 4));
  let state = seed >>> 0 || 1;
  for (let i = 0; i < words.length; i++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    words[i] = state;
  }
  return new Uint8Array(words.buffer, 0, length);
}
