/** Files: what peers ask of this scheduler (`file_server.ts`), and what this scheduler asks of them (`file_client.ts`). */
import { Kind } from "../peers/operation_kind.ts";
import type { OperationReader } from "../peers/operation_reader.ts";
import type { Peer } from "../peers/peer.ts";
import type { Peers } from "../peers/peers.ts";
import type { Service } from "../peers/service.ts";
import type { Permissions } from "../permissions.ts";
import { FileClient } from "./file_client.ts";
import type { FileDirectory } from "./file_directory.ts";
import { FileServer } from "./file_server.ts";
import { FileStore } from "./file_store.ts";
import { removeStaleFiles } from "./stale_files.ts";

/** See the head of this file. */
export class Files implements Service {
  /** What this scheduler asks of peers. */
  readonly client: FileClient;
  /** What peers ask of this scheduler. */
  readonly server: FileServer;

  /** Begins to serve peers. `directory` is where files of peers go; `null` if none are taken. */
  constructor(peers: Peers, permissions: Permissions, directory: FileDirectory | null) {
    const joining = peers.location.id;
    const store = directory === null ? null : new FileStore(directory, joining);
    this.server = new FileServer(peers, permissions, store);
    this.client = new FileClient(peers, this.server);
    peers.addService(this, Kind.FILE, Kind.CHUNK, Kind.WRITTEN);
    if (directory !== null) peers.spawn("remove stale files", removeStaleFiles(directory, joining));
  }

  received(peer: Peer, kind: number, reader: OperationReader): void {
    if (kind === Kind.CHUNK) this.server.takeChunk(peer, reader);
    else if (kind === Kind.WRITTEN) this.client.takeWritten(peer, reader);
    else this.server.takeRequest(peer, reader);
  }
}
