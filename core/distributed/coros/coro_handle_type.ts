import { Coro } from "../../coroutine/coro.ts";
import type { HandleType } from "../handle_types.ts";
import { packAddress, unpackAddress } from "../peers/handle_address.ts";
import type { Peers } from "../peers/peers.ts";
import type { ExportTable } from "./export_table.ts";
import type { HandleTable } from "./handle_table.ts";
import { RemoteCoro } from "./remote_coro.ts";

/** How coroutines are sent: by the number in the export table of their peer. */
export class CoroHandleType implements HandleType {
  readonly name = "asyncoro.Coro";
  private readonly peers: Peers;
  private readonly exports: ExportTable;
  private readonly handles: HandleTable;

  constructor(peers: Peers, exports: ExportTable, handles: HandleTable) {
    this.peers = peers;
    this.exports = exports;
    this.handles = handles;
  }

  /** A coroutine of another scheduler in this process is not one of this network. */
  pack(value: object): readonly unknown[] | null {
    if (!(value instanceof Coro) || value.loop !== this.peers.loop) return null;
    const isRemote = value instanceof RemoteCoro;
    const location = isRemote ? value.peer.location : this.peers.location;
    const number = isRemote ? value.id : this.exports.numberOf(value);
    return packAddress({ location, number, name: value.name });
  }

  unpack(args: readonly unknown[]): Coro {
    const { location, number, name } = unpackAddress(args, this.peers, "a coroutine");
    if (location !== this.peers.location) return this.handles.handle(this.peers.peerAt(location), number, name);
    return this.exports.find(number) ?? this.handles.handle(this.peers.forgotten, number, name);
  }
}
