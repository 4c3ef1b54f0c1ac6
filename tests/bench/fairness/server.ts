/** Echoes what comes over TCP, and answers HTTP; prints both ports. Ends when its standard input does. */
const echo = Deno.listen({ hostname: "127.0.0.1", port: 0 });
const http = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, () => new Response("here"));

async function serve(connection: Deno.TcpConn): Promise<void> {
  connection.setNoDelay(true);
  const buffer = new Uint8Array(64);
  for (let n = await connection.read(buffer); n !== null; n = await connection.read(buffer)) {
    await connection.write(buffer.subarray(0, n));
  }
  connection.close();
}

(async () => {
  for await (const connection of echo) serve(connection).catch(() => {});
})();

console.log(JSON.stringify({ echo: (echo.addr as Deno.NetAddr).port, http: http.addr.port }));
for await (const _ of Deno.stdin.readable);
Deno.exit(0);
