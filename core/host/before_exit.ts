/**
 * The moment at which the host's event loop has nothing left to do, before the process would exit.
 */
import { host, isDeno, isWorkerd } from "./runtime.ts";

const handlers = new Set<WeakRef<() => boolean>>();
let manyHandlers = 64;
let listening = false;

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
  if (handlers.size > manyHandlers) dropCollected();
  if (!listening) listen();
  return () => handlers.delete(reference);
}

/** Drops references to collected handlers. Called when their number has doubled, so that its cost is spread. */
function dropCollected(): void {
  for (const known of handlers) if (known.deref() === undefined) handlers.delete(known);
  manyHandlers = Math.max(64, 2 * handlers.size);
}

function listen(): void {
  listening = true;
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
