/**
 * What carries bytes between peers: engines and their links.
 *
 * An engine knows addresses, connections and bytes, nothing else. Order, acknowledgement, duplicates, resumption,
 * heartbeats, fragments and authentication are the session layer's, above every engine (`session/session.ts`).
 */
import type { Operation } from "../fiber/operation.ts";

/** Carries frames between peers: {@linkcode tcp}, or one of your own. */
export interface Engine {
  /** The scheme of its addresses, such as `"tcp"`. */
  readonly scheme: string;
  /** Whether both ends of a link are in one process: such a link needs no secret. */
  readonly trusted: boolean;
  /** Whether its links are encrypted and their peer is authenticated, as with TLS: frames need no MAC. */
  readonly encrypted?: boolean;
  /** Whether it can be reached from this machine only: a network may have no secret then. */
  readonly loopback?: boolean;
  /**
   * Begins to accept links.
   *
   * @param incoming Called with each link that another peer has dialed.
   * @returns Its address, a URL.
   */
  open(incoming: (link: Link) => void): Operation<string>;
  /**
   * Opens a link to the engine of another peer.
   *
   * @param address Its address: a URL of this scheme, or what else the engine understands, such as `"host:port"`.
   * @param timeout Seconds that it may take; then it throws a `TimeoutError`.
   */
  dial(address: string, timeout: number): Operation<Link>;
  /**
   * Tells others that this peer is there, and finds those that do the same.
   *
   * @param beacon The bytes that the others are to get.
   * @param found Called with the address and the beacon of another peer, possibly many times.
   * @returns A function that ends it.
   */
  discover?(beacon: Uint8Array, found: (address: string, beacon: Uint8Array) => void): () => void;
  /** Accepts no more links. Links that are open stay open. */
  close(): Operation<void>;
  /** @internal Set if the engine simulates: what the network is to use in place of the host's means. */
  readonly simulation?: EngineSimulation;
}

/** @internal How much links are trusted. */
export type LinkTrust = Pick<Engine, "trusted" | "encrypted">;

/**
 * @internal What a simulated engine gives to its network, so that the same seed always leads to the same run.
 *
 * For what need not be bytes, such as the delay before a link is dialed again, the scheduler has random numbers:
 * `loop.random()`, which a simulation seeds too.
 */
export interface EngineSimulation {
  /** So many random bytes, which the seed determines: for ids and nonces. */
  random(count: number): Uint8Array;
  /** 32 bytes that depend on the key and the data: in place of HMAC-SHA-256, which takes longer than the rest. */
  hmac(key: Uint8Array, data: Uint8Array): Uint8Array;
  /** The lowest and the highest version of the protocol that the network says it speaks; its own if this is not set. */
  readonly versions?: readonly [lowest: number, highest: number];
}

/**
 * A link between two peers that is open. It may lose frames, but keeps their order and never cuts one.
 *
 * No callback is called from within `start()`, `write()` or `close()`.
 */
export interface Link {
  /** The bytes of the longest frame. */
  readonly maxFrame: number;
  /** The bytes that were written and have not been sent. */
  readonly queued: number;
  /**
   * Whether the link loses nothing, and reports its end whenever the peer ends: then silence is no loss, and the peer may
   * compute for longer than `peerTimeout` without giving way.
   */
  readonly lasting?: boolean;
  /**
   * Sets the callbacks. Until then the link keeps what arrives.
   *
   * @param frame Called with bytes that have arrived: frames or parts of frames, in order. They are valid during the
   * call.
   * @param drained Called when `queued` has fallen so low that more is to be written: at the latest at 256 KiB, if it has
   * been above 512 KiB.
   * @param closed Called once, if the link ends other than by `close()`: with the error that ended it, or `null`.
   */
  start(frame: (bytes: Uint8Array) => void, drained: () => void, closed: (reason: Error | null) => void): void;
  /** Writes a whole frame, which belongs to the link from now on. */
  write(frame: Uint8Array): void;
  /** Closes it. What was written before is still sent. Closing it again has no effect. */
  close(): void;
}
