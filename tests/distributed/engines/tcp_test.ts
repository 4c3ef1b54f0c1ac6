/** The engine for TCP: the suite of all engines, and what only TCP does. */
import { assert, assertEquals, assertInstanceOf, assertStringIncludes, assertThrows } from "@std/assert";
import { Coro, sleep, TimeoutError } from "@asyncoro/asyncoro";
import { UnsupportedError } from "@asyncoro/asyncoro";
import { tcp, type TcpOptions } from "../../../core/distributed/engines/tcp.ts";
import { CLOSING_SECONDS, LOW_WATER } from "../../../core/distributed/engines/tcp_link.ts";
import type { Engine } from "../../../core/distributed/engine.ts";
import { drive, eventually, has, pause, testCertificate, testWith } from "../../io/helpers.ts";
import { frameOf, LinkEnd } from "./link_end.ts";
import { Bench, type Body, failure, type LinkSubject, linkSuite, until } from "./link_suite.ts";

const LOOPBACK = "127.0.0.1";

/** The port of nothing: it was free a moment ago. */
function freePort(): number {
  const listener = Deno.listen({ hostname: LOOPBACK, port: 0 });
  listener.close();
  return listener.addr.port;
}

/** Calls `test` with the address of a listener that takes no connection, as its queue is full. */
function* fullListener(test: (address: string) => Body): Body {
  const listener = Deno.listen({ hostname: LOOPBACK, port: 0, tcpBacklog: 1 });
  const { port } = listener.addr;
  const conns: Deno.Conn[] = [];
  for (let full = false; !full;) {
    const signal = AbortSignal.timeout(200);
    const conn = yield Deno.connect({ hostname: LOOPBACK, port, signal }).catch(() => null);
    full = conn === null;
    if (conn !== null) conns.push(conn as Deno.Conn);
  }
  yield* test(`tcp://${LOOPBACK}:${port}`);
  for (const conn of conns) conn.close();
  listener.close();
}

/** Calls `test` with the address of a listener that sends nothing. */
function* silentListener(test: (address: string) => Body): Body {
  const listener = Deno.listen({ hostname: LOOPBACK, port: 0 });
  yield* test(`tcp://${LOOPBACK}:${listener.addr.port}`);
  listener.close();
}

function tls(): TcpOptions {
  const { ca, cert, key } = testCertificate();
  return { hostname: "localhost", tls: { cert, key, caCerts: [ca] } };
}

const PLAIN: LinkSubject = {
  name: "tcp",
  run: (test) =>
    drive(function* () {
      yield* test(tcp(), tcp());
    }),
  nowhere: `tcp://${LOOPBACK}:${freePort()}`,
  silence: (_far, _address, test) => fullListener(test),
};

const TLS: LinkSubject = {
  ...PLAIN,
  name: "tcp with TLS",
  ignore: !has("openssl"),
  run: (test) =>
    drive(function* () {
      yield* test(tcp(tls()), tcp(tls()));
    }),
  silence: (_far, _address, test) => silentListener(test),
};

linkSuite(PLAIN);
linkSuite(TLS);
