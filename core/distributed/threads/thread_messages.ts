/** What a thread and the one that has started it tell each other past the network. */
import type { Port } from "../../host/worker_threads.ts";
import type { NetworkOptions } from "../network_options.ts";

/** The first message to a thread. */
export interface ThreadStart {
  /** The URL of the module that exports `Network`. */
  readonly networkModule: string;
  /** The URL of the module that exports `runThread()`. */
  readonly threadModule: string;
  /** The URL of the program's module. */
  readonly module: string;
  /** The id of the joining that starts the thread. */
  readonly group: string;
  /** The number of the thread in its group. */
  readonly number: number;
  /** How the thread joins. */
  readonly options: NetworkOptions;
  /** Carries the messages below. */
  readonly control: Port;
}

/** What a thread tells. */
export type FromThread =
  /** It has joined, and the top level of the program's module is done. */
  | { readonly kind: "ready" }
  /** It could not join, or the module has failed: an error, encoded. The thread is to be ended. */
  | { readonly kind: "failed"; readonly error: Uint8Array }
  | Dial;

/** What a thread is told. */
export type ToThread =
  | Dial
  /** It is to end. `finally` blocks may take so many seconds. */
  | { readonly kind: "end"; readonly seconds: number };

/** A thread dials another: this is its end of the link. */
export interface Dial {
  readonly kind: "dial";
  /** The number of the thread that is dialed. */
  readonly to: number;
  readonly port: Port;
}
