/** Starts threads that run this module, too, and prints what they answer, how one crashes, and how they end. */
import process from "node:process";
import { isMainThread } from "node:worker_threads";
import { type Ask, Coro, main, type Operation, sleep, until } from "@asyncoro/asyncoro";
import { type Engine, Network } from "@asyncoro/asyncoro/distributed";

/** An engine that reaches nobody. */
const nobody: Engine = {
  scheme: "nobody",
  trusted: true,
  open: () => until(Promise.resolve("nobody:")),
  dial: () => until(Promise.reject(new Error("There is nobody"))) as Operation<never>,
  close: () => until(Promise.resolve()),
};

function* serve(coro: Coro): Generator<unknown, void, unknown> {
  coro.register("server");
  try {
    for (;;) {
      const ask = yield* coro.receive<Ask<"name" | "crash" | Coro>>();
      if (ask.message === "crash") process.exit(1);
      const { name } = Network.of()!.location;
      ask.reply(ask.message === "name" ? name : [name, yield* ask.message.ask("name")]);
    }
  } finally {
    yield* sleep(0.01);
    console.log("ended");
  }
}

if (isMainThread) {
  main(function* () {
    const network = yield* Network.join({ engines: [nobody] });
    const servers: Coro[] = [];
    for (const location of yield* network.startThreads(new URL(import.meta.url), 2)) {
      servers.push((yield* Coro.locate("server", 10, location))!);
    }
    const [one, other] = servers;
    console.log(yield* one.ask("name"), String(yield* one.ask(other)));
    try {
      yield* other.ask("crash");
    } catch (error) {
      console.log((error as Error).name);
    }
    console.log(network.peers().length);
  });
} else {
  new Coro(serve);
}
