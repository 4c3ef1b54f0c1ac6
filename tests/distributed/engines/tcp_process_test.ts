/** Engines in processes of their own: what keeps them alive, and what is sent before they end. */
import { assertEquals } from "@std/assert";
import { tcp } from "../../../core/distributed/engines/tcp.ts";
import type { Link } from "../../../core/distributed/engine.ts";
import { drive, testCertificate, testWith } from "../../io/helpers.ts";
import { runProgram, withPrograms } from "../../helpers/program.ts";
import { until } from "./link_suite.ts";

const IMPORTS = `import { run, sleep } from "@asyncoro/asyncoro";
import { tcp } from ${JSON.stringify(new URL("../../../core/distributed/engines/tcp.ts", import.meta.url).href)};
`;

/** Opens an engine and links to it, in use, and comes to the end of the program. */
function idle(options: object): string {
  return `${IMPORTS}
const engine = tcp(${JSON.stringify(options)});
const started = (link) => link.start((bytes) => console.log("got", bytes.length), () => {}, () => {});
await run(function* () {
  const address = yield* engine.open(started);
  const links = [yield* engine.dial(address, 5), yield* engine.dial(address, 5)];
  started(links[0]);
  links[0].write(new Uint8Array(10));
  yield globalThis.connectSilently?.(address);
  yield* sleep(0.2);
  engine.discover(new Uint8Array(10), () => {});
  yield* sleep(0.2);
});
console.log("done");`;
}

Deno.test("a program ends though an engine, its links and its discovery are open", async () => {
  const outcome = await runProgram(idle({ discoveryPort: 9706 }), ["--allow-all"]);
  assertEquals(outcome, { code: 0, stdout: "got 10\ndone\n", stderr: "" });
});

/** Connects to the engine, sends nothing, and lets no limit of the handshake pass. */
const SILENT_CLIENT = `
const { setTimeout } = globalThis;
globalThis.setTimeout = (callback, ms, ...rest) => setTimeout(callback, ms >= 5000 ? 1e9 : ms, ...rest);
globalThis.connectSilently = (address) => Deno.connect({ hostname: "127.0.0.1", port: Number(new URL(address).port) });
`;

testWith(["openssl"], "a program ends though TLS links are open and a handshake is under way", async () => {
  const { ca, cert, key } = testCertificate();
  const options = { hostname: "localhost", discoveryPort: 9706, tls: { cert, key, caCerts: [ca] } };
  const outcome = await runProgram(SILENT_CLIENT + idle(options), ["--allow-all"]);
  assertEquals(outcome, { code: 0, stdout: "got 10\ndone\n", stderr: "" });
});

Deno.test("a program that closes a link ends when all that it wrote is sent", () =>
  drive(function* () {
    const engine = tcp();
    const links: Link[] = [];
    const address = yield* engine.open((link) => links.push(link));
    const total = 20_000_000;
    yield withPrograms(async (start) => {
      const program = start(
        `${IMPORTS}
await run(function* () {
  const link = yield* tcp().dial(${JSON.stringify(address)}, 5);
  link.start(() => {}, () => {}, () => {});
  link.write(new Uint8Array(${total}));
  link.close();
});
console.log("at its end");`,
        ["--allow-net"],
      );
      await program.printed("at its end");
      let received = 0;
      const reasons: (Error | null)[] = [];
      const ended = new Promise<void>((resolve) =>
        links[0].start(
          (bytes) => received += bytes.length,
          () => {},
          (reason) => (reasons.push(reason), resolve()),
        )
      );
      // Bytes that the program never reads must not make it lose what it has written.
      links[0].write(new Uint8Array(100_000));
      await ended;
      assertEquals([received, reasons], [total, [null]]);
      assertEquals((await program.ended()).code, 0);
    });
    yield* until(() => links.length === 1, "there was one link");
    yield* engine.close();
  }));
