import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { PROBLEM_STATUS } from "../src/problem.ts";
import { listenOn } from "../src/server.ts";
import { decidedOf, MODEL_ID, startFixture, UID } from "./fixture.ts";

interface Schema {
  readonly type?: string;
  readonly enum?: readonly string[];
  readonly minimum?: number;
  readonly maximum?: number;
}
interface Parameter {
  readonly name: string;
  readonly in: "query" | "path" | "header";
  readonly required?: boolean;
  readonly schema: Schema;
}
interface Operation {
  readonly method: string;
  readonly path: string;
  readonly parameters: readonly Parameter[];
  readonly takesBody: boolean;
}

const SLOWEST_MS = 3_000;
let fixture: Awaited<ReturnType<typeof startFixture>>;
let running: Awaited<ReturnType<typeof listenOn>>;
let operations: Operation[];
beforeAll(async () => {
  fixture = await startFixture();
  running = await listenOn(fixture.app, { port: 0 });
  const document = (await (await fetch(`${running.url}/openapi.json`)).json()) as {
    paths: Record<string, Record<string, { parameters?: Parameter[]; requestBody?: object }>>;
  };
  operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { parameters = [], requestBody }]) => ({
      method: method.toUpperCase(),
      path,
      parameters,
      takesBody: requestBody !== undefined,
    })),
  );
});
afterAll(async () => {
  await running.close();
  await fixture.close();
});

const NASTY = [
  "",
  " ",
  "0",
  "-0",
  "-1",
  "1e3",
  "1e999",
  "-1e999",
  "Infinity",
  "NaN",
  "0x10",
  "9007199254740993",
  "null",
  "undefined",
  "true",
  "[]",
  "{}",
  "[object Object]",
  "' OR 1=1 --",
  '"; DROP TABLE decision; --',
  "%",
  "_",
  "%00",
  "\0",
  "\r\nX: 1",
  "..",
  "../..",
  "..%2f..",
  "%252e%252e",
  "__proto__",
  "constructor",
  "toString",
  "=cmd|'/C calc'!A0",
  "<script>",
  "\u202e",
  "\ufeff",
  "💩",
  "2022-08-09",
  "2022-02-30",
  "2022-08-09T00:00:00Z",
  "0000-01-01T00:00:00Z",
  "+275760-09-13",
  "8640000000000001",
  "-8640000000000001",
  "*",
  "x".repeat(200),
  "9".repeat(400),
];
/** Mostly what the schema asks for, so that one odd value among fitting ones gets past the other checks. */
function valuesOf({ schema, name }: Parameter): fc.Arbitrary<string> {
  const fitting: fc.Arbitrary<string>[] = [];
  if (schema.enum !== undefined) fitting.push(fc.constantFrom(...schema.enum));
  if (schema.type === "integer" || schema.type === "number")
    fitting.push(
      fc.integer({ min: schema.minimum ?? -(2 ** 53), max: schema.maximum ?? 2 ** 53 }).map(String),
    );
  if (/hash|uid|id$/i.test(name)) {
    const known = [decidedOf(5, true).hash, UID, MODEL_ID];
    const bytes = fc.uint8Array({ minLength: 32, maxLength: 32 });
    fitting.push(
      fc.constantFrom(...known),
      bytes.map((word) => `0x${Buffer.from(word).toString("hex")}`),
    );
  }
  if (name === "cursor")
    fitting.push(
      fc.tuple(fc.integer(), fc.nat()).map(([at, id]) => Buffer.from(`${at}.${id}`).toString("base64url")),
    );
  if (name === "from" || name === "to")
    fitting.push(fc.constantFrom("2022-08-09", "2022-08-09T05:00:00Z", "1660021200000", "0"));
  const nasty = fc.oneof(fc.constantFrom(...NASTY), fc.string({ unit: "binary", maxLength: 60 }));
  const choices = fitting.map((arbitrary) => ({ arbitrary, weight: 4 }));
  return fc.oneof({ arbitrary: nasty, weight: 2 }, ...choices).map((text) => text.toWellFormed());
}

const request = () =>
  fc.constantFrom(...operations).chain((operation) => {
    const chosen = operation.parameters.map((parameter) => {
      const value = valuesOf(parameter);
      return fc.option(
        value.map((text) => ({ ...parameter, text })),
        {
          nil: undefined,
          freq: parameter.in === "path" ? 1_000_000 : 1,
        },
      );
    });
    const body = operation.takesBody
      ? fc.oneof(fc.json(), fc.string(), fc.constantFrom(...NASTY))
      : fc.constant(undefined);
    const extra = fc.option(fc.tuple(fc.constantFrom(...NASTY), fc.constantFrom(...NASTY)), {
      nil: undefined,
      freq: 5,
    });
    const accept = fc.constantFrom("*/*", "text/csv", "application/json;q=NaN", ";;", "\t", "x".repeat(500));
    return fc.record({
      operation: fc.constant(operation),
      parameters: fc.tuple(...chosen),
      body,
      extra,
      accept,
    });
  });

test("behaviour: whatever is asked of any route of the OpenAPI document, the answer comes soon, is no 5xx, and a refusal is a problem with a known code", async () => {
  expect(operations.length).toBeGreaterThan(8);
  const seen = new Map<number, number>();
  await fc.assert(
    fc.asyncProperty(request(), async ({ operation, parameters, body, extra, accept }) => {
      let path = operation.path;
      const query = new URLSearchParams();
      const headers: Record<string, string> = { accept: accept.trim() || "*/*" };
      for (const parameter of parameters) {
        if (parameter === undefined) continue;
        if (parameter.in === "path")
          path = path.replace(`{${parameter.name}}`, encodeURIComponent(parameter.text));
        else if (parameter.in === "query") query.append(parameter.name, parameter.text);
        else headers[parameter.name] = encodeURIComponent(parameter.text);
      }
      if (extra !== undefined) query.append(...extra);
      if (body !== undefined) headers["content-type"] = "application/json";
      const search = query.size > 0 ? `?${query}` : "";
      const response = await fetch(`${running.url}${path}${search}`, {
        method: operation.method,
        headers,
        ...(body !== undefined && { body }),
        signal: AbortSignal.timeout(SLOWEST_MS),
      });
      const { status } = response;
      seen.set(status, (seen.get(status) ?? 0) + 1);
      expect(status).toBeLessThan(500);
      // A stream has no end to wait for.
      if (response.headers.get("content-type")?.startsWith("text/event-stream"))
        return response.body?.cancel();
      const text = await response.text();
      expect(text).not.toMatch(/node_modules|\.ts:\d/);
      if (status < 400) return;
      expect(response.headers.get("content-type")).toMatch("application/problem+json");
      const problem = JSON.parse(text);
      expect(problem.status).toBe(status);
      expect(Object.keys(PROBLEM_STATUS)).toContain(problem.code);
    }),
    { seed: 6, numRuns: 2_500 },
  );
  // It went past the first check, and not always.
  expect(seen.get(200)).toBeGreaterThan(100);
  expect(seen.get(400)).toBeGreaterThan(100);
  expect(seen.get(404)).toBeGreaterThan(20);
});
