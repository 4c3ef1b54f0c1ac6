/** The module of threads of which the second fails. */
import { Network } from "../../../core/distributed/network.ts";

await Promise.resolve();
if (Network.of()!.location.name === "thread-2") throw new RangeError("not here", { cause: { here: 2 } });
