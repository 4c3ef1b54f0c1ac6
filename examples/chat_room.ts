/**
 * A chat room: every guest is a coroutine, the room is another one, and a channel carries the lines. The room is a
 * monitor of its guests, so it learns that they leave, however they end.
 *
 *     deno run examples/chat_room.ts
 */
import { Channel, Coro, main, MonitorException } from "@asyncoro/asyncoro";

/** A message to the room. */
type ToRoom = { readonly enter: Coro } | { readonly say: string; readonly by: Coro } | MonitorException;

function* room(coro: Coro): Generator<unknown, number, unknown> {
  using talk = new Channel<string>("talk");
  let present = 0;
  let lines = 0;
  do {
    const message = yield* coro.receive<ToRoom>();
    if (message instanceof MonitorException) {
      present--;
      const how = message.outcome.kind === "throw" ? "is thrown out" : "leaves";
      talk.send(`* ${message.coro.name} ${how}`);
    } else if ("enter" in message) {
      present++;
      talk.send(`* ${message.enter.name} enters`);
      yield* coro.monitor(message.enter);
      yield* talk.subscribe(message.enter);
      message.enter.send(`* welcome, ${message.enter.name}, there are ${present} here`);
    } else {
      lines++;
      talk.send(`${message.by.name}: ${message.say}`);
    }
  } while (present > 0);
  return lines;
}

/** Enters, listens, and says a line after each line of another guest. */
function* guest(coro: Coro, place: Coro, lines: string[]): Generator<unknown, void, unknown> {
  place.send({ enter: coro });
  while (lines.length > 0) {
    const heard = yield* coro.receive<string>();
    console.log(`[${coro.name}] ${heard}`);
    if (heard.startsWith(`${coro.name}:`) || heard.endsWith("enters")) continue;
    const say = lines.shift()!;
    if (say === "(shouts)") throw new Error("Not in here");
    place.send({ say, by: coro });
  }
}

main(function* (coro) {
  const { scheduler } = coro;
  const place = new Coro(room);
  scheduler.spawnWith({ name: "Ann" }, guest, place, ["Is anybody here?", "Good evening, Bob", "Good night"]);
  // Bob comes some turns later.
  for (let i = 0; i < 10; i++) yield;
  scheduler.spawnWith({ name: "Bob" }, guest, place, ["Hello Ann", "(shouts)"]);
  console.log("lines said:", yield* place.finish());
});
