/**
 * The program of a thread: joins the network with the thread's default scheduler, connects to the thread that has started
 * it, and imports the module of the program.
 *
 * The control port keeps the thread alive until it has left the network.
 */
import { Scheduler } from "../../coroutine/scheduler.ts";
import type { Operation } from "../../fiber/operation.ts";
import { exitProcess } from "../../host/process.ts";
import { threadAddress, ThreadEngine } from "../engines/threads.ts";
import type { NetworkOptions } from "../network_options.ts";
import { encodeError } from "./thread_error.ts";
import type { FromThread, ThreadStart, ToThread } from "./thread_messages.ts";

/** Seconds to connect to the thread that has started this one, which may be busy. */
const CONNECT_SECONDS = 60;

/** The URL of this module. */
export const THREAD_MODULE: string = import.meta.url;

/** The class `Network`, whose module imports this one. */
export interface NetworkClass {
  join(options: NetworkOptions): Operation<{ peer(address: string, timeout: number): Operation<unknown> }>;
}

/** Runs a thread. Called once in it, by its source. */
export function runThread(network: NetworkClass, start: ThreadStart): void {
  const { control, group, number } = start;
  const scheduler = Scheduler.instance();
  const tell = (message: FromThread, transfer: unknown[] = []): void => control.postMessage(message, transfer);
  const fail = (error: unknown): void => tell({ kind: "failed", error: encodeError(error) });
  const engine = new ThreadEngine({
    group,
    number,
    forward: (to, port) => tell({ kind: "dial", to, port }, [port]),
    closed: () => control.unref(),
  });
  control.on("message", (message: ToThread) => {
    if (message.kind === "dial") engine.take(message.to, message.port);
    else scheduler.terminate(message.seconds).finally(() => exitProcess(0));
  });
  scheduler.spawnWith({ name: "thread", daemon: true }, function* () {
    try {
      const joined = yield* network.join({ ...start.options, engines: [engine] });
      yield* joined.peer(threadAddress(group, 0), CONNECT_SECONDS);
      // Not waited for here: the module may run a program that ends, and this coroutine with it.
      import(start.module).then(() => tell({ kind: "ready" }), fail);
    } catch (error) {
      fail(error);
    }
  });
}
