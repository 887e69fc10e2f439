import { execFile, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, type TestContext, test } from "vitest";
import { startFixture } from "./fixture.ts";

const run = promisify(execFile);
const BLOCK = /^```(sh|python|typescript)\n(.*?)^```$/gms;
const CLIENT = fileURLToPath(new URL("../client/client.ts", import.meta.url));

const readBlocks = (file: string, language: string): string[] => {
  const text = readFileSync(new URL(`../../docs/${file}`, import.meta.url), "utf8");
  return [...text.matchAll(BLOCK)].flatMap(([, found, code = ""]) => (found === language ? [code] : []));
};
const leaveOut = (context: TestContext, why: string): never => {
  console.log(`left out: ${why}`);
  return context.skip(why) as never;
};

let fixture: Awaited<ReturnType<typeof startFixture>>;
let base: string;
let folder: string;
beforeAll(async () => {
  fixture = await startFixture();
  base = await fixture.app.listen({ port: 0, host: "127.0.0.1" });
  folder = mkdtempSync(join(tmpdir(), "ballast-docs-"));
});
afterAll(async () => {
  await fixture.close();
  rmSync(folder, { recursive: true });
});

/** What a program printed; it fails where the program does. */
async function print(program: string, parameters: string[], code: string, name: string): Promise<string> {
  writeFileSync(join(folder, name), code.replaceAll("http://127.0.0.1:8787", base));
  const { stdout, stderr } = await run(program, [...parameters, name], { cwd: folder });
  expect(stderr).toBe("");
  return stdout;
}

const has = (program: string) => spawnSync(program, ["--version"]).status === 0;

describe("docs/api.md", () => {
  test("default: the examples for curl", async (context) => {
    if (!has("curl")) leaveOut(context, "there is no curl here, so that its examples were not run");
    const [block = ""] = readBlocks("api.md", "sh");
    const printed = await print("bash", ["-e"], block, "example.sh");
    expect(printed).toMatch(/^time,asset,open,high,low,close,volume\r\n2022-08-09T00:00:00Z,BTC,/);
    expect(printed).toMatch(
      /^at,variance,q0\.25,q0\.75\r\n2022-08-09T11:00:00Z,0\.00024,0\.0002,0\.0003\r\n/m,
    );
    expect(printed).toContain('"target":"lowest"');
    expect(statSync(join(folder, "decisions.parquet")).size).toBeGreaterThan(500);
  });

  test("default: the examples in Python", async (context) => {
    if (!has("python3")) leaveOut(context, "there is no python3 here, so that its examples were not run");
    const printed = await print("python3", [], readBlocks("api.md", "python").join("\n"), "example.py");
    expect(printed).toMatch(/^15 decisions, 1 of them trades\n404 BARS_NOT_FOUND There are no bars of DOGE/);
  });

  test("default: the example in TypeScript", async () => {
    const [block = ""] = readBlocks("api.md", "typescript");
    const code = block.replace('"@ballast/api/client"', JSON.stringify(CLIENT));
    const printed = await print(process.execPath, [], code, "example.mts");
    expect(printed).toMatch(
      /^breach-forecast 1180591620717411303424\nhighest \d+(\.\d+)?\n404 BARS_NOT_FOUND\n$/,
    );
  });
});

describe("docs/researcher.md", () => {
  // All of its cells run in cli/test, where a service runs backtests; here their figures are known beforehand.
  test("default: the cells that read, cell after cell", async (context) => {
    if (!has("python3")) leaveOut(context, "there is no python3 here, so that the notebook was not run");
    const cells = readBlocks("researcher.md", "python").filter((cell) => !cell.includes("/v1/backtests"));
    const printed = await print("python3", [], cells.join("\n"), "notebook.py");
    expect(printed).toMatch(/^QLIKE over 12 forecasts: model \d+\.\d{3}, EWMA \d+\.\d{3}$/m);
    expect(printed).toContain("base_fee_gwei  4 h, lowest: now 24, expected 18 (9 to 36)");
    expect(printed).toMatch(/^USDC: 0\.300 now, .* likely to leave 0\.320 ± 0\.05, /m);
    expect(printed).toMatch(/^ballast-evidence\/2 of 0x[0-9a-f]{64}$/m);
    expect(JSON.parse(readFileSync(join(folder, "evidence.json"), "utf8")).format).toBe("ballast-evidence/2");
  });
});
