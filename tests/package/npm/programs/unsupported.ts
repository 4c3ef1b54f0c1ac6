/**
 * Uses features that this runtime may lack, and prints the result of each as JSON: the error's name and message.
 */
import {
  AsyncDatagram,
  AsyncDBCursor,
  AsyncFile,
  AsyncPipe,
  AsyncSocket,
  type Operation,
  run,
  stdin,
  UnsupportedError,
  WorkerPool,
} from "@asyncoro/asyncoro";

const here = { hostname: "127.0.0.1", port: 0 };

function answerOf<T>(make: () => Operation<T>): Promise<T> {
  return run(function* () {
    return yield* make();
  });
}

const attempts: Record<string, () => unknown> = {
  connect: () => answerOf(() => AsyncSocket.connect({ ...here, port: 1 }, 5)),
  "connect to a path": () => answerOf(() => AsyncSocket.connect({ path: "/none" }, 5)),
  "connect by TLS": () => answerOf(() => AsyncSocket.connect({ ...here, port: 1, tls: true }, 5)),
  listen: () => AsyncSocket.listen(here),
  "open a file": () => answerOf(() => AsyncFile.open("none")),
  "start a process": () => new AsyncPipe("none"),
  "read standard input": () => answerOf(() => stdin.readline(5)),
  "bind a datagram socket": () =>
    run(function* () {
      (yield* AsyncDatagram.bind(here)).close();
    }),
  "run a task in a worker": async () => {
    const pool = new WorkerPool(1);
    try {
      await pool.run((n: number) => n + 1, 41);
    } finally {
      pool.terminate();
    }
  },
  "give workers permissions": () => new WorkerPool(1, { permissions: "none" }),
  "query a database": () =>
    run(function* () {
      const cursor = new AsyncDBCursor(":memory:");
      try {
        yield* cursor.execute("SELECT 1");
      } finally {
        yield* cursor.close();
      }
    }),
};

const answers: Record<string, string> = {};
for (const [what, attempt] of Object.entries(attempts)) {
  try {
    await attempt();
    answers[what] = "works";
  } catch (error) {
    answers[what] = error instanceof UnsupportedError ? error.message : `${error}`;
  }
}
console.log(JSON.stringify(answers));
