/** Random messages among threads. */
import { Coro, sleep } from "@asyncoro/asyncoro";
import { assert, assertEquals } from "@std/assert";
import { type Account, chatter, type Talk } from "./chat.ts";
import { joined, moduleOf } from "./joined.ts";

const EACH = 1000;

for (const seed of [1, 2, 3]) {
  Deno.test(`messages of all sizes among three threads and this peer arrive once and in order, seed ${seed}`, () =>
    joined(function* ({ coro, network }) {
      const all = [chatter()];
      for (const location of yield* network.startThreads(moduleOf("./chatting.ts"), 3)) {
        all.push((yield* Coro.locate("chat", 20, location))!);
      }
      for (const [i, chat] of all.entries()) {
        chat.send({ talk: EACH, to: all.filter((other) => other !== chat), seed: seed * 10 + i } satisfies Talk);
      }
      for (let count = 0; count < all.length * EACH;) {
        yield* sleep(0.05);
        for (const chat of all) chat.send({ account: coro });
        count = 0;
        for (const _ of all) {
          const { received, faults } = yield* coro.receive<Account>();
          assertEquals(faults, []);
          for (const each of Object.values(received)) count += each;
        }
        assert(count <= all.length * EACH);
      }
      const { resent, duplicates } = network.stats();
      assertEquals([resent, duplicates, network.peers().length], [0, 0, 3]);
      all[0].terminate();
    }));
}
