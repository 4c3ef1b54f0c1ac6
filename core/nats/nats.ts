/**
 * The engine that carries a network over a NATS server: a peer needs a connection to the server only, and no port of its
 * own.
 */
import { deferred } from "../base/deferred.ts";
import { checkOptions } from "../base/options.ts";
import type { Engine, Link } from "../distributed/engine.ts";
import type { Operation } from "../fiber/operation.ts";
import { HostCall } from "../io/wait/host_call.ts";
import { Immediate } from "../operations/immediate.ts";
import {
  checkConnection,
  type NatsConnectionLike,
  type NatsMessageLike,
  type NatsSubscriptionLike,
} from "./connection.ts";
import { Discovery } from "./discovery.ts";
import { NatsLink } from "./nats_link.ts";
import { newId, Subjects } from "./subjects.ts";

/** Options of {@linkcode nats}. */
export interface NatsOptions {
  /** A connection of your own, as `connect()` of @nats-io/transport-node, or another transport, returns it. */
  readonly connection: NatsConnectionLike;
  /**
   * What all subjects start with: letters, digits, `_` and `-`, in parts separated by dots; `"asyncoro"` by default. Peers
   * reach those with the same prefix.
   */
  readonly prefix?: string;
}

/**
 * Makes the engine that carries a network over NATS.
 *
 * - It uses a connection of yours, and does not close it: close it after the network was left. Pass
 *   `maxReconnectAttempts: -1` to `connect()`, so that it outlasts any restart of the server. The connection keeps the
 *   process alive; the engine does not.
 * - Its addresses are `nats:<prefix>/<id>`, with a new id each time it is opened.
 * - Peers of one prefix do not meet by themselves unless the network is joined with `discover: true`.
 * - When the connection breaks, the client drops what is published. Links end when it is restored; sessions open new ones,
 *   and nothing is lost, doubled or reordered, if that takes less than the network's `peerTimeout`.
 * - The network authenticates peers and each frame. A client that may publish below the prefix can disturb links, but can
 *   neither read nor forge a session. A client that may subscribe there can read messages. Restrict both by the server's
 *   permissions. Between peer and server only TLS keeps messages private.
 *
 * @param options The connection, and the prefix of the subjects.
 * @throws {TypeError} If an option is of the wrong type, or there is no such option.
 *
 * @example
 * ```ts ignore
 * import { run } from "@asyncoro/asyncoro";
 * import { Network } from "@asyncoro/asyncoro/distributed";
 * import { nats } from "@asyncoro/asyncoro/nats";
 * import { connect } from "@nats-io/transport-node";
 *
 * const connection = await connect({ servers: "127.0.0.1:4222", maxReconnectAttempts: -1, noAsyncTraces: true });
 * await run(function* () {
 *   const network = yield* Network.join({
 *     secret: "at least 16 characters",
 *     engines: [nats({ connection, prefix: "shop" })],
 *     discover: true,
 *   });
 *   console.log(network.location.address);
 *   yield* network.leave();
 * });
 * await connection.close();
 * ```
 */
export function nats(options: NatsOptions): Engine {
  checkOptions(options, ["connection", "prefix"], "make a NATS engine");
  const { connection, prefix = "asyncoro" } = options;
  return new NatsEngine(checkConnection(connection, "make a NATS engine"), new Subjects(prefix));
}

/** What an engine has while it is open. */
interface Listening {
  readonly id: string;
  readonly subscription: NatsSubscriptionLike;
}

class NatsEngine implements Engine {
  readonly scheme = "nats";
  readonly trusted = false;
  readonly #connection: NatsConnectionLike;
  readonly #subjects: Subjects;
  #listening: Listening | null = null;
  readonly #discoveries = new Set<Discovery>();

  constructor(connection: NatsConnectionLike, subjects: Subjects) {
    this.#connection = connection;
    this.#subjects = subjects;
  }

  open(incoming: (link: Link) => void): Operation<string> {
    return new HostCall<string>({
      label: "open",
      waitsFor: "the NATS server",
      start: () => this.#open(incoming),
      abort: () => this.#stop(),
    }, Infinity);
  }

  dial(address: string, timeout: number): Operation<Link> {
    const subject = this.#subjects.peer(this.#subjects.parse(address));
    let link: NatsLink | null = null;
    return new HostCall<Link>({
      label: "dial",
      waitsFor: `a link to ${address}`,
      start: () => {
        link = new NatsLink(this.#connection, this.#subjects);
        return link.dial(subject);
      },
      abort: () => link?.close(),
      discard: (link) => link.close(),
    }, timeout);
  }

  discover(beacon: Uint8Array, found: (address: string, beacon: Uint8Array) => void): () => void {
    if (this.#listening === null) {
      throw new Error("Cannot discover peers as the NATS engine is not open: yield its open() before");
    }
    const { id } = this.#listening;
    const discovery = new Discovery({ connection: this.#connection, subjects: this.#subjects, id, beacon, found });
    this.#discoveries.add(discovery);
    return () => this.#endDiscovery(discovery);
  }

  close(): Operation<void> {
    return new Immediate("close", () => this.#stop());
  }

  /** Subscribes. Resolves once the server knows of it, so that the address can be dialed from then on. */
  async #open(incoming: (link: Link) => void): Promise<string> {
    if (this.#listening !== null) {
      throw new Error("Cannot open the NATS engine as it is open: make another one with nats() for another network");
    }
    const id = newId();
    const refused = deferred<never>();
    refused.promise.catch(() => {});
    const callback = (error: Error | null, message: NatsMessageLike) => {
      if (error !== null) refused.reject(error);
      else if (this.#listening?.id === id) this.#accept(message, incoming);
    };
    const subscription = this.#connection.subscribe(this.#subjects.peer(id), { callback });
    const listening = this.#listening = { id, subscription };
    try {
      await Promise.race([this.#flushed(() => this.#listening === listening), refused.promise]);
    } catch (error) {
      if (this.#listening === listening) this.#stop();
      throw error;
    }
    return this.#subjects.address(id);
  }

  /** Waits until the server has what was sent. If the connection breaks, the client subscribes again by itself. */
  async #flushed(wanted: () => boolean): Promise<void> {
    for (;;) {
      try {
        return await this.#connection.flush();
      } catch (error) {
        if (this.#connection.isClosed() || !wanted()) throw error;
      }
    }
  }

  #accept({ reply }: NatsMessageLike, incoming: (link: Link) => void): void {
    if (reply === undefined || !this.#subjects.isLink(reply)) return;
    const link = new NatsLink(this.#connection, this.#subjects);
    link.accept(reply);
    incoming(link);
  }

  #endDiscovery(discovery: Discovery): void {
    discovery.end();
    this.#discoveries.delete(discovery);
  }

  #stop(): void {
    for (const discovery of this.#discoveries) this.#endDiscovery(discovery);
    this.#listening?.subscription.unsubscribe();
    this.#listening = null;
  }
}
