/**
 * A link to a peer through a third one, as each of its two ends sees it.
 *
 * The sessions on the way lose nothing, and the peer that relays tells when one of them has ended: so the link is lasting.
 * What is sent and was not taken at the other end counts as queued. The session above writes no more when that is much,
 * which bounds what the peer in the middle has to keep.
 */
import type { Link } from "../engine.ts";
import { PeerEndedError } from "../errors.ts";
import type { Tunnel, TunnelReceiver } from "./tunnel.ts";

/** The bytes of the longest frame. */
const MAX_FRAME = 256 * 1024;
/** `drained` is called when no more bytes than this are queued, after there were more. */
const LOW_WATER = 256 * 1024;
/** After so many bytes the other end is told that they were taken. */
const TAKEN_BYTES = 64 * 1024;

/** The callbacks of a link that was started. */
interface Callbacks {
  readonly frame: (bytes: Uint8Array) => void;
  readonly drained: () => void;
  readonly closed: (reason: Error | null) => void;
}

/** See the head of this file. */
export class RelayLink implements Link, TunnelReceiver {
  readonly maxFrame = MAX_FRAME;
  readonly lasting = true;
  readonly #tunnel: Tunnel;
  #callbacks: Callbacks | null = null;
  /** What has come before the start. */
  #early: Uint8Array[] = [];
  /** Why the link has ended; `undefined` while it has not. */
  #end: Error | null | undefined = undefined;
  #isClosed = false;
  #queued = 0;
  #untold = 0;

  constructor(tunnel: Tunnel) {
    this.#tunnel = tunnel;
    tunnel.connect(this);
  }

  get queued(): number {
    return this.#queued;
  }

  start(frame: (bytes: Uint8Array) => void, drained: () => void, closed: (reason: Error | null) => void): void {
    // Not from within this call.
    queueMicrotask(() => {
      this.#callbacks = { frame, drained, closed };
      for (const bytes of this.#early.splice(0)) this.arrived(bytes);
      if (this.#end !== undefined) this.#tellEnd(this.#end);
    });
  }

  write(frame: Uint8Array): void {
    if (this.#isClosed || this.#end !== undefined) return;
    this.#queued += frame.length;
    this.#tunnel.send(frame);
  }

  close(): void {
    this.#isClosed = true;
    this.#early = [];
    this.#tunnel.close(false);
  }

  arrived(bytes: Uint8Array): void {
    if (this.#isClosed) return;
    if (this.#callbacks === null) return void this.#early.push(bytes.slice());
    this.#callbacks.frame(bytes);
    this.#untold += bytes.length;
    if (this.#untold < TAKEN_BYTES) return;
    this.#tunnel.tellTaken(this.#untold);
    this.#untold = 0;
  }

  taken(count: number): void {
    const before = this.#queued;
    // Whatever a peer says: no more was taken than was sent.
    this.#queued = Math.max(0, before - count);
    if (before > LOW_WATER && this.#queued <= LOW_WATER) this.#callbacks?.drained();
  }

  closed(peerEnded: boolean): void {
    if (this.#isClosed || this.#end !== undefined) return;
    this.#end = peerEnded ? new PeerEndedError("The peer behind the relay has ended") : null;
    if (this.#callbacks !== null) this.#tellEnd(this.#end);
  }

  #tellEnd(reason: Error | null): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#callbacks!.closed(reason);
  }
}
