/** The engine for threads: the suite of all engines, between two engines in this thread. */
import { MessageChannel } from "node:worker_threads";
import { threadAddress, ThreadEngine } from "../../../core/distributed/engines/threads.ts";
import type { Port } from "../../../core/host/worker_threads.ts";
import { drive } from "../../io/helpers.ts";
import { type LinkSubject, linkSuite } from "./link_suite.ts";

const GROUP = "0123456789abcdef0123456789abcdef";
/** The numbers of threads: of the two engines, of one that does nothing, and of none. */
const [NEAR, FAR, BUSY, NOBODY] = [0, 1, 2, 3];

/** Engines that send ports to each other as threads do. */
function pair(): { near: ThreadEngine; far: ThreadEngine; close: () => void } {
  const { port1, port2 } = new MessageChannel() as unknown as { port1: Port; port2: Port };
  const kept: Port[] = [];
  const engineOf = (number: number, control: Port) => {
    const engine: ThreadEngine = new ThreadEngine({
      group: GROUP,
      number,
      forward: (to, port) => {
        if (to === BUSY) kept.push(port);
        else if (to === NOBODY) port.close();
        else control.postMessage({ to, port }, [port]);
      },
      closed: () => {},
    });
    control.on("message", ({ to, port }: { to: number; port: Port }) => engine.take(to, port));
    return engine;
  };
  const close = () => {
    for (const port of [port1, port2, ...kept]) port.close();
  };
  return { near: engineOf(NEAR, port1), far: engineOf(FAR, port2), close };
}

const SUBJECT: LinkSubject = {
  name: "threads",
  run: (test) =>
    drive(function* () {
      const { near, far, close } = pair();
      try {
        yield* test(near, far);
      } finally {
        close();
      }
    }),
  nowhere: threadAddress(GROUP, NOBODY),
  silence: (_far, _address, test) => test(threadAddress(GROUP, BUSY)),
};

linkSuite(SUBJECT);
