import { monitorEventLoopDelay } from "node:perf_hooks";
import type { FastifyInstance } from "fastify";
import { Counter, Gauge, Histogram, Registry } from "prom-client";
import { problemCodeOf } from "../problem.ts";
import type { Load } from "./shedding.ts";

const SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10];
const NS_PER_SECOND = 1e9;

/** Prometheus metrics of this service alone, at /metrics; a route counts by its pattern, so that ids make no series. */
export function measure(app: FastifyInstance, load: Load): void {
  const registry = new Registry();
  const registers = [registry];
  const durations = new Histogram({
    name: "ballast_api_request_duration_seconds",
    help: "From the head of a request to the end of its answer, by route pattern",
    labelNames: ["method", "route", "status"],
    buckets: SECONDS,
    registers,
  });
  const problems = new Counter({
    name: "ballast_api_problems_total",
    help: "Requests that were refused or failed, by the code of the answer",
    labelNames: ["code"],
    registers,
  });
  const delay = monitorEventLoopDelay({ resolution: 10 });
  delay.enable();
  const gauge = (name: string, help: string, read: () => number) =>
    new Gauge({
      name: `ballast_api_${name}`,
      help,
      registers,
      collect() {
        this.set(read());
      },
    });
  gauge("in_flight_requests", "Requests under way, without streams", load.inFlight);
  gauge("resident_memory_bytes", "Of the process", () => process.memoryUsage.rss());
  gauge("event_loop_delay_p99_seconds", "Since the last time it was read", () => {
    const p99 = delay.percentile(99) / NS_PER_SECOND;
    delay.reset();
    return p99;
  });
  gauge("stream_clients", "Open streams of events", () =>
    app.hasDecorator("streamClients") ? app.getDecorator<() => number>("streamClients")() : 0,
  );

  app.addHook("onResponse", (request, reply, done) => {
    const route = request.routeOptions.url ?? "unknown";
    durations.observe({ method: request.method, route, status: reply.statusCode }, reply.elapsedTime / 1_000);
    const code = problemCodeOf(request);
    if (code !== undefined) problems.inc({ code });
    done();
  });
  app.addHook("onClose", async () => {
    delay.disable();
    registry.clear();
  });
  app.get("/metrics", { schema: { hide: true }, config: { scope: "read" } }, async (_request, reply) => {
    const text = await registry.metrics();
    return reply.type(registry.contentType).header("cache-control", "no-store").send(text);
  });
}
