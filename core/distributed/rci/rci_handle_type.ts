import type { HandleType } from "../handle_types.ts";
import { packAddress, unpackAddress } from "../peers/handle_address.ts";
import type { Peers } from "../peers/peers.ts";
import type { WeakHandles } from "../peers/weak_handles.ts";
import { RCI } from "./rci.ts";
import type { RciExports } from "./rci_exports.ts";
import { type Invoker, RemoteRci } from "./remote_rci.ts";

/** How RCIs are sent: by the number that their peer has given them. */
export class RciHandleType implements HandleType {
  readonly name = "asyncoro.RCI";
  private readonly peers: Peers;
  private readonly exports: RciExports;
  private readonly handles: WeakHandles<RCI>;
  private readonly invoker: Invoker;

  constructor(peers: Peers, exports: RciExports, handles: WeakHandles<RCI>, invoker: Invoker) {
    this.peers = peers;
    this.exports = exports;
    this.handles = handles;
    this.invoker = invoker;
  }

  /** An RCI of another network is not one of this. */
  pack(value: object): readonly unknown[] | null {
    if (!(value instanceof RCI)) return null;
    const { name, side } = value;
    if (side instanceof RemoteRci) {
      return side.isOf(this.invoker) ? packAddress({ location: side.location, number: side.number, name }) : null;
    }
    const { location } = this.peers;
    if (side.location !== null && side.location !== location) return null;
    return packAddress({ location, number: this.exports.numberOf(value), name });
  }

  unpack(args: readonly unknown[]): RCI {
    const { location, number, name } = unpackAddress(args, this.peers, "an RCI");
    if (location === this.peers.location) return this.exports.find(number) ?? forgotten(name);
    const peer = this.peers.peerAt(location);
    return this.handles.get(peer, number, () => RCI.make(name, new RemoteRci(name, peer, number, this.invoker)));
  }
}

/** Stands for an RCI of this process that nothing refers to any more, and that is not registered. */
function forgotten(name: string): RCI {
  return new RCI(function* () {}, name);
}
