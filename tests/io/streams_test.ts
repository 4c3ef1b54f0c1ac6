/** The shared suite, for every kind of stream. */
import { AsyncFile, AsyncPipe, AsyncSocket } from "@asyncoro/asyncoro/io";
import { drive, has, testCertificate } from "./helpers.ts";
import { type Far, farConn, type Near, type Pair, streamSuite } from "./stream_suite.ts";

function nearSocket(socket: AsyncSocket): Near {
  return {
    recv: (max, limit) => socket.recv(max, limit),
    recvall: (size, limit) => socket.recvall(size, limit),
    readline: (limit) => socket.readline(limit),
    sendall: (data, limit) => socket.sendall(data, limit),
    end: () => socket.shutdownWrite(),
    close: () => socket.close(),
  };
}

async function tcpPair(): Promise<[Deno.Conn, Deno.Conn]> {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const [near, far] = await Promise.all([
    Deno.connect({ hostname: "127.0.0.1", port: listener.addr.port }),
    listener.accept(),
  ]);
  listener.close();
  return [near, far];
}

async function openTcp(): Promise<Pair> {
  const [near, far] = await tcpPair();
  return { near: nearSocket(AsyncSocket.from(near)), far: farConn(far) };
}

/** Both ends over TLS; ours is the client or the server. */
async function openTls(ours: "client" | "server"): Promise<Pair> {
  const { ca, cert, key } = testCertificate();
  if (ours === "client") {
    const listener = Deno.listenTls({ hostname: "127.0.0.1", port: 0, cert, key });
    const accepted = listener.accept();
    const where = { hostname: "localhost", port: listener.addr.port, tls: { caCerts: [ca] } };
    const near = await drive(function* () {
      return yield* AsyncSocket.connect(where, 5);
    });
    listener.close();
    return { near: nearSocket(near), far: farConn(await accepted) };
  }
  const listener = AsyncSocket.listen({ hostname: "127.0.0.1", port: 0, tls: { cert, key } });
  const { port } = listener.addr as Deno.NetAddr;
  const connecting = Deno.connectTls({ hostname: "localhost", port, caCerts: [ca] }).then(async (conn) => {
    await conn.handshake();
    return conn;
  });
  const near = await drive(function* () {
    return yield* listener.accept(5);
  });
  const far = await connecting;
  listener.close();
  return { near: nearSocket(near), far: farConn(far) };
}

async function openUnix(): Promise<Pair> {
  const path = await Deno.makeTempFile();
  await Deno.remove(path);
  const listener = AsyncSocket.listen({ path });
  const connecting = Deno.connect({ transport: "unix", path });
  const near = await drive(function* () {
    return yield* listener.accept(5);
  });
  const far = await connecting;
  listener.close();
  return { near: nearSocket(near), far: farConn(far) };
}

/** Two web streams with a small buffer. */
function openStreams(): Promise<Pair> {
  const strategy = new ByteLengthQueuingStrategy({ highWaterMark: 65_536 });
  const coming = new TransformStream<Uint8Array, Uint8Array>({}, undefined, strategy);
  const going = new TransformStream<Uint8Array, Uint8Array>({}, undefined, strategy);
  const writer = coming.writable.getWriter();
  const reader = going.readable.getReader();
  const far: Far = {
    write: (data) => writer.write(data.slice()),
    end: () => writer.close(),
    read: async () => (await reader.read()).value ?? null,
    close() {
      writer.close().catch(() => {});
      reader.cancel(new Deno.errors.BrokenPipe("gone")).catch(() => {});
    },
  };
  const near = nearSocket(AsyncSocket.from({ readable: coming.readable, writable: going.writable }));
  return Promise.resolve({ near, far });
}

// Copies one connection to standard output, and standard input to another connection.
const BRIDGE = "exec 3</dev/tcp/127.0.0.1/$0 4>/dev/tcp/127.0.0.1/$0; cat <&3 4>&- & exec cat >&4 3<&- 4>&-";

/** A child whose streams are connections that the far side holds. */
async function openPipe(): Promise<Pair> {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const pipe = new AsyncPipe("bash", { args: ["-c", BRIDGE, String(listener.addr.port)], stderr: "null" });
  const output = farConn(await listener.accept());
  const input = farConn(await listener.accept());
  listener.close();
  const close = (): void => {
    output.close();
    input.close();
  };
  const far: Far = { write: output.write, end: output.end, read: input.read, close };
  const near: Near = {
    recv: (max, limit) => pipe.read(max, limit),
    recvall: (size, limit) => pipe.readall(size, limit),
    readline: (limit) => pipe.readline(limit),
    sendall: (data, limit) => pipe.write(data, limit),
    end: () => pipe.closeStdin(),
    close: () => pipe.close(),
  };
  const gone = async () => {
    await drive(function* () {
      yield* pipe.wait(5);
    });
  };
  return { near, far, dispose: gone };
}

/** A named pipe, read as a file. */
async function openFifo(): Promise<Pair> {
  const path = await Deno.makeTempFile();
  await Deno.remove(path);
  await new Deno.Command("mkfifo", { args: [path] }).output();
  // Opening one end waits until the other is opened.
  const [writer, file] = await Promise.all([
    Deno.open(path, { write: true }),
    drive(function* () {
      return yield* AsyncFile.open(path, "r", 5);
    }),
  ]);
  await Deno.remove(path);
  let open = true;
  const close = (): void => {
    if (open) writer.close();
    open = false;
  };
  const far: Far = {
    async write(data) {
      for (let sent = 0; sent < data.length;) sent += await writer.write(data.subarray(sent));
    },
    end: () => Promise.resolve(close()),
    read: () => Promise.resolve(null),
    close,
  };
  const near: Near = {
    recv: (max, limit) => file.read(max, limit),
    recvall: (size, limit) => file.readall(size, limit),
    readline: (limit) => file.readline(limit),
    sendall: (data, limit) => file.write(data, limit),
    end: () => file.sync(),
    close: () => file.close(),
  };
  return { near, far };
}

streamSuite({ name: "AsyncSocket over TCP", writes: true, open: openTcp });
streamSuite({ name: "AsyncSocket over TLS, client,", writes: true, needs: ["openssl"], open: () => openTls("client") });
streamSuite({ name: "AsyncSocket over TLS, server,", writes: true, needs: ["openssl"], open: () => openTls("server") });
if (Deno.build.os !== "windows") streamSuite({ name: "AsyncSocket over Unix", writes: true, open: openUnix });
streamSuite({ name: "AsyncSocket over web streams", writes: true, open: openStreams });
streamSuite({ name: "AsyncPipe", writes: true, needs: ["bash"], open: openPipe });
if (has("mkfifo")) streamSuite({ name: "AsyncFile over a fifo", writes: false, open: openFifo });
