/** The example chat: rooms, names and limits, with clients that are slow, rude, idle or fast. */
import { assert, assertEquals } from "@std/assert";
import { serving } from "../helpers/serving.ts";
import { eventually, text } from "../io/helpers.ts";

/** A guest with a socket of its own. */
class Client {
  heard = "";
  readonly #conn: Deno.TcpConn;
  #listening: Promise<void> | null = null;

  private constructor(conn: Deno.TcpConn) {
    this.#conn = conn;
  }

  /** Connects, without reading anything. */
  static async connect(port: string): Promise<Client> {
    return new Client(await Deno.connect({ hostname: "127.0.0.1", port: Number(port) }));
  }

  /** Connects, and enters with a name. */
  static async enter(port: string, name: string): Promise<Client> {
    const client = await Client.connect(port);
    client.listen();
    await client.say(name);
    await client.hears(`* ${name} joined`);
    return client;
  }

  listen(): void {
    this.#listening = this.#listen();
  }

  async #listen(): Promise<void> {
    const buffer = new Uint8Array(65_536);
    try {
      for (let count; (count = await this.#conn.read(buffer)) !== null;) this.heard += text(buffer.subarray(0, count));
    } catch {
      // Closed or reset.
    }
  }

  /** Sends lines. */
  async say(...lines: string[]): Promise<void> {
    let data = new TextEncoder().encode(lines.map((line) => `${line}\n`).join(""));
    while (data.length > 0) data = data.subarray(await this.#conn.write(data));
  }

  hears(what: string): Promise<void> {
    return eventually(
      () => this.heard.includes(what),
      `hears ${JSON.stringify(what)}, but ${JSON.stringify(this.heard)}`,
    );
  }

  /** Waits until the server has closed the connection. */
  async ended(): Promise<void> {
    await this.#listening;
  }

  async leave(): Promise<void> {
    this.#conn.close();
    await this.#listening;
  }
}

/** Runs the server; it must report nothing. */
async function chat(args: string[], body: (port: string) => Promise<void>): Promise<void> {
  assertEquals(await serving("io/chat.ts", ["0", ...args], body), "");
}

Deno.test("chat has rooms: lines go to the guests of one room", () =>
  chat([], async (port) => {
    const [ann, ben, cai] = await Promise.all(["ann", "ben", "cai"].map((name) => Client.enter(port, name)));
    await ben.say("/join garden");
    await ben.hears("* ben joined, 1 here");
    await ann.hears("* ben went to garden");
    await cai.say("/join garden");
    await ben.hears("* cai joined, 2 here");
    await ben.say("in the garden", "/who");
    await cai.hears("ben: in the garden");
    await ben.hears("* in garden: ben, cai");
    await ann.say("in the lobby", "/who");
    await ann.hears("* in lobby: ann\r\n");
    await cai.say("/quit");
    await cai.hears("* bye\r\n");
    await cai.ended();
    await ben.hears("* cai left");
    assert(
      !ben.heard.includes("in the lobby") && !ann.heard.includes("in the garden") && !ann.heard.includes("cai left"),
    );
    for (const client of [ann, ben, cai]) await client.leave();
  }));

Deno.test("chat refuses names that are taken or strange, and control characters reach nobody", () =>
  chat([], async (port) => {
    const ann = await Client.enter(port, "ann");
    const ben = await Client.connect(port);
    ben.listen();
    await ben.say("ann", "", "x".repeat(30), "a b", "\x1b[31mred", "ben");
    await ben.hears("* ben joined, 2 here");
    assertEquals(ben.heard.match(/Please another name/g)?.length, 5);
    await ben.say("/join ../etc", "/nonsense", "", "red \x1b[31m\x07text\r");
    await ben.hears("* /join needs the name of a room");
    await ben.hears("* commands: ");
    await ann.hears("ben: red  [31m text");
    await ben.leave();
    await ann.hears("* ben left");
    // The name is free again.
    const again = await Client.enter(port, "ben");
    await again.leave();
    await ann.leave();
  }));

Deno.test("chat dismisses a guest who is idle, and no other", () =>
  chat(["1"], async (port) => {
    const ann = await Client.enter(port, "ann");
    const talking = setInterval(() => void ann.say("still here"), 200);
    const ben = await Client.enter(port, "ben");
    await ben.hears("* you were idle for too long");
    await ben.ended();
    await ann.hears("* ben left");
    clearInterval(talking);
    await ann.leave();
    await ben.leave();
  }));

Deno.test("a guest of chat who does not read holds nobody up", () =>
  chat([], async (port) => {
    const ann = await Client.enter(port, "ann");
    const deaf = await Client.connect(port);
    await deaf.say("deaf");
    await ann.hears("* deaf joined");
    const speakers = await Promise.all(Array.from({ length: 40 }, (_, i) => Client.enter(port, `s${i}`)));
    // Each may say twenty lines at once. A few speak at a time, so that those who read miss nothing.
    const lines = Array.from({ length: 19 }, (_, i) => `${i} ${"x".repeat(950)}`);
    for (let first = 0; first < speakers.length; first += 4) {
      const talking = speakers.slice(first, first + 4);
      await Promise.all(talking.map((speaker) => speaker.say(...lines)));
      for (const i of talking.keys()) await ann.hears(`s${first + i}: ${lines[18]}`);
    }
    await ann.say("done");
    for (const speaker of speakers) await speaker.hears("ann: done");
    // What is kept for a guest are the newest lines.
    deaf.listen();
    await deaf.hears("ann: done");
    for (const client of [deaf, ann, ...speakers]) await client.leave();
  }));

Deno.test("a guest of chat who floods is read more slowly, and the others go on", () =>
  chat([], async (port) => {
    const ann = await Client.enter(port, "ann");
    const ben = await Client.enter(port, "ben");
    const flood = await Client.enter(port, "flood");
    await flood.say(...Array.from({ length: 2000 }, (_, i) => `line ${i}`));
    await ann.say("hello");
    await ben.hears("ann: hello");
    assert(!ben.heard.includes("flood: line 200"), "Expected at most 20 lines at once, then 5 a second");
    for (const client of [ann, ben, flood]) await client.leave();
  }));

Deno.test("chat ends with a hundred guests and with clients that have no name yet", () =>
  chat([], async (port) => {
    const clients = await Promise.all(Array.from({ length: 100 }, () => Client.connect(port)));
    for (const [i, client] of clients.entries()) if (i % 2 === 0) await client.say(`guest${i}`);
    clients[0].listen();
    await clients[0].hears(`joined, 50 here`);
    const leaving = clients.map((client) => client.leave());
    await Promise.all(leaving);
  }));
