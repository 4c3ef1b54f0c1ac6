import { UnsupportedError } from "../../base/errors.ts";
import type { Coro } from "../../coroutine/coro.ts";
import type { Outcome } from "../../coroutine/errors.ts";
import type { Operation } from "../../fiber/operation.ts";
import type { Location } from "../location.ts";
import type { Peer } from "../peers/peer.ts";
import type { PreparedRequest } from "../peers/requests.ts";
import { Mode, RemoteCall, RemoteOutcome, RemoteRun } from "./invocations.ts";
import type { RciSide } from "./rci_side.ts";

/** Writes requests to run RCIs of peers. */
export interface Invoker {
  /** Writes one, with a copy of the arguments. */
  prepare(rci: RemoteRci, mode: number, args: readonly unknown[]): PreparedRequest;
}

/** An RCI of a peer. */
export class RemoteRci implements RciSide {
  readonly name: string;
  readonly peer: Peer;
  /** The number by which the peer knows it. */
  readonly number: number;
  private readonly invoker: Invoker;

  constructor(name: string, peer: Peer, number: number, invoker: Invoker) {
    this.name = name;
    this.peer = peer;
    this.number = number;
    this.invoker = invoker;
  }

  get location(): Location {
    return this.peer.location;
  }

  /** Whether it belongs to a network, by what writes its requests. */
  isOf(invoker: Invoker): boolean {
    return this.invoker === invoker;
  }

  run(args: readonly unknown[]): Operation<Coro> {
    return new RemoteRun(this, this.invoker.prepare(this, Mode.RUN, args));
  }

  call(args: readonly unknown[]): Operation<unknown> {
    return new RemoteCall(this, this.invoker.prepare(this, Mode.CALL, args));
  }

  outcome(args: readonly unknown[]): Operation<Outcome> {
    return new RemoteOutcome(this, this.invoker.prepare(this, Mode.OUTCOME, args));
  }

  register(): never {
    throw this.unsupported("register");
  }

  unregister(): never {
    throw this.unsupported("unregister");
  }

  private unsupported(action: string): UnsupportedError {
    return new UnsupportedError(`Cannot ${action} RCI '${this.name}' as it is at peer ${this.peer}: do it there`);
  }
}
