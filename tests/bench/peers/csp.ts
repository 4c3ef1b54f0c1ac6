/**
 * Communicating sequential processes: `@thi.ng/csp`. Of those on npm it is the one that is maintained (a release every
 * few weeks, types, no dependencies but those of the same project), and it runs on Deno unchanged. (`js-csp`, which has
 * processes of its own, has had no release since 2017 and depends on lodash and core-js.)
 *
 * Its processes are async functions, which `native` measures; this measures its channels.
 */
import { Channel, mult, select } from "@thi.ng/csp";
import { many } from "../harness.ts";
import { runWorks, type Works } from "./contender.ts";
import { RING, SENDERS, SOURCES, SUBSCRIBERS } from "./works.ts";

const newChannel = () => new Channel<number>();

/** Its works, by name. */
export const works: Works = {
  "ping-pong": async (amount) => {
    const [there, back] = [newChannel(), newChannel()];
    const pong = async () => {
      for (let i = 0; i < amount; i += 2) await back.write((await there.read())! + 1);
    };
    const partner = pong();
    let last = 0;
    for (let i = 0; i < amount; i += 2) {
      await there.write(last + 1);
      last = (await back.read())!;
    }
    await partner;
    return last;
  },

  "ring": async (amount) => {
    const channels = many(RING, newChannel);
    const end = newChannel();
    const node = async (number: number) => {
      for (;;) {
        const token = await channels[number - 1].read();
        if (token === undefined) return; // closed
        if (token > 0) await channels[number % RING].write(token - 1);
        else await end.write(number);
      }
    };
    let number = 1;
    const nodes = many(RING, () => node(number++));
    await channels[0].write(amount);
    const last = (await end.read())!;
    for (const channel of channels) channel.close();
    await Promise.all(nodes);
    return last;
  },

  /** A `write` waits until it is read, so a sender yields. */
  "fan-in": async (amount) => {
    const channel = newChannel();
    const each = amount / SENDERS;
    let index = 0;
    const senders = many(SENDERS, async () => {
      const first = each * index++;
      for (let i = 0; i < each; i++) await channel.write(first + i);
    });
    let sum = 0;
    for (let i = 0; i < amount; i++) sum += (await channel.read())!;
    await Promise.all(senders);
    return sum;
  },

  /** A channel with one token in it is the lock. (A `write` would wait until the token is taken again.) */
  "queue": async (amount) => {
    const channel = new Channel<number>(1);
    const producer = async () => {
      for (let i = 0; i < amount; i++) await channel.write(i);
    };
    const produced = producer();
    let sum = 0;
    for (let i = 0; i < amount; i++) sum += (await channel.read())!;
    await produced;
    return sum;
  },

  "lock": async (amount) => {
    const tokens = newChannel();
    let counter = 0;
    const holder = async () => {
      for (let i = 0; i < amount; i += 2) {
        const token = (await tokens.read())!;
        const seen = counter;
        await null;
        counter = seen + 1;
        tokens.offer(token);
      }
    };
    const holders = [holder(), holder()];
    tokens.offer(1);
    await Promise.all(holders);
    return counter;
  },

  "select": async (amount) => {
    const [first, ...others] = many(SOURCES, () => new Channel<number>(1));
    const each = amount / SOURCES;
    const producers = [first, ...others].map(async (channel, index) => {
      for (let i = 0; i < each; i++) await channel.write(each * index + i);
    });
    let sum = 0;
    for (let i = 0; i < amount; i++) sum += (await select(first, ...others))[0]!;
    await Promise.all(producers);
    return sum;
  },

  "broadcast": async (amount) => {
    const messages = amount / SUBSCRIBERS;
    const source = newChannel();
    const splitter = mult(source);
    const listeners = many(SUBSCRIBERS, async () => {
      const channel = splitter.subscribe();
      let inOrder = 0;
      for (let i = 0; i < messages; i++) {
        if (await channel.read() === inOrder) inOrder++;
      }
      return inOrder;
    });
    for (let i = 0; i < messages; i++) await source.write(i);
    const sum = (await Promise.all(listeners)).reduce((all, inOrder) => all + inOrder, 0);
    splitter.close();
    return sum;
  },
};

if (import.meta.main) await runWorks(works);
