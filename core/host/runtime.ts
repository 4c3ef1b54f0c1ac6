/**
 * What the host offers to whoever joins its event loop: timers, hops between its turns, news that it has run dry.
 *
 * Deno, Node.js, Bun, browsers and edge runtimes are told apart by what they have, at the first use and not at import.
 */

interface NodeTimer {
  ref(): void;
  unref(): void;
}

interface HostGlobals {
  readonly Deno?: {
    readonly version?: { readonly deno?: string };
    refTimer(id: number): void;
    unrefTimer(id: number): void;
    exitCode: number;
    exit(code: number): never;
    addSignalListener(signal: string, handler: () => void): void;
    removeSignalListener(signal: string, handler: () => void): void;
  };
  readonly process?: {
    readonly versions?: { readonly node?: string };
    exitCode?: number;
    exit(code: number): never;
    on(event: string, handler: () => void): void;
    off(event: string, handler: () => void): void;
  };
  readonly navigator?: { readonly userAgent?: string };
  readonly setImmediate?: (callback: () => void) => NodeTimer;
  addEventListener?(type: string, listener: (event: Event) => void): void;
}

const host = globalThis as unknown as HostGlobals;

/** A host timer. */
export type HostTimer = number | NodeTimer;

/** Whether this is Deno, whose loop looks at sockets only now and then while it keeps itself busy. */
export function isDeno(): boolean {
  return host.Deno?.version?.deno !== undefined;
}

/**
 * Whether this is Cloudflare's runtime. What belongs to the host belongs to one request there: a callback of another
 * one's timer or port must not run it. Its clock and its timers know whole milliseconds, and may stand still while code
 * runs; CPU time is what is paid for.
 */
export function isWorkerd(): boolean {
  return workerd ??= host.navigator?.userAgent === "Cloudflare-Workers";
}

let workerd: boolean | undefined;

/** What to call this host in a message. */
export function hostName(): string {
  const agent = host.navigator?.userAgent;
  if (agent?.startsWith("Bun/")) return "Bun";
  // Node.js 20 has no navigator.
  const isNode = agent === undefined ? host.process?.versions?.node !== undefined : agent.startsWith("Node.js/");
  return isNode ? "Node.js" : "this runtime";
}

// setTimeout takes 32-bit milliseconds; longer delays fire at once (https://html.spec.whatwg.org/#timers).
const MAX_DELAY_MS = 2 ** 31 - 1;

/** Starts a host timer; a delay that is too long for it is cut. `alive`: whether it keeps the process going. */
export function startTimer(callback: () => void, seconds: number, alive: boolean): HostTimer {
  const delayMs = Math.max(0, Math.min(MAX_DELAY_MS, seconds * 1000));
  const timer = setTimeout(callback, delayMs) as unknown as HostTimer;
  if (!alive) holdTimer(timer, false);
  return timer;
}

/**
 * Seconds for a host timer that is not to fire early: whole milliseconds, as hosts drop a part of one. So little that a
 * timer is later by more than that in any case, or that is left of a subtraction, is no part of one.
 */
export function roundUpDelay(seconds: number): number {
  return Math.ceil(seconds * 1000 - 0.05) / 1000;
}

/** Stops a host timer. */
export function stopTimer(timer: HostTimer): void {
  clearTimeout(timer as unknown as number);
}

/** Keeps the process going, for what cannot do so itself, until the function that it gives is called. */
export function keepAlive(): () => void {
  let timer: HostTimer;
  const start = (): void => {
    timer = startTimer(start, Infinity, true);
  };
  start();
  return () => stopTimer(timer);
}

/** Says whether a host timer keeps the process going. */
export function holdTimer(timer: HostTimer, alive: boolean): void {
  if (typeof timer === "number") {
    if (alive) host.Deno?.refTimer(timer);
    else host.Deno?.unrefTimer(timer);
  } else if (alive) timer.ref();
  else timer.unref();
}

// What naps wait on, in vain; `null` where the host does not let this thread wait.
let napCell: Int32Array<SharedArrayBuffer> | null | undefined;

/** Blocks the thread for so many seconds; does nothing where the host forbids that, as pages do. */
export function nap(seconds: number): void {
  if (napCell === undefined) napCell = makeNapCell();
  if (napCell !== null) Atomics.wait(napCell, 0, 0, seconds * 1000);
}

function makeNapCell(): Int32Array<SharedArrayBuffer> | null {
  try {
    const cell = new Int32Array(new SharedArrayBuffer(4));
    Atomics.wait(cell, 0, 0, 0);
    return cell;
  } catch {
    return null;
  }
}

let channel: MessageChannel | null = null;
const channelCallbacks: (() => void)[] = [];

/**
 * Calls back after the host had a turn, if the process is still there then: it does not keep it going.
 *
 * An immediate that is unreferenced is not run while the loop waits for something else; a timer is.
 */
export function unrefMacrotask(callback: () => void): HostTimer {
  return startTimer(callback, 0, false);
}

/**
 * Calls back after the host had a turn: its timers and, in all hosts but Deno, its sockets.
 *
 * `setImmediate` costs 1 to 2 microseconds a macrotask in Deno, keeps timers going, and is there in Node.js and Bun;
 * browsers have MessageChannel; anywhere else `setTimeout` must do. So must it in Cloudflare's runtime, where a port
 * belongs to the request that made it, if there is no `setImmediate`.
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

// While tokio's scheduler has something to run, it asks the system for news only every so many turns: `event_interval`
// of https://docs.rs/tokio/latest/tokio/runtime/struct.Builder.html, which Deno leaves as it is.
const TURNS_TO_POLL = 61;

/**
 * Calls back after Deno's loop has certainly looked at its sockets.
 *
 * While the loop keeps itself busy it polls them only every 61st turn, so this takes as many turns, of about two
 * microseconds each. Work on another thread (hashing nothing, say) makes the loop wait, and so poll, for less, but not
 * for certain: where the other processors are busy, that thread runs in this one's place, and is done before the loop
 * would wait. A byte through a loopback pair is as certain as this, but needs a permission.
 */
export function pollIo(callback: () => void): void {
  let left = TURNS_TO_POLL;
  const turn = () => --left === 0 ? callback() : macrotask(turn);
  macrotask(turn);
}

const dryHandlers = new Set<WeakRef<() => boolean>>();
let manyHandlers = 64;
let watching = false;

/**
 * Calls the handler when the event loop has run dry; it returns whether it gave the loop something to do.
 *
 * The handler is held weakly: keep it as long as it is to be called. Returns a function that stops the calls.
 */
export function onLoopDry(handler: () => boolean): () => void {
  // There requests end, and the loop goes on.
  if (isWorkerd()) return () => {};
  const reference = new WeakRef(handler);
  dryHandlers.add(reference);
  if (dryHandlers.size > manyHandlers) forgetLost();
  if (!watching) watchLoop();
  return () => dryHandlers.delete(reference);
}

/** Drops the handlers that nobody keeps; seldom enough to cost each of many next to nothing. */
function forgetLost(): void {
  for (const known of dryHandlers) if (known.deref() === undefined) dryHandlers.delete(known);
  manyHandlers = Math.max(64, 2 * dryHandlers.size);
}

function watchLoop(): void {
  watching = true;
  if (isDeno()) {
    host.addEventListener?.("beforeunload", (event) => {
      if (tellDry()) event.preventDefault();
    });
  } else {
    host.process?.on?.("beforeExit", tellDry);
  }
}

function tellDry(): boolean {
  let woken = false;
  for (const handler of dryHandlers) woken = (handler.deref()?.() ?? false) || woken;
  return woken;
}

/** Whether there is a process that ends when nothing keeps it going. A page is there as long as it is open. */
export function hasProcess(): boolean {
  return processThere ??= isDeno() || host.process !== undefined;
}

// Where these are getters, each look costs as much as a switch or two.
let processThere: boolean | undefined;

/** Sets the exit code of the process, if there is one. */
export function setExitCode(code: number): void {
  if (isDeno()) host.Deno!.exitCode = code;
  else if (host.process !== undefined) host.process.exitCode = code;
}

/** Ends the process, if there is one. */
export function exitProcess(code: number): void {
  if (isDeno()) host.Deno!.exit(code);
  else host.process?.exit(code);
}

/** How a process is asked to end. */
export type TerminationSignal = "SIGINT" | "SIGTERM";

/** Calls back when the process is asked to end. Returns a function that stops listening. */
export function onTermination(
  callback: (signal: TerminationSignal) => void,
  signals: readonly TerminationSignal[] = ["SIGINT", "SIGTERM"],
): () => void {
  const handlers = signals.map((signal) => ({ signal, handler: () => callback(signal) }));
  const listening = handlers.filter(({ signal, handler }) => listen(signal, handler));
  return () => {
    for (const { signal, handler } of listening) {
      if (isDeno()) host.Deno!.removeSignalListener(signal, handler);
      else host.process!.off(signal, handler);
    }
  };
}

function listen(signal: string, handler: () => void): boolean {
  try {
    if (isDeno()) host.Deno!.addSignalListener(signal, handler);
    else if (typeof host.process?.on === "function") host.process.on(signal, handler);
    else return false;
    return true;
  } catch {
    // Windows has no SIGTERM.
    return false;
  }
}
