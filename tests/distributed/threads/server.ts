/** The module of a thread with a coroutine that does what it is asked to do. */
import { Ask, Coro, sleep } from "@asyncoro/asyncoro";
import { Network } from "@asyncoro/asyncoro/distributed";

/** What the coroutine is asked for. */
export type Request =
  | { readonly do: "name" }
  /** Keeps the thread busy for so many seconds. */
  | { readonly do: "spin"; readonly seconds: number }
  /** Sends messages 1 to `count` to another coroutine, then delivers the name of this thread. */
  | { readonly do: "send"; readonly to: Coro; readonly count: number }
  /** Has an error thrown that nothing catches. */
  | { readonly do: "crash" }
  | { readonly do: "exit"; readonly code: number }
  | { readonly do: "leave" }
  | { readonly do: "peers" }
  | { readonly do: "start threads" };

const network = Network.of()!;

function* serve(request: Request): Generator<unknown, unknown, unknown> {
  switch (request.do) {
    case "name":
      return network.location.name;
    case "spin": {
      for (const end = performance.now() + request.seconds * 1000; performance.now() < end;);
      return "done";
    }
    case "send": {
      for (let i = 1; i <= request.count; i++) request.to.send(i);
      return yield* request.to.deliver(network.location.name);
    }
    case "crash":
      setTimeout(() => {
        throw new TypeError("the thread crashes");
      });
      return yield* sleep(60);
    case "exit":
      return process.exit(request.code);
    case "leave":
      yield* network.leave();
      return null;
    case "peers":
      return network.peers().map(({ name }) => name);
    case "start threads":
      return yield* network.startThreads(new URL(import.meta.url), 1);
  }
}

new Coro(function* server(coro) {
  coro.register("server");
  for (;;) {
    const ask = yield* coro.receive();
    if (!(ask instanceof Ask)) continue;
    try {
      ask.reply(yield* serve(ask.message as Request));
    } catch (error) {
      ask.fail(error);
    }
  }
});
