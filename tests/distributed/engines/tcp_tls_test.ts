/** TLS of the TCP engine: who is trusted, and what clients that do not speak it can do. */
import type { Operation } from "@asyncoro/asyncoro";
import { assert, assertEquals, assertInstanceOf, assertStringIncludes } from "@std/assert";
import type { Link } from "../../../core/distributed/engine.ts";
import { tcp, type TcpOptions } from "../../../core/distributed/engines/tcp.ts";
import { drive, testCertificate, testWith } from "../../io/helpers.ts";
import { frameOf, LinkEnd } from "./link_end.ts";
import { type Body, failure, until } from "./link_suite.ts";

const LOOPBACK = "127.0.0.1";

function options(hostname = "localhost", trusted = true): TcpOptions {
  const { ca, cert, key } = testCertificate();
  return { hostname, tls: { cert, key, ...trusted ? { caCerts: [ca] } : {} } };
}

/** Runs a test with an engine that is open. */
function withEngine(
  settings: () => TcpOptions,
  test: (port: number, links: Link[]) => Body,
): () => Promise<void> {
  return () =>
    drive(function* () {
      const engine = tcp(settings());
      const links: Link[] = [];
      const address = yield* engine.open((link) => links.push(link));
      yield* test(Number(new URL(address).port), links);
      for (const link of links) link.close();
      yield* engine.close();
    });
}

/** Returns the number of descriptors of this process. */
function descriptors(): number {
  return [...Deno.readDirSync("/dev/fd")].length;
}

testWith(
  ["openssl"],
  "a peer is verified for the name and for the address that its certificate has",
  withEngine(options, function* (port, links) {
    for (const host of ["localhost", LOOPBACK]) {
      const link = new LinkEnd(yield* tcp(options()).dial(`tcp://${host}:${port}`, 5));
      link.start();
      link.write(frameOf(10, 1));
      yield* until(() => links.length > 0, "the link is accepted");
      const other = new LinkEnd(links.shift()!);
      other.start();
      yield* until(() => other.frames.length === 1, "the frame has come");
      assertEquals(other.frames, [frameOf(10, 1)]);
      link.close();
      yield* until(() => !other.open, "the other end is told");
      assertEquals(other.ends, [null]);
    }
  }),
);

testWith(
  ["openssl"],
  "a certificate for another host is refused, and no link comes of it at the other side",
  withEngine(() => options("::"), function* (port, links) {
    for (const host of ["[::1]", "127.0.0.2"]) {
      const error = yield* failure(tcp(options()).dial(`tcp://${host}:${port}`, 5));
      assertInstanceOf(error, Deno.errors.InvalidData);
      assertStringIncludes(error.message, host.replace(/[[\]]/g, ""));
    }
    for (const link of links) {
      const end = new LinkEnd(link);
      end.start();
      yield* until(() => !end.open, "it has ended");
      assertEquals(end.frames, []);
    }
  }),
);

testWith(
  ["openssl"],
  "a certificate of an authority that is not trusted is refused",
  withEngine(options, function* (port, links) {
    const error = yield* failure(tcp(options("localhost", false)).dial(`localhost:${port}`, 5));
    assertInstanceOf(error, Deno.errors.InvalidData);
    assertStringIncludes(error.message, "certificate");
    assertEquals(links, []);
  }),
);

testWith(["openssl"], "a side with TLS and a side without do not get a link", () =>
  drive(function* () {
    const [plain, secure] = [tcp(), tcp(options())];
    const links: Link[] = [];
    const [toPlain, toSecure] = [
      yield* plain.open((link) => links.push(link)),
      yield* secure.open((link) => links.push(link)),
    ];
    // The plain engine sees a connection; the network closes it, as what it brings is no frame.
    const dial: Operation<Link> = secure.dial(toPlain, 0.3);
    yield* failure(dial);
    const end = new LinkEnd(yield* plain.dial(toSecure, 5));
    const reasons: (Error | null)[] = [];
    end.link.start(() => {}, () => {}, (reason) => reasons.push(reason));
    end.write(frameOf(100, 1));
    yield* until(() => reasons.length > 0, "the secure side closes it");
    for (const link of links) link.close();
    yield* plain.close();
    yield* secure.close();
  }));

/** Connects, and sends nothing. */
function* silent(port: number, count: number): Generator<unknown, Deno.Conn[], unknown> {
  const conns: Deno.Conn[] = [];
  for (let i = 0; i < count; i++) conns.push((yield Deno.connect({ hostname: LOOPBACK, port })) as Deno.Conn);
  return conns;
}

testWith(
  ["openssl"],
  "clients that are silent during the handshake are at most 64, and are given up after 5 s",
  withEngine(options, function* (port, links) {
    const before = descriptors();
    const conns = yield* silent(port, 100);
    (yield* tcp(options()).dial(`localhost:${port}`, 5)).close();
    yield* until(() => links.length === 1, "a valid peer gets through");
    yield* until(() => descriptors() <= before + 100 + 64, "the earliest were given up");
    assert(descriptors() > before + 100, "the latest were not");
    links[0].close();
    yield* until(() => descriptors() === before + 100, "all are given up");
    for (const conn of conns) conn.close();
  }),
);

testWith(
  ["openssl"],
  "an engine that is closed frees the descriptors of its handshakes",
  () =>
    drive(function* () {
      const engine = tcp(options());
      const before = descriptors();
      const address = yield* engine.open(() => {});
      const conns = yield* silent(Number(new URL(address).port), 10);
      yield* until(() => descriptors() === before + 21, "they are accepted");
      yield* engine.close();
      yield* until(() => descriptors() === before + 10, "only the clients' are left");
      for (const conn of conns) conn.close();
    }),
);
