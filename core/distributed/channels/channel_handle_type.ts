import { Channel } from "../../messages/channel.ts";
import { SerializationError } from "../errors.ts";
import type { HandleType } from "../handle_types.ts";
import { packAddress, unpackAddress } from "../peers/handle_address.ts";
import type { Peer } from "../peers/peer.ts";
import type { Peers } from "../peers/peers.ts";
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

/** How channels are sent: by the number that their peer has given them. */
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
    const { name } = value;
    if (value instanceof RemoteChannel) return packAddress({ location: value.location, number: value.number, name });
    const number = this.numbers.numberOf(value);
    return number === null ? null : packAddress({ location: this.peers.location, number, name });
  }

  unpack(args: readonly unknown[]): Channel<unknown> {
    const { location, number, name } = unpackAddress(args, this.peers, "a channel");
    if (name === "") throw new SerializationError("Cannot receive a channel as its name is empty");
    if (location === this.peers.location) return this.numbers.original(number, name);
    return this.numbers.handle(this.peers.peerAt(location), number, name);
  }
}
