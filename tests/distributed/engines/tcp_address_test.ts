/** Addresses of TCP engines. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  isHostname,
  isLoopback,
  isWildcard,
  parseTcpAddress,
  reachableHost,
  tcpAddress,
} from "../../../core/distributed/engines/tcp_address.ts";

Deno.test("an address is a URL, host:port, or an IPv6 address in brackets with a port", () => {
  const forms: Record<string, [hostname: string, port: number]> = {
    "tcp://127.0.0.1:9705": ["127.0.0.1", 9705],
    "tcp://127.0.0.1:9705/": ["127.0.0.1", 9705],
    "TCP://node.example:1": ["node.example", 1],
    "localhost:65535": ["localhost", 65_535],
    "tcp://[::1]:80": ["::1", 80],
    "[fd00::2]:80": ["fd00::2", 80],
    "[::ffff:192.0.2.1]:80": ["::ffff:192.0.2.1", 80],
  };
  for (const [address, [hostname, port]] of Object.entries(forms)) {
    assertEquals(parseTcpAddress(address), { hostname, port }, address);
  }
  for (const hostname of ["127.0.0.1", "::1", "node.example"]) {
    const address = tcpAddress(hostname, 9705);
    assertEquals(parseTcpAddress(address), { hostname, port: 9705 });
    assertEquals(new URL(address).port, "9705");
  }
});

Deno.test("what is not an address is refused, and the message shows the forms", () => {
  const wrong = ["", "localhost", "tcp://localhost", "sim:b", "::1:80", "http://localhost:80", "a@b:80", "a:b:80"]
    .concat(["localhost:", "localhost:-1", "localhost:1.5", "tcp://a:80/path", "a b:80", "tcp://a:80?x", "[a.b]:80"]);
  for (const address of [...wrong, null, 80, {}]) {
    assertThrows(() => parseTcpAddress(address), TypeError, "tcp://host:port, host:port or [::1]:port");
  }
  for (const port of [0, 65_536, 99_999]) assertThrows(() => parseTcpAddress(`a:${port}`), RangeError, `is ${port}`);
});

Deno.test("loopback addresses are 127.0.0.0/8, ::1 and localhost", () => {
  for (const hostname of ["127.0.0.1", "127.255.3.4", "::1", "localhost", "LocalHost"]) assert(isLoopback(hostname));
  const others = ["0.0.0.0", "::", "128.0.0.1", "127.0.0.1.example", "127.example", "127.0.0.999", "localhost.example"];
  for (const hostname of [...others, "", "127.1", "fd00::2", "1270.0.0.1"]) assert(!isLoopback(hostname), hostname);
});

Deno.test("0.0.0.0 and all forms of :: are wildcards", () => {
  for (const hostname of ["0.0.0.0", "::", "0:0:0:0:0:0:0:0", "0::0"]) assert(isWildcard(hostname), hostname);
  for (const hostname of ["127.0.0.1", "::1", "localhost", "0", "10.0.0.0"]) assert(!isWildcard(hostname), hostname);
});

Deno.test("a host name has no port, no brackets and no path", () => {
  for (const hostname of ["a", "a.example", "127.0.0.1", "::1", "fd00::2"]) assert(isHostname(hostname), hostname);
  for (const text of ["", "a:80", "[::1]", "a/b", "a b", "a@b", "tcp://a"]) assert(!isHostname(text), text);
});

Deno.test("what listens at a wildcard is reached at an address of the machine of the same family", () => {
  assertEquals(reachableHost("127.0.0.1"), "127.0.0.1");
  assertEquals(reachableHost("node.example"), "node.example");
  const addresses = Deno.networkInterfaces().map(({ address }) => address);
  for (const hostname of ["0.0.0.0", "::"]) {
    const reachable = reachableHost(hostname);
    assert(addresses.includes(reachable), reachable);
    assertEquals(reachable.includes(":"), hostname.includes(":"));
    if (addresses.some((address) => isOrdinary(address) && address.includes(":") === reachable.includes(":"))) {
      assert(!isLoopback(reachable), reachable);
    }
  }
});

function isOrdinary(address: string): boolean {
  return !isLoopback(address) && !/^(169\.254\.|fe[89ab])/i.test(address);
}
