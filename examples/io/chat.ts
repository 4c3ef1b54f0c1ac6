/**
 * A chat server. Each guest sends a name first; then each of its lines goes to all the others.
 *
 *     deno run --allow-net examples/io/chat.ts [port]
 *     socat - TCP:localhost:7001        (or: telnet localhost 7001)
 */
import { ClosedError, Coro, main, MessageTooLargeError, TimeoutError } from "@asyncoro/asyncoro";
import { AsyncSocket } from "@asyncoro/asyncoro/io";

/** A guest. A coroutine of its own sends it the lines of the others, so that a slow client does not delay them. */
interface Guest {
  readonly name: string;
  readonly writer: Coro;
}

const guests = new Set<Guest>();

function tell(text: string, except?: Guest) {
  for (const guest of guests) if (guest !== except) guest.writer.send(text);
}

/**
 * Whether a guest has left, was too slow, or sent a line that is too long: only the visit ends, and the server goes on.
 */
function endsVisit(error: unknown): boolean {
  const { BrokenPipe, ConnectionReset, NotConnected } = Deno.errors;
  const kinds = [BrokenPipe, ConnectionReset, NotConnected, ClosedError, MessageTooLargeError, TimeoutError];
  return kinds.some((kind) => error instanceof kind);
}

function* write(coro: Coro, socket: AsyncSocket) {
  try {
    for (;;) yield* socket.sendall(`${yield* coro.receive<string>()}\r\n`, 10);
  } catch (error) {
    if (!endsVisit(error)) throw error;
  } finally {
    // This ends the reader, too.
    socket.close();
  }
}

function* visit(_coro: Coro, socket: AsyncSocket) {
  using _ = socket;
  try {
    yield* converse(socket);
  } catch (error) {
    if (!endsVisit(error)) throw error;
  }
}

function* converse(socket: AsyncSocket) {
  yield* socket.sendall("Your name?\r\n", 10);
  const name = yield* socket.readline({ timeout: 60, max: 100 });
  if (!name) return;
  const guest = { name, writer: new Coro(write, socket) };
  guests.add(guest);
  try {
    tell(`* ${name} joined, ${guests.size} here`);
    yield* socket.lines({ max: 1000 }).forEach((line) => {
      if (line !== "") tell(`${name}: ${line}`, guest);
    });
  } finally {
    guests.delete(guest);
    guest.writer.terminate();
    tell(`* ${name} left`);
  }
}

main(function* () {
  using listener = AsyncSocket.listen({ hostname: "127.0.0.1", port: Number(Deno.args[0] ?? 7001) });
  console.log(`Listening on port ${(listener.addr as Deno.NetAddr).port}`);
  for (;;) new Coro(visit, yield* listener.accept());
});
