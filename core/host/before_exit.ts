/**
 * The moment at which the host's event loop has nothing left to do, before the process would exit.
 */
import { host, isDeno, isWorkerd } from "./runtime.ts";

const handlers = new Set<WeakRef<() => boolean>>();
// Made with the first handler, as older versions of Cloudflare's runtime have none. `null` until the host is listened to.
let collected: FinalizationRegistry<WeakRef<() => boolean>> | null = null;

/**
 * Calls `handler` when the event loop has nothing left to do. The handler returns whether it gave the loop something
 * to do.
 *
 * The handler is held weakly: the caller has to keep it. Returns a function that unregisters it.
 */
export function onBeforeExit(handler: () => boolean): () => void {
  // In Cloudflare's runtime requests end and the loop goes on.
  if (isWorkerd()) return () => {};
  const reference = new WeakRef(handler);
  handlers.add(reference);
  if (collected === null) {
    collected = new FinalizationRegistry((lost) => handlers.delete(lost));
    listen();
  }
  collected.register(handler, reference);
  return () => handlers.delete(reference);
}

function listen(): void {
  if (isDeno()) {
    host.addEventListener?.("beforeunload", (event) => {
      if (callHandlers()) event.preventDefault();
    });
  } else {
    host.process?.on?.("beforeExit", callHandlers);
  }
}

function callHandlers(): boolean {
  let woken = false;
  for (const handler of handlers) woken = (handler.deref()?.() ?? false) || woken;
  return woken;
}
