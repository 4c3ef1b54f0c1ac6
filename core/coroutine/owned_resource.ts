/**
 * What a coroutine owns, such as locks and child processes: when the coroutine ends, a lock is passed on to the next
 * waiter and a process is killed. `Coro` calls `endOwnership` when it ends (`ended` in `coro.ts`), through the hook in
 * `ownership.ts`; `sync/mutex.ts` says what a lock does then.
 *
 * Each resource is in the list of one owner at most. The list is linked through the resources themselves, so that
 * acquiring a lock allocates nothing.
 */
import { withoutStack } from "../base/error_report.ts";
import { type OwnedResource, ownership, type ResourceOwner } from "./ownership.ts";

/** Adds a resource in front. */
export function addOwnedResource(owner: ResourceOwner, resource: OwnedResource): void {
  ownership.end ??= endOwnership;
  resource.nextOwned = owner.ownedResource;
  owner.ownedResource = resource;
}

/** Removes a resource, if it is in the list. Most are released in the reverse order, so the search is short. */
export function removeOwnedResource(owner: ResourceOwner, resource: OwnedResource): void {
  if (owner.ownedResource === resource) {
    owner.ownedResource = resource.nextOwned;
  } else {
    let at = owner.ownedResource;
    while (at !== null && at.nextOwned !== resource) at = at.nextOwned;
    if (at !== null) at.nextOwned = resource.nextOwned;
  }
  resource.nextOwned = null;
}

/** Notifies all resources that their owner has ended, and reports each that it should have released. */
function endOwnership(owner: ResourceOwner): void {
  // One by one: the report runs code of the program, which may release others.
  for (let resource = owner.ownedResource; resource !== null; resource = owner.ownedResource) {
    owner.ownedResource = resource.nextOwned;
    resource.nextOwned = null;
    const what = resource.describeOwned();
    if (what !== null && !owner.endsWithLoop) {
      const text = `Coroutine ${owner} ended while it held ${what}: it is released`;
      owner.loop.reportError(withoutStack(new Error(text)), owner);
    }
    resource.ownerEnded();
  }
}

/** Calls a function when its owner ends. */
export class ClosedWithOwner implements OwnedResource {
  nextOwned: OwnedResource | null = null;
  readonly #owner: ResourceOwner;
  readonly #close: () => void;

  constructor(owner: ResourceOwner, close: () => void) {
    this.#owner = owner;
    this.#close = close;
    addOwnedResource(owner, this);
  }

  /** Leaving the resource open until the end is not a mistake. */
  describeOwned(): null {
    return null;
  }

  ownerEnded(): void {
    this.#close();
  }

  /** The function need not be called any more. */
  detach(): void {
    removeOwnedResource(this.#owner, this);
  }
}
