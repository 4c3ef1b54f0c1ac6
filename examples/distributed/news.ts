/**
 * A channel across processes: a publisher, whose transform shortens and drops messages, and two subscribers at other peers.
 * `deliver` waits for the second one, which comes late.
 *
 *     deno run --allow-net=127.0.0.1 --allow-env=NETWORK_SECRET --allow-run --allow-read examples/distributed/news.ts
 *
 * plays all parts. In terminals of their own:
 *
 *     deno run --allow-net=127.0.0.1 --allow-env=NETWORK_SECRET examples/distributed/news.ts publisher
 *     deno run --allow-net=127.0.0.1 --allow-env=NETWORK_SECRET examples/distributed/news.ts subscriber ADDRESS [SECONDS]
 */
import { Channel, type Coro, main } from "@asyncoro/asyncoro";
import { Network } from "@asyncoro/asyncoro/distributed";
import { playAll, SECRET } from "./roles.ts";

const END = "that was the news";

/** Drops what is shouted. It runs where the channel is, once for each message. */
function filter(_name: string, text: string): string | null {
  return text === text.toUpperCase() ? null : text;
}

function* publisher(): Generator<unknown, void, unknown> {
  const network = yield* Network.join({ name: "publisher", secret: SECRET });
  console.log(network.location.address);
  using news = new Channel<string>("news", filter);
  // The first message waits for two subscribers, however late the second one is.
  const reached = yield* news.deliver("good morning", 30, 2);
  console.log(`the first message reached ${reached}`);
  console.log(`a shouted one: ${news.send("BUY NOW")}`);
  console.log(`the last one reached ${yield* news.deliver(END, 30)}`);
  yield* network.leave();
}

function* subscriber(coro: Coro, address: string, seconds: string): Generator<unknown, void, unknown> {
  const network = yield* Network.join({ name: "subscriber", secret: SECRET });
  console.log(network.location.address);
  yield* network.peer(address);
  const news = yield* Channel.locate<string>("news", 10);
  if (news === null) throw new Error("There is no news");
  yield* coro.sleep(Number(seconds));
  yield* news.subscribe(coro);
  for (;;) {
    const text = yield* coro.receive<string>(30);
    console.log(text);
    if (text === END || text === undefined) break;
  }
  yield* network.leave();
}

const [role, address, seconds = "0"] = Deno.args;
if (role === "publisher") main(publisher);
else if (role?.startsWith("subscriber")) main(subscriber, address, seconds);
else {
  await playAll(import.meta.url, ["--allow-net=127.0.0.1", "--allow-env=NETWORK_SECRET"], [
    { name: "publisher" },
    { name: "subscriber", args: ["ADDRESS", "0"] },
    { name: "subscriber late", args: ["ADDRESS", "0.5"] },
  ]);
}
