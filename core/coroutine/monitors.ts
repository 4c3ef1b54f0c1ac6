/**
 * Monitors of coroutines, and the messages by which they learn of an end.
 *
 * Few coroutines have monitors, and fewer fail: fields for them would cost memory in every coroutine.
 */
import type { EndListener } from "./end_listeners.ts";
import type { Mailbox } from "./mailbox.ts";
import { getOrMake } from "../base/get_or_make.ts";

/** A coroutine, as a monitor of another one. */
export interface Monitor {
  /** Its messages. */
  readonly mailbox: Mailbox | null;
  /** Whether it has not ended. */
  isAlive(): boolean;
  /** Puts a message into its mailbox, unless it has ended. */
  send(message: unknown): boolean;
  /** Adds what is notified of its end. */
  addEndListener(listener: EndListener): void;
  /** Removes it. */
  removeEndListener(listener: EndListener): void;
}

interface SentMessage {
  readonly monitor: Monitor;
  readonly mailbox: Mailbox;
  readonly message: unknown;
}

const monitors = new WeakMap<EndListener, Set<Monitor>>();

/** What monitors were sent about a failure, until it is reported or handled. */
const exitMessages = new WeakMap<object, SentMessage[]>();

/** The monitors of a coroutine. */
export function monitorsOf(coro: EndListener): Iterable<Monitor> {
  return monitors.get(coro) ?? [];
}

/** Makes `monitor` a monitor of a coroutine; doing so again has no effect. */
export function addMonitor(coro: EndListener, monitor: Monitor): void {
  monitor.addEndListener(coro);
  getOrMake(monitors, coro, () => new Set()).add(monitor);
}

/** The monitor has ended. */
export function dropMonitor(coro: EndListener, monitor: Monitor): void {
  monitors.get(coro)?.delete(monitor);
}

/** Removes all monitors of a coroutine. */
export function removeMonitors(coro: EndListener): void {
  const removed = monitorsOf(coro);
  monitors.delete(coro);
  for (const monitor of removed) monitor.removeEndListener(coro);
}

/** Whether a coroutine has a monitor that lives and may restart it. */
export function hasLivingMonitor(coro: EndListener): boolean {
  for (const monitor of monitorsOf(coro)) if (monitor.isAlive()) return true;
  return false;
}

/**
 * Sends a monitor the message that a coroutine has ended. With `failed` the message is remembered, for
 * {@linkcode isFailureMonitored}.
 */
export function sendExitMessage(coro: object, monitor: Monitor, message: unknown, failed: boolean): void {
  // A monitor that has failed itself gets the message when it is restarted; whether it will be is not known.
  if (!monitor.send(message) || !failed || !monitor.isAlive()) return;
  getOrMake(exitMessages, coro, () => []).push({ monitor, mailbox: monitor.mailbox!, message });
}

/** Forgets the messages that were sent about a failure. */
export function forgetExitMessages(coro: object): void {
  exitMessages.delete(coro);
}

/** Whether a monitor was sent a message about a failure, and lives or has received it. Forgets the messages. */
export function isFailureMonitored(coro: object): boolean {
  const sent = exitMessages.get(coro) ?? [];
  exitMessages.delete(coro);
  return sent.some(({ monitor, mailbox, message }) => monitor.isAlive() || !mailbox.has(message));
}
