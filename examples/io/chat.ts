/**
 * A chat server with rooms. Each guest sends a name first; then each line goes to all others in the same room, unless
 * it is a command: `/join ROOM`, `/who` or `/quit`.
 *
 *     deno run --allow-net examples/io/chat.ts [port] [idle seconds]
 *     socat - TCP:localhost:7001        (or: telnet localhost 7001)
 *
 * No guest can hold the others up: one who reads slowly misses lines and has to leave when nothing can be sent for ten
 * seconds, one who sends too much is read more slowly, and one who is idle for too long has to leave.
 */
import { call, ClosedError, Coro, main, MessageTooLargeError, Queue, RateLimiter } from "@asyncoro/asyncoro";
import { type Scope, scope, TimeoutError, withTimeout } from "@asyncoro/asyncoro";
import { AsyncSocket } from "@asyncoro/asyncoro/io";

const PORT = Number(Deno.args[0] ?? 7001);
const IDLE_SECONDS = Number(Deno.args[1] ?? 600);
const NAME_SECONDS = 60;
const SEND_SECONDS = 10;
const MAX_LINE = 1000;
const MAX_UNREAD = 100;
const LINES_PER_SECOND = 5;
const LOBBY = "lobby";

interface Guest {
  readonly name: string;
  /** Lines that are to be sent to the guest. When it is full, the oldest is dropped, so that nobody waits. */
  readonly lines: Queue<string>;
  room: string;
}

const guests = new Map<string, Guest>();

function inRoom(room: string): Guest[] {
  return [...guests.values()].filter((guest) => guest.room === room);
}

function tell(room: string, text: string, except?: Guest): void {
  for (const guest of inRoom(room)) if (guest !== except) guest.lines.tryPut(text);
}

/** A name that is neither too long nor strange, or `undefined`. */
function validName(text: string | undefined): string | undefined {
  return /^[\p{L}\p{N}_-]{1,20}$/u.exec(text?.trim() ?? "")?.[0];
}

/** Does what a line says. Returns whether the guest stays. */
function handle(guest: Guest, line: string): boolean {
  const { name, lines, room } = guest;
  const [command, argument] = line.trim().split(/\s+/);
  if (command === "/quit") return false;
  if (command === "/who") {
    lines.tryPut(`* in ${room}: ${inRoom(room).map((other) => other.name).join(", ")}`);
  } else if (command === "/join") {
    const next = validName(argument);
    if (next === undefined) lines.tryPut("* /join needs the name of a room: up to 20 letters and digits");
    else if (next !== room) {
      tell(room, `* ${name} went to ${next}`, guest);
      enter(guest, next);
    }
  } else if (command.startsWith("/")) {
    lines.tryPut("* commands: /join ROOM, /who, /quit");
  } else if (command !== "") {
    tell(room, `${name}: ${line}`, guest);
  }
  return true;
}

function enter(guest: Guest, room: string): void {
  guest.room = room;
  tell(room, `* ${guest.name} joined, ${inRoom(room).length} here`);
}

/** Asks for a name until it gets one that is free; `null` if the client leaves. */
function* askName(socket: AsyncSocket): Generator<unknown, string | null, unknown> {
  for (let question = "Your name?";; question = "Please another name:") {
    yield* socket.sendall(`${question}\r\n`);
    const line = yield* socket.readline({ max: MAX_LINE });
    if (line === null) return null;
    const name = validName(line);
    if (name !== undefined && !guests.has(name)) return name;
  }
}

/** A connection: its reader and its writer, which end together. */
function* visit(_coro: Coro, connection: AsyncSocket) {
  using socket = connection;
  try {
    const name = yield* withTimeout(NAME_SECONDS, askName(socket));
    if (name === null) return;
    const lines = new Queue<string>(MAX_UNREAD, { overflow: "drop-oldest", name: `lines for ${name}` });
    const guest = { name, lines, room: LOBBY };
    guests.set(name, guest);
    yield* scope(function* (scope) {
      scope.spawn(function* () {
        yield* side(scope, write(socket, lines));
      });
      yield* side(scope, read(socket, guest));
    });
  } catch (error) {
    if (!endsVisit(error)) throw error;
  }
}

/** One side of a connection. When the guest has left, the other one ends, too. */
function* side(scope: Scope, work: Generator<unknown, void, unknown>) {
  try {
    yield* call(work);
  } catch (error) {
    if (!endsVisit(error)) throw error;
    scope.cancel();
  }
}

function* write(socket: AsyncSocket, lines: Queue<string>) {
  yield* lines.items().forEach((line) => socket.sendall(`${line}\r\n`, SEND_SECONDS));
}

function* read(socket: AsyncSocket, guest: Guest) {
  const { name, lines } = guest;
  const limiter = new RateLimiter({ rate: LINES_PER_SECOND, burst: 4 * LINES_PER_SECOND });
  try {
    enter(guest, LOBBY);
    for (;;) {
      const line = yield* socket.readline({ timeout: IDLE_SECONDS, max: MAX_LINE });
      // Control characters could change the terminals of the others.
      if (line === null || !handle(guest, line.replace(/\p{Cc}/gu, " "))) break;
      yield* limiter.take();
    }
    lines.tryPut("* bye");
  } catch (error) {
    if (!(error instanceof TimeoutError)) throw error;
    lines.tryPut("* you were idle for too long");
  } finally {
    guests.delete(name);
    tell(guest.room, `* ${name} left`);
    // The writer sends what is in it, then ends.
    lines.close();
  }
}

/**
 * Whether a guest has left, was too slow, or sent a line that is too long: only the visit ends, and the server goes on.
 */
function endsVisit(error: unknown): boolean {
  const { BrokenPipe, ConnectionReset, NotConnected } = Deno.errors;
  const kinds = [BrokenPipe, ConnectionReset, NotConnected, ClosedError, MessageTooLargeError, TimeoutError];
  return kinds.some((kind) => error instanceof kind);
}

main(function* () {
  using listener = AsyncSocket.listen({ hostname: "127.0.0.1", port: PORT });
  console.log(`Listening on port ${(listener.addr as Deno.NetAddr).port}`);
  for (;;) new Coro(visit, yield* listener.accept());
});
