/** Coroutines that send each other numbered messages of all sizes, and keep account. */
import { Coro, sleep } from "@asyncoro/asyncoro";
import { Network } from "@asyncoro/asyncoro/distributed";
import { Random } from "../../soak/random.ts";

/** Asks a chatter to send. */
export interface Talk {
  readonly talk: number;
  readonly to: readonly Coro[];
  readonly seed: number;
}

/** What a chatter has sent and received, by the location of the other, and what was wrong. */
export interface Account {
  readonly sent: Readonly<Record<string, number>>;
  readonly received: Readonly<Record<string, number>>;
  readonly faults: readonly string[];
}

interface Message {
  readonly from: string;
  readonly number: number;
  readonly bytes: Uint8Array;
}

/** Sends so many messages to random others, by `send` and `deliver`, with turns between some. */
function* talk({ talk, to, seed }: Talk, sent: Record<string, number>): Generator<unknown, void, unknown> {
  const random = new Random(seed);
  const from = Network.of()!.location.name;
  for (let i = 0; i < talk; i++) {
    const other = random.pick(to);
    const name = other.location!.name;
    const number = sent[name] = (sent[name] ?? 0) + 1;
    const size = random.chance(0.01) ? random.from(100_000, 700_000) : random.from(0, 200);
    const message: Message = { from, number, bytes: new Uint8Array(size).fill(number) };
    if (random.chance(0.05)) yield* other.deliver(message, 60);
    else other.send(message);
    if (random.chance(0.1)) yield* sleep(0);
  }
}

/** A coroutine that receives messages, and talks when it is asked to. */
export function chatter(): Coro {
  const sent: Record<string, number> = {};
  const received: Record<string, number> = {};
  const faults: string[] = [];
  return new Coro(function* chat(coro) {
    coro.register("chat");
    for (;;) {
      const message = yield* coro.receive<Message | Talk | { account: Coro }>();
      if ("account" in message) {
        message.account.send({ sent, received, faults } satisfies Account);
      } else if ("talk" in message) {
        new Coro(function* () {
          yield* talk(message, sent);
        });
      } else {
        const { from, number, bytes } = message;
        const expected = (received[from] ?? 0) + 1;
        if (number !== expected) faults.push(`${number} of ${from} came in place of ${expected}`);
        if (!bytes.every((byte) => byte === number % 256)) faults.push(`${number} of ${from} was changed`);
        received[from] = number;
      }
    }
  });
}
