import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Feed, openJournal, openMemoryFeed } from "@ballast/agent";
import { type Bars, createApi } from "@ballast/api";
import { HOUR_MS, seededRandom } from "@ballast/data";
import { writeBenchJournal } from "./api-journal.ts";

/**
 * One of the two servers of the API's benchmark, alone in its process: `api`, the service itself over a journal, or
 * `bare`, node:http answering each path with JSON.stringify of the body it is given, and each event with a write.
 */
export type Question =
  | { readonly kind: "bodies"; readonly bodies: Readonly<Record<string, unknown>> }
  /** Base64, sent as they are. */
  | { readonly kind: "bytes"; readonly bytes: Readonly<Record<string, string>> }
  | { readonly kind: "publish"; readonly data: string }
  | { readonly kind: "memory" };
export interface Answer {
  readonly url?: string;
  /** Bytes in use after a full collection, if the process has one. */
  readonly bytes?: number;
}

const BARS = 10_000;
const answer = (given: Answer) => process.send!(given);
const collect = (globalThis as { gc?: () => void }).gc;

/** As many hourly bars of one asset as a page holds, in the digits that an exchange gives: cents, and 1e-5 of a coin. */
function syntheticBars(): Bars {
  const random = seededRandom(2);
  const column = (scale: number, perUnit: number) =>
    Float64Array.from({ length: BARS }, () => Math.round(scale * random.uniform() * perUnit) / perUnit);
  const price = () => column(20_000, 100);
  const bars = { open: price(), high: price(), low: price(), close: price(), volume: column(5_000, 1e5) };
  const series = { time: Float64Array.from({ length: BARS }, (_, i) => i * HOUR_MS), bars };
  return { list: async () => [], read: async () => series };
}

async function openService(hours: number) {
  const folder = mkdtempSync(join(tmpdir(), "ballast-bench-api-"));
  const path = join(folder, "journal.sqlite");
  writeBenchJournal(path, hours).close();
  const journal = openJournal(path, { readOnly: true });
  const feed: Feed = openMemoryFeed();
  const app = await createApi({
    journal,
    artefacts: { list: async () => [], get: async () => new Uint8Array() },
    feed,
    bars: syntheticBars(),
    streams: { perAddress: 2_000, inAll: 2_000 },
    // Requests are counted as in earnest, and none is refused.
    settings: { ratePerAddress: 10_000_000 },
  });
  return {
    url: await app.listen({ host: "127.0.0.1", port: 0 }),
    publish: (data: string) => void feed.publish("decisions", data),
    answerWith: () => undefined,
    sendBytes: () => undefined,
    async close() {
      await app.close();
      await feed.close();
      journal.close();
      rmSync(folder, { recursive: true });
    },
  };
}

async function openBare() {
  let bodies: Readonly<Record<string, unknown>> = {};
  const bytes = new Map<string, Buffer>();
  const listeners = new Set<ServerResponse>();
  const server = createServer((request, response) => {
    if (request.url === "/v1/stream") {
      response.writeHead(200, { "content-type": "text/event-stream" }).flushHeaders();
      listeners.add(response);
      return;
    }
    const ready = bytes.get(request.url!);
    if (ready !== undefined) {
      response.end(ready);
      return;
    }
    response.setHeader("content-type", "application/json; charset=utf-8");
    response.end(JSON.stringify(bodies[request.url!]));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    publish(data: string) {
      for (const listener of listeners) listener.write(`event: decisions\ndata: ${data}\n\n`);
    },
    answerWith(given: Readonly<Record<string, unknown>>) {
      bodies = given;
    },
    sendBytes(given: Readonly<Record<string, string>>) {
      for (const [path, text] of Object.entries(given)) bytes.set(path, Buffer.from(text, "base64"));
    },
    async close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

const [, , kind, hours] = process.argv;
const service = kind === "bare" ? await openBare() : await openService(Number(hours));
process.on("message", (question: Question) => {
  if (question.kind === "publish") return service.publish(question.data);
  if (question.kind === "bytes") service.sendBytes(question.bytes);
  if (question.kind === "bodies") service.answerWith(question.bodies);
  collect?.();
  const { heapUsed, external } = process.memoryUsage();
  answer({ bytes: heapUsed + external });
});
process.once("disconnect", () => void service.close());
answer({ url: service.url });
