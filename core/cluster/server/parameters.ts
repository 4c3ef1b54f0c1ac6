/** What a server's program is started with: the one argument of its process, as JSON. There is no secret in it. */
import type { NetworkOptions } from "../../distributed/network_options.ts";

/** See the head of this file. */
export interface ServerParameters {
  /** Its name in the network. */
  readonly name: string;
  /** Its address: the node relays. */
  readonly address: string;
  /** The folder of the job, as a URL that ends with a slash. */
  readonly folder: string;
  /** The joining of the client. */
  readonly client: { readonly id: string; readonly name: string; readonly addresses: readonly string[] };
  /** The name of the network and its limits. */
  readonly options: NetworkOptions;
}
