/** The options of `tcp()`, and what the engine says of itself. */
import { UnsupportedError } from "@asyncoro/asyncoro";
import { assertEquals, assertThrows } from "@std/assert";
import { tcp, type TcpOptions } from "../../../core/distributed/engines/tcp.ts";
import { testCertificate, testWith } from "../../io/helpers.ts";

type Wrong = [options: unknown, kind: typeof TypeError | typeof RangeError | typeof UnsupportedError, text: string];

const PAIR = { cert: "c", key: "k" };

const WRONG: Wrong[] = [
  [null, TypeError, "'options' must be an object: current value is null"],
  [{ host: "a" }, TypeError, "there is no option 'host': use hostname, port, tls, group, discoveryPort"],
  [{ hostname: 5 }, TypeError, "'hostname' must be a host name or an address: current value is 5"],
  [{ hostname: "" }, TypeError, `current value is ""`],
  [{ hostname: "a:80" }, TypeError, `current value is "a:80"`],
  [{ hostname: "[::1]" }, TypeError, `current value is "[::1]"`],
  [{ port: "80" }, TypeError, `'port' must be an integer from 0 to 65535: current value is "80"`],
  [{ port: -1 }, RangeError, "current value is -1"],
  [{ port: 65_536 }, RangeError, "current value is 65536"],
  [{ port: 1.5 }, RangeError, "current value is 1.5"],
  [{ port: NaN }, RangeError, "current value is NaN"],
  [{ discoveryPort: 0 }, RangeError, "'discoveryPort' must be an integer from 1 to 65535: current value is 0"],
  [{ discoveryPort: null }, TypeError, "current value is null"],
  [{ group: 5 }, TypeError, "'group' must be an IPv4 multicast address: current value is 5"],
  [{ group: "127.0.0.1" }, RangeError, `current value is "127.0.0.1"`],
  [{ group: "240.0.0.1" }, RangeError, `current value is "240.0.0.1"`],
  [{ group: "239.255.97" }, RangeError, `current value is "239.255.97"`],
  [{ group: "ff02::1" }, RangeError, `current value is "ff02::1"`],
  [{ tls: true }, TypeError, "'tls' must be { cert, key, caCerts? }: current value is true"],
  [{ tls: null }, TypeError, "current value is null"],
  [{ tls: {} }, TypeError, "'tls.cert' must be a text in PEM: current value is undefined"],
  [{ tls: { cert: "c" } }, TypeError, "'tls.key' must be a text in PEM"],
  [{ tls: { ...PAIR, caCerts: "a" } }, TypeError, "'tls.caCerts' must be an array of texts in PEM"],
  [{ tls: { ...PAIR, caCerts: [1] } }, TypeError, "current value is an array of 1"],
  [{ tls: { ...PAIR, ca: [] } }, TypeError, "there is no option 'ca'"],
  [
    { tls: { ...PAIR, requestClientCertificates: "yes" } },
    TypeError,
    "'tls.requestClientCertificates' must be a boolean",
  ],
  [{ tls: { ...PAIR, requestClientCertificates: true } }, UnsupportedError, "leave 'requestClientCertificates' out"],
];

for (const [options, kind, text] of WRONG) {
  Deno.test(`tcp() refuses ${JSON.stringify(options)}`, () => {
    assertThrows(() => tcp(options as TcpOptions), kind, text);
  });
}

testWith(["openssl"], "tcp() refuses a certificate or a key that cannot be used", async () => {
  const { ca, cert, key } = await testCertificate();
  assertThrows(() => tcp({ tls: { cert: "c", key } }), Deno.errors.InvalidData, "'cert' is not a certificate");
  assertThrows(() => tcp({ tls: { cert, key: "k" } }), Deno.errors.InvalidData, "'key' is not a private key");
  assertThrows(() => tcp({ tls: { cert: ca, key } }), Deno.errors.InvalidData, "does not belong to the certificate");
});

testWith(["openssl"], "an engine is encrypted with TLS only, and never trusted", async () => {
  const { cert, key } = await testCertificate();
  const plain = tcp();
  assertEquals([plain.scheme, plain.trusted, plain.encrypted, plain.loopback], ["tcp", false, false, true]);
  const tls = { cert, key, caCerts: [], requestClientCertificates: false };
  const encrypted = tcp({ hostname: "node.example", tls });
  assertEquals([encrypted.trusted, encrypted.encrypted, encrypted.loopback], [false, true, false]);
});

Deno.test("an engine is a loopback one if it listens at a loopback address", () => {
  for (const hostname of ["127.0.0.1", "127.0.0.2", "::1", "localhost"]) assertEquals(tcp({ hostname }).loopback, true);
  for (const hostname of ["0.0.0.0", "::", "192.0.2.2", "node.example"]) {
    assertEquals(tcp({ hostname }).loopback, false);
  }
});

Deno.test("tcp() is unsupported where there are no sockets", () => {
  const { listen } = Deno;
  try {
    Object.assign(Deno, { listen: undefined });
    assertThrows(() => tcp(), UnsupportedError, "Deno.listen: run it with Deno");
  } finally {
    Object.assign(Deno, { listen });
  }
});
