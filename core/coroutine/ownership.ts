/**
 * How what a coroutine owns learns of its end: a hook, so that a program without locks need not contain the code of owned
 * resources.
 */
import type { Owner } from "../fiber/owner.ts";

/** Something that a coroutine owns, in the list of its owner. */
export interface OwnedResource {
  /** The next resource of the same owner. */
  nextOwned: OwnedResource | null;
  /** In words, for the error report; `null` if owning it at the end is not a mistake. */
  describeOwned(): string | null;
  /** The owner has ended. The resource is no longer in its list. */
  ownerEnded(): void;
}

/** A coroutine, as the owner of resources. */
export interface ResourceOwner extends Owner {
  /** The first of its resources. */
  ownedResource: OwnedResource | null;
  /** Whether the program ends, or the scheduler was abandoned: then nothing is reported. */
  readonly endsWithLoop: boolean;
}

/** `end` notifies all resources that their owner has ended; `null` until a coroutine owns something. */
export const ownership: { end: ((owner: ResourceOwner) => void) | null } = { end: null };
