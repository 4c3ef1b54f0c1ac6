/** Who may see the monitor page. */
import { assertEquals, assertMatch } from "@std/assert";
import { run } from "@asyncoro/asyncoro";
import { openPage } from "../../../core/cluster/page/open_page.ts";
import { portOf, type RawRequest, request, targetOf } from "./raw_client.ts";
import { ShownComputation } from "./snapshots.ts";

const COMPUTATION = new ShownComputation();
const METHODS = ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"];

Deno.test("without the token, with a foreign Host or a foreign Origin, every method is refused with 403", async () => {
  await run(function* () {
    using page = yield* openPage(COMPUTATION, {});
    const port = portOf(page.url);
    const host = `127.0.0.1:${port}`;
    const target = targetOf(page.url);
    const refused: RawRequest[] = [
      { target: "/", headers: [["host", host]] },
      { target: "/state", headers: [["host", host]] },
      { target: "/nothing", headers: [["host", host]] },
      { target: "/?token=", headers: [["host", host]] },
      { target: "/?token=wrong", headers: [["host", host]] },
      { target: target.slice(0, -1), headers: [["host", host]] },
      { target: `${target}a`, headers: [["host", host]] },
      { target: `/?token=wrong&${target.slice(2)}`, headers: [["host", host]] },
      { target: `/${encodeURIComponent(target.slice(1))}`, headers: [["host", host]] },
      ...[
        "attacker.example",
        `attacker.example:${port}`,
        "127.0.0.1",
        `127.0.0.1:${port + 1}`,
        `127.0.0.1.:${port}`,
        `0.0.0.0:${port}`,
        `localhost.attacker.example:${port}`,
        `user@127.0.0.1:${port}`,
        `[::1]:${port}`,
      ].map((other): RawRequest => ({ target, headers: [["host", other]] })),
      { target, headers: [["host", host], ["host", "attacker.example"]] },
      { target, headers: [["host", "attacker.example"], ["host", host]] },
      ...["http://attacker.example", `https://${host}`, "http://127.0.0.1", "null", ""].map((origin): RawRequest => ({
        target,
        headers: [["host", host], ["origin", origin]],
      })),
    ];
    for (const one of refused) {
      for (const method of METHODS) {
        const response = yield* request(port, { method, ...one });
        assertEquals(response?.status, 403, `${method} ${JSON.stringify(one)}`);
        assertEquals(response!.body.includes("primes"), false);
      }
    }
  });
});

Deno.test("a request without Host gets nothing of the page", async () => {
  await run(function* () {
    using page = yield* openPage(COMPUTATION, {});
    const response = yield* request(portOf(page.url), { target: targetOf(page.url), headers: [] });
    assertEquals([400, 403].includes(response!.status), true);
  });
});

Deno.test("with the token, the address listened to and localhost are allowed, and the page's own Origin", async () => {
  await run(function* () {
    using page = yield* openPage(COMPUTATION, {});
    const port = portOf(page.url);
    const target = targetOf(page.url);
    const allowed: RawRequest["headers"][] = [
      [["host", `127.0.0.1:${port}`]],
      [["Host", `localhost:${port}`]],
      [["HOST", `LocalHost:${port}`]],
      [["host", `localhost:${port}`], ["origin", `http://localhost:${port}`]],
      [["host", `127.0.0.1:${port}`], ["origin", `http://127.0.0.1:${port}`]],
    ];
    for (const headers of allowed) {
      for (const path of ["/", "/state"]) {
        const response = yield* request(port, { target: targetOf(page.url, path), headers });
        assertEquals(response?.status, 200, JSON.stringify(headers));
      }
      const response = yield* request(port, { method: "DELETE", target, headers });
      assertEquals(response?.status, 405);
    }
  });
});

Deno.test("methods other than GET and HEAD are refused with 405, which names these two", async () => {
  await run(function* () {
    using page = yield* openPage(COMPUTATION, {});
    const port = portOf(page.url);
    const headers: RawRequest["headers"] = [["host", `127.0.0.1:${port}`]];
    for (const method of METHODS.slice(2)) {
      for (const path of ["/", "/state", "/nothing"]) {
        const response = yield* request(port, { method, target: targetOf(page.url, path), headers });
        assertEquals([response?.status, response?.headers.get("allow")], [405, "GET, HEAD"], `${method} ${path}`);
      }
    }
  });
});

Deno.test("on all addresses, the address that a client has connected to is allowed, and no name", async () => {
  await run(function* () {
    using page = yield* openPage(COMPUTATION, { hostname: "0.0.0.0" });
    const port = portOf(page.url);
    const target = targetOf(page.url);
    assertEquals(new URL(page.url).hostname, "127.0.0.1");
    const statusWith = function* (host: string) {
      return (yield* request(port, { target, headers: [["host", `${host}:${port}`]] }))?.status;
    };
    assertEquals(yield* statusWith("127.0.0.1"), 200);
    assertEquals(yield* statusWith("localhost"), 200);
    assertEquals(yield* statusWith("attacker.example"), 403);
    assertEquals(yield* statusWith("127.0.0.2"), 403);
  });
});

Deno.test("the token is random, of 128 bits, unless one is given", async () => {
  await run(function* () {
    const tokens = new Set<string>();
    for (let count = 0; count < 3; count++) {
      using page = yield* openPage(COMPUTATION, {});
      assertMatch(page.url, /^http:\/\/127\.0\.0\.1:\d+\/\?token=[\w-]{22}$/);
      tokens.add(page.url.slice(-22));
    }
    assertEquals(tokens.size, 3);
  });
});

Deno.test("any text may be the token: the address has it encoded", async () => {
  const token = "a b&c=d/é?#+%41";
  await run(function* () {
    using page = yield* openPage(COMPUTATION, { token });
    assertEquals(new URL(page.url).searchParams.get("token"), token);
    const port = portOf(page.url);
    const headers: RawRequest["headers"] = [["host", `127.0.0.1:${port}`]];
    assertEquals((yield* request(port, { target: targetOf(page.url), headers }))?.status, 200);
    assertEquals((yield* request(port, { target: "/?token=a", headers }))?.status, 403);
  });
});
