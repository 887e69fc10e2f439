import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { openJournal } from "@ballast/agent";
import { SETTINGS } from "@ballast/api";
import { describe, expect, it, vi } from "vitest";
import { serveCommand } from "../src/commands/serve.ts";
import { expectRefused, newFolder, run, start } from "./child.ts";

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

describe("keys and settings of the API", () => {
  it("default: `serve` has every setting as an option, and beside them its sources alone", () => {
    const options = serveCommand().options.map(({ long }) => long);
    expect(options).toEqual([
      "--journal",
      "--artefacts",
      "--store",
      "--data",
      "--backtests",
      "--backtest-workers",
      "--rpc",
      ...SETTINGS.map(({ option }) => option),
    ]);
  });

  it("default: a key is made, used, listed without its secret, and out of use a second after it is revoked", async () => {
    const cwd = newFolder();
    openJournal(join(cwd, "journal.sqlite")).close();
    const made = await run(cwd, ["keys", "create", "--scope", "read", "--name", "lab"]);
    expect(made.status).toBe(0);
    const key = made.stdout.trim();
    const id = key.slice(8, 24);
    const file = join(cwd, ".ballast/api/keys.json");
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const listed = await run(cwd, ["keys", "list"]);
    expect(JSON.parse(listed.stdout)).toMatchObject({ id, name: "lab", scope: "read", revokedAt: null });

    const args = [
      "serve",
      "--journal",
      "journal.sqlite",
      "--artefacts",
      "a",
      "--port",
      "0",
      "--public-reads",
      "false",
    ];
    const api = start(cwd, args);
    const url = (await api.until("stderr", /(http:\S+)\/health\n/))[1]!;
    const ask = async (headers: Record<string, string>) => {
      const response = await fetch(`${url}/v1/runs`, { headers });
      return [response.status, ((await response.json()) as { code?: string }).code];
    };
    const authorization = `Bearer ${key}`;
    expect(await ask({})).toEqual([401, "KEY_REQUIRED"]);
    expect(await ask({ authorization })).toEqual([200, undefined]);
    expect((await fetch(`${url}/ready`)).status).toBe(200);
    expect((await run(cwd, ["keys", "revoke", id])).status).toBe(0);
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    expect(await ask({ authorization })).toEqual([401, "KEY_REVOKED"]);
    api.child.kill("SIGTERM");
    const { status, stderr } = await api.ended;
    expect(status).toBe(0);
    const audit = readFileSync(join(cwd, ".ballast/api/audit.jsonl"), "utf8");
    const lines = audit
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(lines).toMatchObject([
      { action: "keys create", name: "lab", scope: "read", requestId: expect.any(String) },
      { action: "keys revoke", keyId: id },
    ]);
    for (const text of [audit, stderr, listed.stdout, readFileSync(file, "utf8")])
      expect(text).not.toContain(key.slice(25));
  });

  it("error: a setting that is unknown or out of range, and a key that is none", async () => {
    const cwd = newFolder();
    const range = await run(cwd, ["serve", "--port", "70000"]);
    expectRefused(
      range,
      /^API_SETTING: "70000" does not do for --port; give a whole number from 0 to 65535\./m,
    );
    const revoke = await run(cwd, ["keys", "revoke", "0123"]);
    expectRefused(revoke, /^NO_SUCH_KEY: "0123" is the id of no key; `ballast keys list`/m);
  });
});
