/** A worker for tests: requests that are served side by side, each with something stored. */
import { AsyncLocalStorage } from "node:async_hooks";
import { Coro, init, race, run, sleep, until } from "@asyncoro/asyncoro/edge";
// @ts-types="../../examples/edge/cloudflare/kernel.d.ts"
import kernel from "./kernel.wasm";

const paths = new AsyncLocalStorage<string>();

/** The stored value that is current after the host had a turn. */
async function later(): Promise<string | undefined> {
  await new Promise((resolve) => setTimeout(resolve, 2));
  return paths.getStore();
}

function* serve(coro: Coro): Generator<unknown, Record<string, unknown>, unknown> {
  yield* coro.sleep(0.005);
  const child = paths.run("child", () =>
    new Coro(function* (coro) {
      yield* coro.sleep(0.001);
      return paths.getStore();
    }));
  const branch = function* (): Generator<unknown, string | undefined, unknown> {
    yield* sleep(0.001);
    return paths.getStore();
  };
  const promise = yield* until(later());
  const raced = yield* race(branch(), sleep(1));
  return { step: paths.getStore(), promise, raced, child: yield* child.finish() };
}

export default {
  fetch(request: Request): Promise<Response> {
    init(kernel);
    return paths.run(new URL(request.url).pathname, async () => Response.json(await run(serve)));
  },
};
