/**
 * A chat over the network: guests at any peers, one room, and a host who lets nobody shout.
 *
 *     deno run --allow-net=127.0.0.1 --allow-env=NETWORK_SECRET --allow-run --allow-read examples/distributed/chat.ts
 *
 * plays all parts, with guests who say what they are given. In terminals of their own, a guest says what is typed:
 *
 *     deno run --allow-net --allow-env=NETWORK_SECRET examples/distributed/chat.ts host
 *     deno run --allow-net --allow-env=NETWORK_SECRET examples/distributed/chat.ts guest ADDRESS NAME
 */
import { Channel, Coro, main, sleep } from "@asyncoro/asyncoro";
import { stdin } from "@asyncoro/asyncoro/io";
import { Network, type PeerStatus } from "@asyncoro/asyncoro/distributed";
import { playAll, SECRET } from "./roles.ts";

/** What guests say. */
interface Line {
  readonly name: string;
  readonly text: string;
}

/** The transform of the room runs at the host. */
function politely(_room: string, { name, text }: Line): Line | null {
  if (text.trim() === "") return null;
  return { name, text: text === text.toUpperCase() ? text.toLowerCase() : text };
}

function* host(coro: Coro): Generator<unknown, void, unknown> {
  const network = yield* Network.join({ name: "host", secret: SECRET });
  console.log(network.location.address);
  using room = new Channel<Line>("room", politely);
  network.peerStatus(coro);
  const guests = new Set<string>();
  do {
    const { location, online } = yield* coro.receive<PeerStatus>();
    if (online) guests.add(location.name);
    else {
      guests.delete(location.name);
      console.log(`${location.name} has gone`);
      room.send({ name: "host", text: `${location.name} has gone` });
    }
  } while (guests.size > 0);
  yield* network.leave();
}

/** Prints what is said, but not what the guest has said itself. */
function* listen(coro: Coro, own: string): Generator<unknown, void, unknown> {
  coro.setDaemon();
  for (;;) {
    const { name, text } = yield* coro.receive<Line>();
    if (name !== own) console.log(`${name}: ${text}`);
  }
}

function* guest(_coro: Coro, address: string, name: string, script: string[]): Generator<unknown, void, unknown> {
  const network = yield* Network.join({ name, secret: SECRET });
  console.log(network.location.address);
  yield* network.peer(address);
  const room = yield* Channel.locate<Line>("room", 10);
  if (room === null) throw new Error("There is no room");
  yield* room.subscribe(new Coro(listen, name));
  if (script.length === 0) yield* stdin.lines().forEach((text) => void room.send({ name, text }));
  for (const [i, text] of script.entries()) {
    // The first line waits until two have come into the room.
    if (i === 0) yield* room.deliver({ name, text }, 10, 2);
    else room.send({ name, text });
    yield* sleep(0.4);
  }
  yield* network.leave();
}

const [role, address, name, ...script] = Deno.args;
if (role === "host") main(host);
else if (role?.startsWith("guest")) main(guest, address, name, script);
else {
  await playAll(import.meta.url, ["--allow-net=127.0.0.1", "--allow-env=NETWORK_SECRET"], [
    { name: "host" },
    { name: "guest 1", args: ["ADDRESS", "Ada", "hello", "who is there?", "bye"] },
    { name: "guest 2", args: ["ADDRESS", "Alan", "HELLO ADA", " "] },
  ]);
}
