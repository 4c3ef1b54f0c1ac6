import { Channel } from "../../messages/channel.ts";
import { SerializationError } from "../errors.ts";
import type { HandleType } from "../handle_types.ts";
import { isListOfText } from "../peers/introduction.ts";
import type { Peer } from "../peers/peer.ts";
import type { Peers } from "../peers/peers.ts";
import { ID_BYTES } from "../session/handshake_frames.ts";
import { RemoteChannel } from "./remote_channel.ts";

/** Where channels of this and other peers are found by their numbers. */
export interface ChannelNumbers {
  /** The number of a channel of this process, which is given out from now on; `null` if it is not one of this network. */
  numberOf(channel: Channel<unknown>): number | null;
  /** The channel of this process that has a number. */
  original(number: number, name: string): Channel<unknown>;
  /** The handle to a channel of another peer. */
  handle(peer: Peer, number: number, name: string): Channel<unknown>;
}

/**
 * How channels are sent: the id of the peer, the number that it knows the channel by, the name, and the name and addresses
 * of the peer, by which others find it.
 */
export class ChannelHandleType implements HandleType {
  readonly name = "asyncoro.Channel";
  private readonly peers: Peers;
  private readonly numbers: ChannelNumbers;

  constructor(peers: Peers, numbers: ChannelNumbers) {
    this.peers = peers;
    this.numbers = numbers;
  }

  pack(value: object): readonly unknown[] | null {
    if (!(value instanceof Channel)) return null;
    const isRemote = value instanceof RemoteChannel;
    const location = isRemote ? value.location : this.peers.location;
    const number = isRemote ? value.number : this.numbers.numberOf(value);
    if (number === null) return null;
    return [location.peerId.bytes.buffer, number, value.name, location.name, location.addresses];
  }

  unpack(args: readonly unknown[]): Channel<unknown> {
    const [id, number, name, peerName, addresses] = args;
    if (
      !(id instanceof ArrayBuffer) || id.byteLength !== ID_BYTES || !Number.isSafeInteger(number) ||
      typeof name !== "string" || name === "" || typeof peerName !== "string" || !isListOfText(addresses)
    ) {
      throw new SerializationError("Cannot receive a channel as its parts are not those of one");
    }
    const location = this.peers.locationOf(new Uint8Array(id), peerName, addresses);
    return location === this.peers.location
      ? this.numbers.original(number as number, name)
      : this.numbers.handle(this.peers.peerAt(location), number as number, name);
  }
}
