/**
 * Watching for misuse, in schedulers with `debug`: operations that a coroutine made and never yielded.
 *
 * An operation does nothing until it is yielded, so a forgotten `yield*` goes unnoticed. Dropping an operation on purpose
 * is allowed but rare, so with `debug` each one is reported when the coroutine that made it ends.
 */
import { context } from "./context.ts";
import type { Owner } from "./owner.ts";
import { callOfProgram } from "../base/call_site.ts";

/** Whether any scheduler that has not ended has `debug`: otherwise making an operation costs only this check. */
export const watch: { active: boolean } = { active: false };

let watching = 0;

/** A scheduler watches from now on, or no longer: when it ends it does not. It is counted once. */
export function setWatching(watcher: { watching: boolean }, watches: boolean): void {
  watching += Number(watches) - Number(watcher.watching);
  watcher.watching = watches;
  watch.active = watching > 0;
}

/** An operation, as far as it matters whether it was forgotten. */
interface Forgettable {
  readonly label: string;
  readonly used: boolean;
  readonly parts: readonly (Forgettable | null)[];
}

interface Made {
  readonly operation: Forgettable;
  readonly callSite: string | null;
}

const made = new WeakMap<Owner, Made[]>();

/** Records an operation that a running coroutine has made. */
export function operationMade(operation: Forgettable): void {
  const owner = context.fiber?.owner;
  if (owner === undefined || !owner.loop.debug) return;
  let list = made.get(owner);
  if (list === undefined) made.set(owner, list = []);
  else if (list.length >= 64) made.set(owner, list = list.filter(neverYielded));
  list.push({ operation, callSite: callOfProgram() });
}

function neverYielded({ operation }: Made): boolean {
  return !operation.used;
}

/** Reports the operations that a coroutine, now ended, made and never yielded. */
export function reportForgotten(owner: Owner): void {
  const list = made.get(owner)?.filter(neverYielded) ?? [];
  made.delete(owner);
  // If a race was forgotten, the error names the race and not its items.
  const parts = new Set(list.flatMap(({ operation }) => operation.parts));
  for (const { operation, callSite } of list) {
    if (parts.has(operation)) continue;
    owner.loop.reportError(
      new Error(
        `Coroutine ${owner} made an operation and never yielded it: '${operation.label}' ${callSite ?? ""}, ` +
          "write yield* in front of it",
      ),
      owner,
    );
  }
}
