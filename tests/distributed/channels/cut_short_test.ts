/** Subscriptions that are cut short at any time, on links that take their time. */
import { Channel, Coro, sleep } from "@asyncoro/asyncoro";
import { assertEquals } from "@std/assert";
import { caught, listener } from "./helpers.ts";
import { SimulatedPeers } from "./simulated_world.ts";

Deno.test("a subscription that is cut short leaves nothing behind, whoever asks for it and whenever", async () => {
  const peers = new SimulatedPeers(1, 0, {});
  const { choices } = peers;
  let cutShort = 0;
  let over = 0;
  let ready = 0;
  /** One has a coroutine of its own, or of another peer, subscribe to the channel of `a`, and cuts that short. */
  const homes: Readonly<Record<string, string>> = { a: "b", b: "a", c: "b", d: "d" };
  for (const name of Object.keys(homes)) {
    peers.start(name, function* (network, coro) {
      for (const [asker, home] of Object.entries(homes)) {
        if (home === name) listener(coro).coro.register(`for ${asker}`);
      }
      for (const other of Object.keys(homes)) yield* network.peer(`sim:${other}`);
      const news = name === "a" ? new Channel("news") : (yield* Channel.locate("news"))!;
      const subscriber = (yield* Coro.locate(`for ${name}`))!;
      for (let i = 0; i < 200; i++) {
        const subscription = caught(() => news.subscribe(subscriber));
        yield* sleep(choices.between(0, 0.4));
        if (!subscription.terminate()) {
          assertEquals(yield* subscription.finish(), true, `${name} ${i}`);
          over++;
          assertEquals(yield* news.unsubscribe(subscriber), true, `${name} ${i}`);
          continue;
        }
        cutShort++;
        yield* sleep(1);
        assertEquals(yield* news.unsubscribe(subscriber), false, `${name} ${i}`);
      }
      ready++;
      while (ready < 4) yield* sleep(1);
      yield* sleep(1);
      assertEquals(network.stats().pending, 0);
      if (name === "a") assertEquals(news.statistics().subscribers, 0);
    });
  }
  await peers.run();
  assertEquals(cutShort + over, 800);
  assertEquals([cutShort > 100, over > 100], [true, true]);
});
