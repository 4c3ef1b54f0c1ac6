/**
 * Sends a file to another process, which has a directory for such files: it arrives as a whole or not at all.
 *
 *     deno run --allow-net=127.0.0.1 --allow-env=NETWORK_SECRET --allow-run --allow-read --allow-write examples/distributed/send_file.ts
 *
 * plays both parts. In two terminals:
 *
 *     deno run --allow-net=127.0.0.1 --allow-env=NETWORK_SECRET --allow-read --allow-write examples/distributed/send_file.ts receiver DIRECTORY
 *     deno run --allow-net=127.0.0.1 --allow-env=NETWORK_SECRET --allow-read --allow-write examples/distributed/send_file.ts sender ADDRESS FILE
 */
import { type Coro, main } from "@asyncoro/asyncoro";
import { FileTransferError, Network, type PeerStatus, PermissionError } from "@asyncoro/asyncoro/distributed";
import { playAll, SECRET } from "./roles.ts";

function* receiver(coro: Coro, directory: string): Generator<unknown, void, unknown> {
  const network = yield* Network.join({ name: "receiver", secret: SECRET, files: { directory, maxBytes: 1e9 } });
  console.log(network.location.address);
  network.peerStatus(coro);
  // Until the sender has left.
  while ((yield* coro.receive<PeerStatus>()).online);
  for (const { name, isFile } of Deno.readDirSync(directory)) console.log(`${isFile ? "file" : "directory"} ${name}`);
  yield* network.leave();
}

function* sender(_coro: Coro, address: string, file: string): Generator<unknown, void, unknown> {
  const network = yield* Network.join({ name: "sender", secret: SECRET });
  console.log(network.location.address);
  const peer = yield* network.peer(address);

  const first = yield* network.sendFile(peer, file, { name: "copy.txt" });
  console.log(`${first.path}: ${first.bytes} bytes, unchanged: ${first.unchanged}`);
  const again = yield* network.sendFile(peer, file, { name: "copy.txt" });
  console.log(`again, unchanged: ${again.unchanged}`);

  Deno.writeTextFileSync(file, "something else", { append: true });
  try {
    yield* network.sendFile(peer, file, { name: "copy.txt" });
  } catch (error) {
    if (error instanceof FileTransferError) console.log("another file of that name is there, and stays");
  }
  yield* network.sendFile(peer, file, { name: "copy.txt", overwrite: true });
  console.log("overwritten");
  try {
    yield* network.sendFile(peer, file, { dir: "../elsewhere" });
  } catch (error) {
    if (error instanceof PermissionError) console.log("nothing is written outside the directory");
  }
  const sent = yield* network.sendFile(peer, file, { dir: "archive/2026" });
  console.log(`deleted: ${yield* network.delFile(peer, sent.path)}`);
  yield* network.leave();
}

const [role, place, file] = Deno.args;
if (role === "receiver") main(receiver, place);
else if (role === "sender") main(sender, place, file);
else {
  const directory = Deno.makeTempDirSync();
  const file = Deno.makeTempFileSync({ suffix: ".txt" });
  Deno.writeTextFileSync(file, "line\n".repeat(100_000));
  const flags = ["--allow-net=127.0.0.1", "--allow-env=NETWORK_SECRET", "--allow-read", "--allow-write"];
  await playAll(import.meta.url, flags, [
    { name: "receiver", args: [directory] },
    { name: "sender", args: ["ADDRESS", file] },
  ]);
  Deno.removeSync(directory, { recursive: true });
  Deno.removeSync(file);
}
