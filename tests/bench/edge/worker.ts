/**
 * The same handlers twice, by coroutines and in plain async/await: `/coroutines/<name>` and `/plain/<name>`.
 *
 * The handlers with coroutines have a scheduler for each request, as they must. The plain ones do by hand what both
 * have to do: parts run at once, and a time limit whose timer is cleared when it is no longer needed.
 */
import { all, type Coro, init, run, sleep, until, withTimeout } from "@asyncoro/asyncoro/edge";
// @ts-types="../../../examples/edge/cloudflare/kernel.d.ts"
import kernel from "./kernel.wasm";

init(kernel);

const LIMIT = 5;
const PAYLOAD = new Uint8Array(4096);

type Handler = (url: URL) => Promise<Response>;

function respond(results: readonly unknown[]): Response {
  return Response.json(results);
}

async function limited<T>(work: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error("too late")), LIMIT * 1000);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

const after = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
const digest = () => crypto.subtle.digest("SHA-256", PAYLOAD);

const plain: Record<string, Handler> = {
  async one(url) {
    const compute = async (text: string | null) => {
      await null;
      return Number(text) * 2;
    };
    return respond([await compute(url.searchParams.get("n"))]);
  },
  async digests() {
    const part = async () => (await digest()).byteLength;
    return respond(await limited(Promise.all([part(), part()])));
  },
  async sleeps() {
    const part = async (ms: number) => {
      await after(ms);
      return ms;
    };
    return respond(await limited(Promise.all([part(2), part(3), part(5)])));
  },
};

function* computed(text: string | null) {
  yield;
  return Number(text) * 2;
}

function* digested() {
  return (yield* until(digest())).byteLength;
}

function* slept(ms: number) {
  yield* sleep(ms / 1000);
  return ms;
}

function* one(_coro: Coro, url: URL) {
  return respond([yield* computed(url.searchParams.get("n"))]);
}

function* digests() {
  return respond(yield* withTimeout(LIMIT, all([digested(), digested()])));
}

function* sleeps() {
  return respond(yield* withTimeout(LIMIT, all([slept(2), slept(3), slept(5)])));
}

const coroutines: Record<string, Handler> = {
  one: (url) => run(one, url),
  digests: () => run(digests),
  sleeps: () => run(sleeps),
};

export default {
  async fetch(request: Request): Promise<Response> {
    const url = new URL(request.url);
    const [, kind, name] = url.pathname.split("/");
    return await (kind === "plain" ? plain : coroutines)[name](url);
  },
};
