/**
 * The engine for peers on a network: TCP, with or without TLS, and discovery by UDP multicast.
 */
import { deferred } from "../../base/deferred.ts";
import { runningCoro } from "../../coroutine/coro_of.ts";
import type { Operation } from "../../fiber/operation.ts";
import { denoWith } from "../../host/capability.ts";
import { describe } from "../../base/describe.ts";
import { AcceptLoop, type TlsPlan } from "../../io/net/accept_loop.ts";
import { connect } from "../../io/net/connect.ts";
import { hostListen } from "../../io/net/listen.ts";
import { reportShortage } from "../../io/net/shortage_report.ts";
import { serverEngine } from "../../io/net/tls_engine.ts";
import { call } from "../../operations/call.ts";
import { Immediate } from "../../operations/immediate.ts";
import { until } from "../../operations/until.ts";
import type { Engine, Link } from "../engine.ts";
import { Discovery } from "./discovery.ts";
import { MAX_BEACON } from "./discovery_packet.ts";
import { isIpv4, isLoopback, isWildcard, parseTcpAddress, reachableHost, tcpAddress } from "./tcp_address.ts";
import { type StreamConn, TcpLink } from "./tcp_link.ts";
import { checkTcpOptions, type TcpOptions, type TcpPlan } from "./tcp_options.ts";

export type { TcpOptions, TcpTls } from "./tcp_options.ts";

/** Seconds that the TLS handshake of a peer that dials may take, as long as the network gives it to authenticate. */
const HANDSHAKE_SECONDS = 5;
/** How many TLS handshakes of peers that dial may be under way: as many as the network lets be unauthenticated. */
const MAX_HANDSHAKES = 64;

/**
 * Makes the engine that carries a network over TCP: the default one.
 *
 * - Its addresses are `tcp://127.0.0.1:9705`, `tcp://[::1]:9705`, `tcp://node.example:9705`, with the port that was
 *   bound. `dial` takes `host:port` as well.
 * - With `tls`, links are encrypted, and a peer that is dialed has to show a certificate for the host that was dialed, by
 *   an authority that is trusted. Without, the network authenticates peers and frames, but everybody on the way can read
 *   them.
 * - It discovers peers only when the network asks for it. Beacons go to a multicast group and pass no router; those of a
 *   loopback engine do not leave the machine. The engine does not authenticate beacons, the network
 *   does. Deno needs net permission for `0.0.0.0:9705` and `239.255.97.5:9705`.
 * - It keeps no process alive, nor do its links.
 *
 * @param options Where to listen, and TLS.
 * @throws {TypeError} If an option is of the wrong type, or there is no such option.
 * @throws {RangeError} If a port or the group is out of range.
 * @throws {Deno.errors.InvalidData} If the certificate or the key cannot be read, or they do not belong together.
 * @throws {UnsupportedError} If the runtime is not Deno, or client certificates are to be requested.
 *
 * @example
 * ```ts
 * import { run } from "@asyncoro/asyncoro";
 * import { Network, tcp } from "@asyncoro/asyncoro/distributed";
 * import { assertMatch } from "@std/assert";
 *
 * await run(function* () {
 *   const network = yield* Network.join({ secret: "at least 16 characters", engines: [tcp({ hostname: "127.0.0.1" })] });
 *   assertMatch(network.location.address, /^tcp:\/\/127\.0\.0\.1:\d+$/);
 *   yield* network.leave();
 * });
 * ```
 */
export function tcp(options: TcpOptions = {}): Engine {
  return new TcpEngine(checkTcpOptions(options));
}

/** What an engine has while it is open. */
interface Listening {
  readonly accepting: AcceptLoop;
  readonly port: number;
  /** Resolved when it is closed and the host is done with it. */
  readonly stopped: Promise<void>;
}

class TcpEngine implements Engine {
  readonly scheme = "tcp";
  readonly trusted = false;
  readonly encrypted: boolean;
  readonly loopback: boolean;
  readonly #plan: TcpPlan;
  readonly #tls: TlsPlan | null;
  #listening: Listening | null = null;
  readonly #discoveries = new Set<Discovery>();

  constructor(plan: TcpPlan) {
    denoWith("listen", "make a TCP engine");
    this.#plan = plan;
    this.#tls = tlsPlan(plan);
    this.encrypted = plan.tls !== null;
    this.loopback = isLoopback(plan.hostname);
  }

  open(incoming: (link: Link) => void): Operation<string> {
    return new Immediate("open", () => this.#open(incoming));
  }

  dial(address: string, timeout: number): Operation<Link> {
    const { hostname, port } = parseTcpAddress(address);
    const target = { hostname, port, tls: this.#plan.tls ?? false };
    return connect<Link>(target, timeout, (conn) => new TcpLink(conn as StreamConn));
  }

  discover(beacon: Uint8Array, found: (address: string, beacon: Uint8Array) => void): () => void {
    checkBeacon(beacon);
    if (this.#listening === null) {
      throw new Error("Cannot discover peers as the TCP engine is not open: yield its open() before");
    }
    const { hostname, group, discoveryPort } = this.#plan;
    const discovery = new Discovery({
      group,
      port: discoveryPort,
      networkInterface: interfaceOf(hostname),
      hostname: isWildcard(hostname) ? "" : hostname,
      tcpPort: this.#listening.port,
      beacon,
      found,
    });
    this.#discoveries.add(discovery);
    return () => this.#endDiscovery(discovery);
  }

  close(): Operation<void> {
    return call(this.#close());
  }

  #open(incoming: (link: Link) => void): string {
    if (this.#listening !== null) {
      throw new Error("Cannot open the TCP engine as it is open: make another one with tcp() for another network");
    }
    const { hostname } = this.#plan;
    const reachable = reachableHost(hostname);
    const listener = listen(this.#plan);
    const { port } = listener.addr as Deno.NetAddr;
    const owner = runningCoro();
    const stopped = deferred<void>();
    const accepting = new AcceptLoop(listener, this.#tls, {
      connected: (conn) => incoming(new TcpLink(conn as StreamConn)),
      proceed: () => accepting.next(),
      shortage: (error) => reportShortage(error, tcpAddress(hostname, port), owner),
      failed: () => false,
      stopped: stopped.resolve,
    });
    accepting.setRef(false);
    accepting.next();
    this.#listening = { accepting, port, stopped: stopped.promise };
    return tcpAddress(reachable, port);
  }

  #endDiscovery(discovery: Discovery): void {
    discovery.end();
    this.#discoveries.delete(discovery);
  }

  /** Closes. The port is free when this has ended: until then the host holds it for the `accept` that is under way. */
  *#close(): Generator<unknown, void, unknown> {
    for (const discovery of this.#discoveries) this.#endDiscovery(discovery);
    const listening = this.#listening;
    if (listening === null) return;
    this.#listening = null;
    listening.accepting.close();
    yield* until(listening.stopped);
  }
}

/** Prepares TLS, so that a certificate that cannot be used is refused when the engine is made. */
function tlsPlan({ tls }: TcpPlan): TlsPlan | null {
  if (tls === null) return null;
  return {
    engine: serverEngine(tls),
    seconds: HANDSHAKE_SECONDS,
    mostHandshakes: MAX_HANDSHAKES,
    onHandshakeError: null,
    alive: false,
  };
}

/** Listens. An error of the host says where. */
function listen({ hostname, port }: TcpPlan): Deno.Listener {
  try {
    return hostListen({ hostname, port });
  } catch (error) {
    const { message, constructor } = error as Error;
    const kind = constructor as new (message: string, options: ErrorOptions) => Error;
    const advice = error instanceof Deno.errors.AddrInUse ? ": choose another 'port', or 0 for any that is free" : "";
    throw new kind(`Cannot listen at ${tcpAddress(hostname, port)} as the host refuses it: ${message}${advice}`, {
      cause: error,
    });
  }
}

/** The address of the interface through which peers are discovered; `null` leaves that to the system. */
function interfaceOf(hostname: string): string | null {
  if (isLoopback(hostname)) return "127.0.0.1";
  return isIpv4(hostname) && !isWildcard(hostname) ? hostname : null;
}

function checkBeacon(beacon: unknown): void {
  if (!(beacon instanceof Uint8Array)) {
    throw new TypeError(
      `Cannot discover peers as 'beacon' must be a Uint8Array: current value is ${describe(beacon)}`,
    );
  }
  if (beacon.length > MAX_BEACON) {
    throw new RangeError(
      `Cannot discover peers as a beacon has at most ${MAX_BEACON} bytes: current value has ${beacon.length}`,
    );
  }
}
