/**
 * The handler of `app.ts` as Supabase starts it.
 *
 *     deno run --allow-net=0.0.0.0:8000 examples/edge/deno/index.ts
 */
import { handler } from "./app.ts";

Deno.serve(handler);
