/** The worker for poolifier-web-worker. */
import { bounce, compute, empty } from "./tasks.ts";

const { ThreadWorker } = await import(`npm:${"poolifier-web-worker@0.5.15"}`);
export default new ThreadWorker({ bounce, compute, empty });
