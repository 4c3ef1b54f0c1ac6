/**
 * Sends much data: `sender.ts PORT [--tls] bytes|frame|line BYTES`. The certificate is not verified: it is a
 * benchmark's.
 */
import { connect as connectTls } from "node:tls";
import { connect } from "node:net";

const names = Deno.args.filter((argument) => argument !== "--tls");
const [port, form, bytes] = [Number(names[0]), names[1], Number(names[2])];
const where = { host: "127.0.0.1", port };
const socket = Deno.args.includes("--tls") ? connectTls({ ...where, rejectUnauthorized: false }) : connect(where);

/** Sends data and waits until there is room for more. */
async function send(data: Uint8Array): Promise<void> {
  if (!socket.write(data)) await new Promise((resolve) => socket.once("drain", resolve));
}

await new Promise((resolve) => socket.once(Deno.args.includes("--tls") ? "secureConnect" : "connect", resolve));
const head = new Uint8Array(4);
new DataView(head.buffer).setUint32(0, bytes);
if (form === "frame") await send(head);
const piece = new Uint8Array(65_536);
for (let left = bytes; left > 0; left -= piece.length) await send(piece.subarray(0, Math.min(left, piece.length)));
if (form === "line") await send(new Uint8Array([10]));
socket.end();
// So that it sees the other side close.
socket.resume();
