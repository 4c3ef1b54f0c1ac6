import { Coro, coroutineNames } from "../../coroutine/coro.ts";
import type { NamesOwner, Registry } from "../../coroutine/names.ts";
import { Channel, channelNames } from "../../messages/channel.ts";

/** One kind of what has names. */
export interface NameKind<T extends object> {
  /** The names of this kind of the schedulers of the process that have joined no network. */
  readonly shared: Registry<T>;
  /** Among whose names an entry is. */
  ownerOf(entry: T): NamesOwner;
  /** Whether a value, which a peer has sent, is of this kind. */
  includes(value: unknown): value is T;
}

/** What has names in the lower rooms. */
export const COROUTINES: NameKind<Coro> = {
  shared: coroutineNames,
  ownerOf: (coro) => coro.loop,
  includes: (value) => value instanceof Coro,
};

/** The same for channels. */
export const CHANNELS: NameKind<Channel> = {
  shared: channelNames,
  ownerOf: (channel) => channel.namesOwner,
  includes: (value) => value instanceof Channel,
};
