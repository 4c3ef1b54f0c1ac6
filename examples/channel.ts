/**
 * A channel broadcasts to all its subscribers; its transform changes or drops messages. A channel that subscribes to
 * another one passes on what it gets, by a transform of its own.
 *
 *     deno run examples/channel.ts
 */
import { Channel, type Coro, main } from "@asyncoro/asyncoro";

interface Reading {
  readonly city: string;
  readonly celsius: number;
}

/** Subscribes, and shows what comes until it is told to stop. */
function* display(coro: Coro, channel: Channel<Reading>): Generator<unknown, void, unknown> {
  yield* channel.subscribe(coro);
  for (;;) {
    const reading = yield* coro.receive<Reading | "stop">();
    if (reading === "stop") return;
    console.log(`${coro.name}: ${reading.city} ${reading.celsius} °C`);
  }
}

main(function* (coro) {
  // Sensors that are broken do not get through.
  using weather = new Channel<Reading>("weather", (_name, reading) => reading.celsius > -273 ? reading : null);
  // Of what the first channel lets through, this one takes the hot days and rounds them.
  using heat = new Channel<Reading>("heat", (_name, reading) => {
    return reading.celsius < 30 ? null : { ...reading, celsius: Math.round(reading.celsius) };
  });
  yield* weather.subscribe(heat);

  const { scheduler } = coro;
  const displays = [
    scheduler.spawnWith({ name: "all" }, display, weather),
    scheduler.spawnWith({ name: "hot" }, display, heat),
    // One that subscribes to both gets each message once, by the shorter path.
    scheduler.spawnWith({ name: "both" }, display, weather),
  ];
  yield* heat.subscribe(displays[2]);

  // The first message waits until three subscribe: two displays and a channel.
  const reached = yield* weather.deliver({ city: "Oslo", celsius: 12.4 }, 5, 3);
  console.log(`the first one reached ${reached}`);
  for (const reading of [{ city: "Cairo", celsius: 38.6 }, { city: "Nowhere", celsius: -999 }]) {
    console.log(`${reading.city}: ${weather.send(reading) ? "sent" : "dropped"}`);
  }

  // Those that have ended drop out by themselves.
  for (const each of displays) {
    each.send("stop");
    yield* each.finish();
  }
  console.log("subscribers left:", weather.statistics().subscribers);
});
