/**
 * A server that supervises one child for each connection, so that the failure of one harms no other: the accepting child
 * is restarted whatever ends it, the children of the connections never. Each asks a calculator, which is restarted when
 * it fails and keeps its requests.
 *
 *     deno run --allow-net=127.0.0.1 examples/supervised_server.ts
 */
import { type Ask, AsyncSocket, type Coro, main, NoReplyError, supervise, type Supervisor } from "@asyncoro/asyncoro";

/** Answers requests for square roots, and fails for negative numbers. */
function* calculator(coro: Coro): Generator<unknown, void, unknown> {
  for (;;) {
    const request = yield* coro.receive<Ask<number, number>>();
    if (request.message < 0) throw new RangeError(`${request.message} has no square root`);
    request.reply(Math.sqrt(request.message));
  }
}

/** Serves one connection: a number in each line, its square root in return. */
function* connection(_coro: Coro, socket: AsyncSocket, roots: Coro): Generator<unknown, void, unknown> {
  using _ = socket;
  yield* socket.lines().forEach(function* (line) {
    try {
      yield* socket.sendall(`${yield* roots.ask<number>(Number(line), 1)}\n`);
    } catch (error) {
      if (!(error instanceof NoReplyError)) throw error;
      yield* socket.sendall("no answer\n");
    }
  });
}

main(function* () {
  using listener = AsyncSocket.listen({ hostname: "127.0.0.1", port: 0 });
  const server: Supervisor = supervise([{ target: calculator, restart: "permanent" }, {
    name: "acceptor",
    restart: "permanent",
    *target(): Generator<unknown, void, unknown> {
      for (let number = 1;; number++) {
        const socket = yield* listener.accept();
        const roots = server.children()[0].coro;
        server.startChild({
          name: `connection ${number}`,
          target: connection,
          args: [socket, roots],
          restart: "temporary",
        });
      }
    },
  }], {
    onRestart: (child, error) => console.log(`${child.name} restarted after ${error}`),
  });

  const requests = [["16", "-1", "2.25"], ["81"]];
  for (const lines of requests) {
    using socket = yield* AsyncSocket.connect(listener.addr as Deno.NetAddr);
    for (const line of lines) {
      yield* socket.sendall(`${line}\n`);
      console.log(`${line} -> ${yield* socket.readline()}`);
    }
    const { name, state } = server.children().at(-1)!;
    console.log(`${name}: ${state}`);
  }
  server.terminate();
  yield* server.finish();
  for (const { name, state, restarts } of server.children().slice(0, 2)) {
    console.log(`${name}: ${state}, restarts: ${restarts}`);
  }
});
