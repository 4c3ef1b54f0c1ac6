/**
 * Macrotasks: the host runs its event loop before the callback.
 */
import { host, isWorkerd } from "./runtime.ts";
import { type HostTimer, startTimer } from "./timers.ts";

let channel: MessageChannel | null = null;
const channelCallbacks: (() => void)[] = [];

/**
 * Calls back in a macrotask: after the host has served its timers and, in all hosts but Deno, its sockets.
 *
 * Deno, Node.js and Bun have `setImmediate`, which takes 1 to 2 microseconds in Deno and lets timers run. Browsers have
 * MessageChannel. Cloudflare's runtime without `setImmediate` uses `setTimeout`, as a port there belongs to the request
 * that made it.
 */
export function macrotask(callback: () => void): void {
  if (host.setImmediate !== undefined) {
    host.setImmediate(callback);
  } else if (typeof MessageChannel === "function" && !isWorkerd()) {
    channelCallbacks.push(callback);
    if (channel === null) {
      channel = new MessageChannel();
      channel.port1.onmessage = () => channelCallbacks.shift()?.();
    }
    channel.port2.postMessage(null);
  } else {
    setTimeout(callback, 0);
  }
}

/**
 * Calls back in a macrotask, without keeping the process alive for it.
 *
 * It is a timer, as an unreferenced immediate does not run while the event loop waits for something else.
 */
export function unrefMacrotask(callback: () => void): HostTimer {
  return startTimer(callback, 0, false);
}

/**
 * Calls back after Deno's event loop has certainly polled its sockets.
 *
 * While the loop has macrotasks to run it polls sockets only in every 61st iteration, so this takes as many macrotasks of about
 * two microseconds each. Other ways are worse. Work on another thread (such as hashing nothing) makes the loop wait and
 * so poll sooner, but not reliably: on a machine whose other cores are busy, that thread runs instead of this one and is
 * done before the loop would wait. A byte through a loopback connection is reliable, but needs a permission.
 */
export function pollIo(callback: () => void): void {
  // While tokio's scheduler has tasks to run, it polls for I/O only once in so many of them: `event_interval` of
  // https://docs.rs/tokio/latest/tokio/runtime/struct.Builder.html, whose default Deno keeps.
  let left = 61;
  const turn = () => --left === 0 ? callback() : macrotask(turn);
  macrotask(turn);
}
