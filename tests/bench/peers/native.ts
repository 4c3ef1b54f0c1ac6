/** Plain async/await on Deno. */
import { worksWith } from "./async_functions.ts";
import { runWorks, type Works } from "./contender.ts";

/** Its works, by name. */
export const works: Works = worksWith((milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds)));

async function serve(conn: Deno.TcpConn): Promise<void> {
  using _ = conn;
  const buffer = new Uint8Array(65_536);
  conn.setNoDelay(true);
  for (let count = await conn.read(buffer); count !== null; count = await conn.read(buffer)) {
    for (let sent = 0; sent < count;) sent += await conn.write(buffer.subarray(sent, count));
  }
}

function echo(): number {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const accept = async () => {
    for (;;) serve(await listener.accept()).catch(() => {}); // the client has gone
  };
  accept();
  return listener.addr.port;
}

if (import.meta.main) await runWorks(works, echo);
