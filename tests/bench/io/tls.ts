/**
 * Echo over TLS, compared with another checkout of this repository if one is named:
 *
 *     deno run -A tests/bench/io/tls.ts [OTHER_CHECKOUT]
 *
 * The servers run side by side and are loaded in turns by Deno's own connections, round by round. Prints the medians of
 * the round trips a second and of their ratios within a round, and the ratio of the best quarters.
 */
const OTHER = Deno.args[0];
const ROUNDS = 21;
const SECONDS = 0.3;
const HERE = new URL(".", import.meta.url).pathname;
const ROOT = new URL("../../../", import.meta.url).pathname;

interface Server {
  readonly child: Deno.ChildProcess;
  readonly port: number;
}

async function openssl(...args: string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command("openssl", { args, stdout: "null", stderr: "piped" }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
}

async function startServer(checkout: string, dir: string): Promise<Server> {
  const args = ["run", "-A", "--no-check", "--quiet", "--config", `${checkout}/deno.json`, `${HERE}tls_server.ts`];
  const files = [`${dir}/cert.pem`, `${dir}/key.pem`];
  const child = new Deno.Command(Deno.execPath(), { args: [...args, ...files], stdout: "piped", stderr: "inherit" })
    .spawn();
  for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) return { child, port: Number(text) };
  throw new Error("The server has ended");
}

async function open(port: number, ca: string): Promise<Deno.TlsConn> {
  const conn = await Deno.connectTls({ hostname: "localhost", port, caCerts: [ca] });
  await conn.handshake();
  return conn;
}

async function roundTrip(conn: Deno.TlsConn, message: Uint8Array, buffer: Uint8Array): Promise<void> {
  const sending = sendAll(conn, message);
  for (let got = 0; got < message.length;) {
    const count = await conn.read(buffer);
    if (count === null) throw new Error("The server has left");
    got += count;
  }
  await sending;
}

async function sendAll(conn: Deno.TlsConn, message: Uint8Array): Promise<void> {
  for (let sent = 0; sent < message.length;) sent += await conn.write(message.subarray(sent));
}

/** Round trips a second. */
async function load(conns: Deno.TlsConn[], size: number): Promise<number> {
  const message = new Uint8Array(size).fill(7);
  const start = performance.now();
  let total = 0;
  await Promise.all(conns.map(async (conn) => {
    const buffer = new Uint8Array(65_536);
    for (; performance.now() - start < SECONDS * 1000; total++) await roundTrip(conn, message, buffer);
  }));
  return total / (performance.now() - start) * 1000;
}

const at = (values: number[], part: number): number =>
  values.toSorted((a, b) => a - b)[Math.floor((values.length - 1) * part)];

async function compare(servers: Server[], ca: string, connections: number, size: number): Promise<void> {
  const conns = [];
  for (const { port } of servers) {
    conns.push(await Promise.all(Array.from({ length: connections }, () => open(port, ca))));
  }
  for (const each of conns) for (let i = 0; i < 4; i++) await load(each, size);
  const rates: number[][] = conns.map(() => []);
  for (let round = 0; round < ROUNDS; round++) {
    for (let i = 0; i < conns.length; i++) {
      const turn = (i + round) % conns.length;
      rates[turn].push(await load(conns[turn], size));
    }
  }
  for (const conn of conns.flat()) conn.close();
  const [ours, others] = rates;
  let line = `${connections} x ${size} B: ${at(ours, 0.5).toFixed(0)} round trips a second`;
  if (others !== undefined) {
    const ratio = at(ours.map((rate, i) => rate / others[i]), 0.5);
    const best = at(ours, 0.75) / at(others, 0.75);
    line += `, other ${at(others, 0.5).toFixed(0)}: ${ratio.toFixed(2)} x, best quarters ${best.toFixed(2)} x`;
  }
  console.log(line);
}

const dir = await Deno.makeTempDir();
const name = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"];
const kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"];
// A certificate that is its own authority must not say so.
const leaf = ["-addext", "basicConstraints=critical,CA:FALSE"];
await openssl("req", "-x509", ...kind, ...name, ...leaf, "-keyout", `${dir}/key.pem`, "-out", `${dir}/cert.pem`);
const ca = await Deno.readTextFile(`${dir}/cert.pem`);
const servers: Server[] = [];
for (const checkout of OTHER === undefined ? [ROOT] : [ROOT, OTHER]) servers.push(await startServer(checkout, dir));
for (const size of [64, 65_536]) {
  for (const connections of [1, 50]) await compare(servers, ca, connections, size);
}
for (const { child } of servers) child.kill("SIGKILL");
await Deno.remove(dir, { recursive: true });
