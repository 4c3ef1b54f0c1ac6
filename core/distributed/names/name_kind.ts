import { Coro, coroutineNames } from "../../coroutine/coro.ts";
import type { NamesOwner, Registry } from "../../coroutine/names.ts";
import { Channel, channelNames } from "../../messages/channel.ts";
import { RCI, rciNames } from "../rci/rci.ts";

/** One kind of what has names. */
export interface NameKind<T extends object> {
  /** The names of this kind of the schedulers of the process that have joined no network. */
  readonly shared: Registry<T>;
  /** Among whose names an entry is. Left out if only schedulers that have joined a network have names of this kind. */
  ownerOf?(entry: T): NamesOwner;
  /** Whether a value, which a peer has sent, is of this kind. */
  includes(value: unknown): value is T;
}

/** How it is with coroutines. */
const COROUTINES: NameKind<Coro> = {
  shared: coroutineNames,
  ownerOf: (coro) => coro.loop,
  includes: (value) => value instanceof Coro,
};

/** The same for channels. */
const CHANNELS: NameKind<Channel> = {
  shared: channelNames,
  ownerOf: (channel) => channel.namesOwner,
  includes: (value) => value instanceof Channel,
};

/** The same for RCIs. */
const RCIS: NameKind<RCI> = {
  shared: rciNames,
  includes: (value) => value instanceof RCI,
};

/** All kinds. */
// deno-lint-ignore no-explicit-any -- the names of each kind are used with entries of that kind only
export const NAME_KINDS: readonly NameKind<any>[] = [COROUTINES, CHANNELS, RCIS];
