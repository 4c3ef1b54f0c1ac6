/**
 * An echo server over TLS, with a certificate that openssl makes at the start.
 *
 *     deno run --allow-net --allow-run=openssl --allow-read --allow-write examples/io/tls_echo.ts [port]
 *     openssl s_client -quiet -connect localhost:7003
 */
import { Coro, main } from "@asyncoro/asyncoro";
import { AsyncPipe, AsyncSocket } from "@asyncoro/asyncoro/io";

/** Makes a self-signed certificate for localhost, and its key. */
function* makeCertificate() {
  const dir: string = yield Deno.makeTempDir();
  try {
    const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", "key.pem"];
    const names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"];
    const args = ["req", "-x509", ...key, ...names, "-days", "1", "-out", "cert.pem"];
    using openssl = new AsyncPipe("openssl", { args, cwd: dir });
    const { status, stderr } = yield* openssl.communicate(undefined, 30);
    if (!status.success) throw new Error(new TextDecoder().decode(stderr));
    const read = (name: string) => Deno.readTextFileSync(`${dir}/${name}`);
    return { cert: read("cert.pem"), key: read("key.pem") };
  } finally {
    yield Deno.remove(dir, { recursive: true });
  }
}

function* serve(_coro: Coro, socket: AsyncSocket) {
  using _ = socket;
  try {
    yield* socket.lines(60).forEach(function* (line) {
      yield* socket.sendall(`${line}\n`, 10);
    });
  } catch (error) {
    // Only this client is affected; the server goes on.
    console.error(`${socket}: ${error}`);
  }
}

main(function* () {
  const tls = yield* makeCertificate();
  using listener = AsyncSocket.listen({ hostname: "127.0.0.1", port: Number(Deno.args[0] ?? 7003), tls });
  console.log(`Listening on port ${(listener.addr as Deno.NetAddr).port}`);
  for (;;) new Coro(serve, yield* listener.accept());
});
