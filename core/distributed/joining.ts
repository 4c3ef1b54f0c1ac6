/** The parts of a network before it is one: its engines, its id, its table of peers. */
import type { Coro } from "../coroutine/coro.ts";
import { cryptographyOf } from "./cryptography.ts";
import { Discoverer } from "./discoverer.ts";
import type { Engine, Link } from "./engine.ts";
import { HandleTypes } from "./handle_types.ts";
import { Location } from "./location.ts";
import type { CheckedNetworkOptions } from "./network_options.ts";
import { encodeIntroduction } from "./peers/introduction.ts";
import { Peers } from "./peers/peers.ts";
import { ID_BYTES } from "./session/handshake_frames.ts";
import { PeerId } from "./session/peer_id.ts";

/** The versions of the protocol that this package speaks. */
const VERSIONS: readonly [number, number] = [1, 1];
/** Seconds for a handshake. */
const HANDSHAKE_TIMEOUT = 5;
/** Seconds that what is sent waits for a peer that was never connected. */
const CONNECT_TIMEOUT = 10;

/** Engines that have been opened. Links that others dial wait until there is somebody to accept them. */
export class OpenEngines {
  /** The engines. */
  readonly all: Engine[] = [];
  /** Their addresses. */
  readonly addresses: string[] = [];
  readonly #early: { readonly link: Link; readonly engine: Engine }[] = [];
  #peers: Peers | null = null;

  /** Opens engines, one after the other. */
  *open(engines: readonly Engine[]): Generator<unknown, void, unknown> {
    for (const engine of engines) {
      this.addresses.push(yield* engine.open((link) => this.#incoming(link, engine)));
      this.all.push(engine);
    }
  }

  /** Gives the links to the peers, those that wait and all later ones. */
  acceptWith(peers: Peers): void {
    this.#peers = peers;
    for (const { link, engine } of this.#early.splice(0)) peers.accept(link, engine);
  }

  /** Closes what has been opened. */
  *close(): Generator<unknown, void, unknown> {
    for (const { link } of this.#early.splice(0)) link.close();
    for (const engine of this.all) yield* engine.close();
  }

  #incoming(link: Link, engine: Engine): void {
    if (this.#peers === null) this.#early.push({ link, engine });
    else this.#peers.accept(link, engine);
  }
}

/** What a network is made of. */
export interface JoinedParts {
  /** The table of peers, still empty. */
  readonly peers: Peers;
  /** The kinds of handles, which the network adds. */
  readonly handles: HandleTypes;
  /** One for each engine that discovers, if the network is to. */
  readonly discoverers: readonly Discoverer[];
}

/** Makes the parts of a network with open engines, under a new id. `reporter` is the coroutine that joins. */
export function joinAs(reporter: Coro, options: CheckedNetworkOptions, engines: OpenEngines): JoinedParts {
  const { loop } = reporter;
  const { hmac, random, securityOf, versions } = cryptographyOf(options.secret, engines.all);
  const peerId = new PeerId(random(ID_BYTES));
  const location = new Location(peerId, options.name ?? `peer-${peerId.text.slice(0, 8)}`, engines.addresses);
  const handles = new HandleTypes();
  const sessions = {
    id: peerId.bytes,
    network: options.network,
    versions: versions ?? VERSIONS,
    introduction: encodeIntroduction(location),
    handshakeTimeout: HANDSHAKE_TIMEOUT,
    connectTimeout: CONNECT_TIMEOUT,
    heartbeat: options.heartbeat,
    peerTimeout: options.peerTimeout,
    maxMessage: options.maxMessageSize,
    maxQueue: options.maxQueue,
    maxPeers: options.maxPeers,
    hmac,
    random,
  };
  const peers = new Peers({ loop, reporter, location, securityOf, handles, random: loop.random, sessions });
  for (const engine of engines.all) peers.addEngine(engine);
  const discovering = options.discover ? engines.all.filter(({ discover }) => discover !== undefined) : [];
  const discoverers = discovering.map((engine) => new Discoverer(engine, peerId, options.network, securityOf(engine)));
  return { peers, handles, discoverers };
}
