/**
 * An HTTP service that asks other services: it compares the prices of shops. Each request is a coroutine with a deadline.
 * When that has passed, when a shop is no longer needed, or when the client leaves, the requests to shops are cancelled.
 *
 *     deno run --unstable-no-legacy-abort --allow-net=127.0.0.1 examples/http_service.ts
 *     deno run --unstable-no-legacy-abort --allow-net=127.0.0.1 examples/http_service.ts 7003
 *     curl 'http://localhost:7003/best?item=atlas'
 *
 * Without a port it sends itself some requests and ends. Ctrl-C finishes the requests that are under way. Without the
 * flag, Deno aborts the signal of a request also when the response has been sent, which does no harm here.
 */
import { type Coro, Local, main, runWith, scope, select, signals } from "@asyncoro/asyncoro";
import { TimeoutError, until, withTimeout } from "@asyncoro/asyncoro";
import { serveShops } from "./http_service/shops.ts";

const REQUEST_SECONDS = 1.5;
const SHOP_SECONDS = 1;
const SHUTDOWN_SECONDS = 5;

/** The id of the request that a coroutine serves. The coroutines that it creates have it too. */
const requestId = new Local("-", "request id");

function log(text: string): void {
  console.log(`[${requestId.get()}] ${text}`);
}

interface Offer {
  readonly shop: string;
  /** `null` if the shop does not sell it. */
  readonly price: number | null;
}

const shops = serveShops();

/** Asks one shop. If the wait is cut short, the signal cancels the request. */
function* ask(shop: string, item: string): Generator<unknown, Offer, unknown> {
  const url = `${shops.urls.get(shop)}?item=${encodeURIComponent(item)}`;
  const headers = { "x-request-id": requestId.get() };
  const price = yield* until((signal) => fetchPrice(url, { signal, headers }));
  return { shop, price };
}

async function fetchPrice(url: string, init: RequestInit): Promise<number | null> {
  const response = await fetch(url, init);
  if (response.ok) return (await response.json()).price;
  await response.body?.cancel();
  if (response.status === 404) return null;
  throw new Error(`status ${response.status}`);
}

/** Asks all shops at once. Those that fail or are late are left out. */
function* best(item: string) {
  const offers: Offer[] = [];
  yield* scope(function* (scope) {
    for (const shop of shops.urls.keys()) {
      scope.spawn(function* () {
        try {
          offers.push(yield* withTimeout(SHOP_SECONDS, ask(shop, item)));
        } catch (error) {
          log(`${shop}: ${error instanceof TimeoutError ? "no reply in time" : error}`);
        }
      });
    }
  });
  const sold = offers.filter((offer) => offer.price !== null);
  return json(sold.sort((a, b) => a.price! - b.price!)[0]);
}

/** Asks all shops at once, and takes the first reply. The others are cancelled. */
function* first(item: string) {
  const [shop, offer] = yield* select(
    Object.fromEntries([...shops.urls.keys()].map((shop) => [shop, ask(shop, item)])),
  );
  log(`${shop} was first`);
  return json(offer);
}

function json(offer: Offer | undefined): Response {
  return offer === undefined ? new Response("Not sold anywhere\n", { status: 404 }) : Response.json(offer);
}

function* route(request: Request) {
  const { pathname, searchParams } = new URL(request.url);
  const item = searchParams.get("item");
  const shop = searchParams.get("shop") ?? "";
  if (request.method !== "GET") return new Response("Only GET\n", { status: 405, headers: { allow: "GET" } });
  if (item === null) return new Response("Which item?\n", { status: 400 });
  if (pathname === "/best") return yield* best(item);
  if (pathname === "/first") return yield* first(item);
  if (pathname === "/price" && shops.urls.has(shop)) return json(yield* ask(shop, item));
  return new Response("Not found\n", { status: 404 });
}

/** The coroutine of one request. */
function* serve(_coro: Coro, request: Request): Generator<unknown, Response, unknown> {
  const given = request.headers.get("x-request-id");
  requestId.set(given !== null && /^[\w-]{1,40}$/.test(given) ? given : crypto.randomUUID().slice(0, 8));
  let outcome = "given up";
  try {
    const response = yield* withTimeout(REQUEST_SECONDS, route(request));
    outcome = String(response.status);
    return response;
  } catch (error) {
    const late = error instanceof TimeoutError;
    outcome = late ? "too late" : `failed: ${error}`;
    return late ? new Response("Too late\n", { status: 504 }) : new Response("Bad gateway\n", { status: 502 });
  } finally {
    log(`${request.method} ${new URL(request.url).pathname}: ${outcome}`);
  }
}

async function handle(request: Request): Promise<Response> {
  try {
    // There is no response if the program was told to end at once.
    return await runWith({ signal: request.signal, name: "request" }, serve, request) ??
      new Response("Closed\n", { status: 503 });
  } catch (error) {
    if (!request.signal.aborted) throw error;
    // Its client has left, and does not get it.
    return new Response(null, { status: 499 });
  }
}

/** Sends some requests, one after the other. The client of the last one leaves before the response. */
function* demonstrate(base: string) {
  const paths = ["/first?item=atlas", "/best?item=atlas", "/price?shop=west&item=novel"];
  for (const [i, path] of [...paths, "/price?shop=west&item=atlas"].entries()) {
    const headers = { "x-request-id": `demo-${i + 1}` };
    const fetchText = async (signal: AbortSignal) => (await fetch(base + path, { signal, headers })).text();
    try {
      const text = yield* until(fetchText, i === paths.length ? 0.3 : null);
      console.log(`${path}: ${text.trim()}`);
    } catch (error) {
      if (!(error instanceof TimeoutError)) throw error;
      console.log(`${path}: the client has left`);
    }
  }
}

function* runServer(port: number | null) {
  const onListen = (address: Deno.NetAddr) => port === null || console.log(`Listening on port ${address.port}`);
  const server = Deno.serve({ hostname: "127.0.0.1", port: port ?? 0, onListen }, handle);
  try {
    if (port === null) return yield* demonstrate(`http://127.0.0.1:${server.addr.port}`);
    using ends = signals("SIGINT", "SIGTERM");
    Deno.exitCode = (yield* ends.next()) === "SIGINT" ? 130 : 143;
  } finally {
    // The requests that are under way are finished.
    yield* until(server.shutdown(), SHUTDOWN_SECONDS);
  }
}

main(function* () {
  try {
    yield* runServer(Deno.args.length === 0 ? null : Number(Deno.args[0]));
  } finally {
    yield* until(shops.close());
  }
});
