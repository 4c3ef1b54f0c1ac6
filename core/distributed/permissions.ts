import { describe } from "../base/describe.ts";
import type { Location } from "./location.ts";
import type { Peers } from "./peers/peers.ts";

/** What a peer may ask for. `"control"` is to resume or terminate a coroutine, or to throw an error in it. */
export type PeerAction =
  | "locate"
  | "send"
  | "monitor"
  | "control"
  | "subscribe"
  | "publish"
  | "invoke"
  | "file";

/** What a peer asks for. */
export interface PeerRequest {
  /** The peer. */
  readonly peer: Location;
  /** What it asks for. */
  readonly action: PeerAction;
  /** The name that it asks for, that of `target`, or the path of a file. */
  readonly name?: string;
  /** The coroutine, channel or RCI. */
  readonly target?: unknown;
}

/** Decides whether a peer may do what it asks for. */
export type Allow = (request: PeerRequest) => boolean;

/** Asks the program whether a peer may do something, and counts what was refused. */
export class Permissions {
  private readonly allow: Allow | undefined;
  private readonly peers: Peers;

  /** `allow` is that of the program, which decides alone. */
  constructor(allow: Allow | undefined, peers: Peers) {
    this.allow = allow;
    this.peers = peers;
  }

  /** Whether the program decides nothing, so that everything is as by default. */
  get areDefault(): boolean {
    return this.allow === undefined;
  }

  /** Whether the request is allowed: by the program, or else by `byDefault`. */
  allows(request: PeerRequest, byDefault = true): boolean {
    const allowed = this.allow === undefined ? byDefault : this.ask(this.allow, request);
    if (!allowed) this.peers.refusedOperations++;
    return allowed;
  }

  private ask(allow: Allow, request: PeerRequest): boolean {
    try {
      const allowed: unknown = allow(request);
      if (typeof allowed === "boolean") return allowed;
      throw new TypeError(`Cannot decide as allow() must return a boolean: current value is ${describe(allowed)}`);
    } catch (error) {
      this.peers.report(error);
      return false;
    }
  }
}
