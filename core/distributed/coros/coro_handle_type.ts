import { Coro } from "../../coroutine/coro.ts";
import { SerializationError } from "../errors.ts";
import type { HandleType } from "../handle_types.ts";
import { isListOfText } from "../peers/introduction.ts";
import { Peer } from "../peers/peer.ts";
import type { Peers } from "../peers/peers.ts";
import { ID_BYTES } from "../session/handshake_frames.ts";
import type { ExportTable } from "./export_table.ts";
import type { HandleTable } from "./handle_table.ts";
import { RemoteCoro } from "./remote_coro.ts";

/**
 * How coroutines are sent: the id of the peer, the number in its export table, the name, and the name and addresses of
 * the peer, by which others find it.
 */
export class CoroHandleType implements HandleType {
  readonly name = "asyncoro.Coro";
  private readonly peers: Peers;
  private readonly exports: ExportTable;
  private readonly handles: HandleTable;
  /** Stands for this peer, as the home of coroutines that ended too long ago to be known here. */
  private readonly forgotten: Peer;

  constructor(peers: Peers, exports: ExportTable, handles: HandleTable) {
    this.peers = peers;
    this.exports = exports;
    this.handles = handles;
    this.forgotten = new Peer(peers.location, peers);
    this.forgotten.lastLoss = "gone";
  }

  /** A coroutine of another scheduler in this process is not one of this network. */
  pack(value: object): readonly unknown[] | null {
    if (!(value instanceof Coro) || value.loop !== this.peers.loop) return null;
    const isRemote = value instanceof RemoteCoro;
    const location = isRemote ? value.peer.location : this.peers.location;
    const number = isRemote ? value.id : this.exports.numberOf(value);
    return [location.peerId.bytes.buffer, number, value.name, location.name, location.addresses];
  }

  unpack(args: readonly unknown[]): Coro {
    const [id, number, name, peerName, addresses] = args;
    if (
      !(id instanceof ArrayBuffer) || id.byteLength !== ID_BYTES || !Number.isSafeInteger(number) ||
      typeof name !== "string" || typeof peerName !== "string" || !isListOfText(addresses)
    ) {
      throw new SerializationError("Cannot receive a coroutine as its parts are not those of one");
    }
    const location = this.peers.locationOf(new Uint8Array(id), peerName, addresses);
    if (location !== this.peers.location) {
      return this.handles.handle(this.peers.peerAt(location), number as number, name);
    }
    return this.exports.find(number as number) ?? this.handles.handle(this.forgotten, number as number, name);
  }
}
