/**
 * A channel broadcasts to all its subscribers; its transform changes or drops messages. A channel that subscribes to
 * another one passes messages on, through a transform of its own.
 *
 *     deno run examples/channel.ts
 */
import { Channel, type Coro, main } from "@asyncoro/asyncoro";

interface Reading {
  readonly city: string;
  readonly celsius: number;
}

/** Subscribes, and prints readings until it is told to stop. */
function* display(coro: Coro, channel: Channel<Reading>): Generator<unknown, void, unknown> {
  yield* channel.subscribe(coro);
  for (;;) {
    const reading = yield* coro.receive<Reading | "stop">();
    if (reading === "stop") return;
    console.log(`${coro.name}: ${reading.city} ${reading.celsius} °C`);
  }
}

main(function* (coro) {
  // Drops the readings of broken sensors.
  using weather = new Channel<Reading>("weather", (_name, reading) => reading.celsius > -273 ? reading : null);
  // Of the messages from the first channel, this one passes on the hot days, rounded.
  using heat = new Channel<Reading>("heat", (_name, reading) => {
    return reading.celsius < 30 ? null : { ...reading, celsius: Math.round(reading.celsius) };
  });
  yield* weather.subscribe(heat);

  const { scheduler } = coro;
  const displays = [
    scheduler.spawnWith({ name: "all" }, display, weather),
    scheduler.spawnWith({ name: "hot" }, display, heat),
    // A coroutine that subscribes to both gets each message once, by the shorter path.
    scheduler.spawnWith({ name: "both" }, display, weather),
  ];
  yield* heat.subscribe(displays[2]);

  // The first message is sent when there are three subscribers: two displays and a channel.
  const reached = yield* weather.deliver({ city: "Oslo", celsius: 12.4 }, 5, 3);
  console.log(`the first one reached ${reached}`);
  for (const reading of [{ city: "Cairo", celsius: 38.6 }, { city: "Nowhere", celsius: -999 }]) {
    console.log(`${reading.city}: ${weather.send(reading) ? "sent" : "dropped"}`);
  }

  // Coroutines that have ended are unsubscribed.
  for (const each of displays) {
    each.send("stop");
    yield* each.finish();
  }
  console.log("subscribers left:", weather.statistics().subscribers);
});
