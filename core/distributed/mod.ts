/**
 * Coroutines on other cores, in other processes and on other machines: the same messages, names, channels and monitors.
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
