/**
 * Coroutines on other cores, in other processes and on other machines: the same messages, names, channels and monitors.
 *
 * A scheduler joins a network, and from then on finds coroutines by their names at its peers. A handle to one of them is
 * used like any coroutine.
 *
 * @example
 * ```ts
 * import { Coro, run, Scheduler } from "@asyncoro/asyncoro";
 * import { Network } from "@asyncoro/asyncoro/distributed";
 * import { assertEquals } from "@std/assert";
 *
 * const secret = "sixteen or more characters";
 * const other = new Scheduler({ name: "other" });
 * const address = await other.spawn(function* () {
 *   const network = yield* Network.join({ name: "server", secret });
 *   new Coro(function* adder(coro) {
 *     coro.register();
 *     const { from, numbers } = yield* coro.receive<{ from: Coro; numbers: number[] }>();
 *     from.send(numbers[0] + numbers[1]);
 *   });
 *   return network.location.address;
 * }).value();
 *
 * await run(function* (coro) {
 *   const network = yield* Network.join({ name: "client", secret });
 *   yield* network.peer(address);
 *   const adder = yield* Coro.locate("adder", 5);
 *   adder?.send({ from: coro, numbers: [1, 2] });
 *   assertEquals(yield* coro.receive<number>(5), 3);
 *   yield* network.leave();
 * });
 * await other.terminate();
 * ```
 *
 * @module
 */
export type { Allow, PeerAction, PeerRequest } from "./permissions.ts";
export {
  AuthenticationError,
  BackpressureError,
  FileTransferError,
  type LossReason,
  PeerLostError,
  PermissionError,
  ProtocolError,
  RemoteError,
  SerializationError,
} from "./errors.ts";
export type { Engine, Link } from "./engine.ts";
export { tcp, type TcpOptions, type TcpTls } from "./engines/tcp.ts";
export type { SendFileOptions, SentFile } from "./files/send_file_options.ts";
export { Location } from "./location.ts";
export { Network, type NetworkStats } from "./network.ts";
export type { FilesOptions, NetworkOptions } from "./network_options.ts";
export { PeerStatus } from "./peer_status.ts";
export { RemoteChannel } from "./channels/remote_channel.ts";
export { RemoteCoro } from "./coros/remote_coro.ts";
export { RCI } from "./rci/rci.ts";
export type { Orphans, RCIOptions } from "./rci/rci_side.ts";
export { sendable, type SendableClass, type SendableOptions } from "./sendable.ts";
