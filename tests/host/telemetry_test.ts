/** OpenTelemetry built into Deno: spans that coroutines start belong to the request for which they work. */
import { assert, assertEquals } from "@std/assert";

const SERVER = new URL("telemetry_server.ts", import.meta.url).pathname;
const CONFIG = new URL("../../deno.json", import.meta.url).pathname;
const PATHS = ["/a", "/b", "/c", "/d"];

interface Span {
  readonly name: string;
  readonly kind: number;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string;
  readonly attributes: readonly { readonly key: string; readonly value: { readonly stringValue?: string } }[];
}

interface Export {
  readonly resourceSpans: readonly { readonly scopeSpans: readonly { readonly spans: readonly Span[] }[] }[];
}

// From the protocol: https://opentelemetry.io/docs/specs/otlp/
const SERVES = 2;
const ASKS = 3;

/** Serves concurrent requests in a process that sends its spans to this one. Returns the spans. */
async function collectSpans(): Promise<Span[]> {
  const spans: Span[] = [];
  const collector = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, async (request) => {
    const sent = await request.text();
    if (new URL(request.url).pathname === "/v1/traces") {
      for (const { scopeSpans } of (JSON.parse(sent) as Export).resourceSpans) {
        for (const scope of scopeSpans) spans.push(...scope.spans);
      }
    }
    return Response.json({});
  });
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-check", "--allow-net=127.0.0.1", `--config=${CONFIG}`, SERVER],
    env: {
      OTEL_DENO: "true",
      OTEL_DENO_CONSOLE: "ignore",
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${(collector.addr as Deno.NetAddr).port}`,
      OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
    },
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const output = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  const base = `http://127.0.0.1:${Number((await output.read()).value)}`;
  const ask = async (path: string) => await (await fetch(base + path)).text();
  assertEquals(await Promise.all(PATHS.map(ask)), PATHS);
  await ask("/end");
  await output.read();
  // The remaining spans are sent before the process ends.
  assert((await child.status).success);
  await collector.shutdown();
  return spans;
}

function pathOf({ attributes }: Span): string | undefined {
  return attributes.find(({ key }) => key === "url.path")?.value.stringValue;
}

Deno.test("spans that coroutines start belong to the request for which they work", async () => {
  const spans = await collectSpans();
  const traces = new Set<string>();
  for (const path of PATHS) {
    const served = spans.find((span) => span.kind === SERVES && pathOf(span) === path)!;
    traces.add(served.traceId);
    const ofTrace = spans.filter(({ traceId }) => traceId === served.traceId);
    const asked = ofTrace.find((span) => span.kind === ASKS && pathOf(span) === `/inner${path}`)!;
    const [step, outer, child, task] = ["step", "outer", "child", "task"].map((name) => {
      const named = ofTrace.filter((span) => span.name === name);
      assertEquals(named.length, 1, name);
      return named[0];
    });
    const parents = {
      step: step.parentSpanId,
      outer: outer.parentSpanId,
      asked: asked.parentSpanId,
      task: task.parentSpanId,
    };
    const parent = served.spanId;
    assertEquals(parents, { step: parent, outer: parent, asked: parent, task: parent });
    assertEquals(child.parentSpanId, outer.spanId);
  }
  assertEquals(traces.size, PATHS.length);
});
