import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type JournalEntry, openJournal } from "@ballast/agent";
import { createKey, startApi } from "@ballast/api";
import { DECISION_SCHEMA_UID, signDecision } from "@ballast/attest";
import { fileSource, snapshotBytes, syntheticSource, toMarket, unixMillis } from "@ballast/data";
import { LOOKBACK_HOURS } from "@ballast/model";
import { Wallet } from "ethers";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { openReexecution } from "../src/reexecution.ts";
import { newFolder, run, writeBars } from "./child.ts";

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const home = newFolder();
const bars = join(home, "bars");
const other = join(home, "other");
const journalPath = join(home, "out", "threshold", "journal.sqlite");
const signer = new Wallet(`0x${"7".repeat(64)}`);
const log: string[] = [];
const closing: (() => Promise<void>)[] = [];
let entries: readonly JournalEntry[];
let forged: JournalEntry;

/** Decisions of the real engine over recorded bars, signed as an agent signs them; one says what it was not decided on. */
beforeAll(async () => {
  const market = { hours: 1_000, start: unixMillis(Date.UTC(2023, 0, 1)), assets: ["BTC", "ETH"] };
  writeBars(bars, (await syntheticSource({ seed: 4, ...market }).load({})).series);
  writeBars(other, (await syntheticSource({ seed: 5, ...market }).load({})).series);
  const config = {
    data: { bars },
    from: "2023-02-08",
    until: "2023-02-09",
    portfolio: { targets: { USDC: 0.3, BTC: 0.35, ETH: 0.35 }, bands: 0.005 },
    journal: true,
    out: "out",
  };
  writeFileSync(join(home, "backtest.yaml"), JSON.stringify(config));
  expect((await run(home, ["backtest", "--config", "backtest.yaml"])).status).toBe(0);
  const journal = openJournal(journalPath);
  const name = journal.runs()[0]!.run;
  entries = journal.list({ order: "oldest", limit: 100 }).items;
  for (const entry of entries.slice(1)) await sign(name, entry);
  const [, , third] = entries as [JournalEntry, JournalEntry, JournalEntry];
  const inputs = third.inputs!.replace(/"cooldownSeconds":\d+/, '"cooldownSeconds":1');
  expect(inputs).not.toBe(third.inputs);
  forged = { ...third, run: "forged", inputs };
  journal.record("forged", forged, { policy: third.policy, forecast: undefined, inputs });
  await sign("forged", forged);

  async function sign(of: string, { decision, hash }: JournalEntry): Promise<void> {
    const domain = {
      chainId: decision.chainId,
      easAddress: decision.vault,
      easVersion: "1.4.0",
      schemaUid: DECISION_SCHEMA_UID,
    };
    const { json, uid } = await signDecision({ ...domain, decision, signer });
    journal.advance(of, hash, "signed", { offchainAttestation: json, offchainUid: uid });
  }
  journal.close();
});
afterAll(async () => {
  for (const close of closing) await close();
});

async function serve(dataSets: Readonly<Record<string, string>>, snapshots = join(home, "none")) {
  const journal = openJournal(journalPath, { readOnly: true });
  const reexecution = openReexecution({
    artefacts: join(home, "artefacts"),
    snapshots,
    dataSets,
    log: (line) => log.push(line),
  });
  const artefacts = { list: async () => [], get: async () => new Uint8Array() };
  const keys = join(newFolder(), "keys.json");
  const { key } = await createKey(keys, { name: "test", scope: "submit", at: "2023-01-01T00:00:00Z" });
  const api = await startApi({ journal, artefacts, reexecution, logger: false, port: 0, settings: { keys } });
  closing.push(async () => {
    await api.close();
    journal.close();
  });
  return async (method: string, { hash, run }: Pick<JournalEntry, "hash" | "run">) => {
    const response = await fetch(`${api.url}/v1/decisions/${hash}/verify?run=${run}`, {
      method,
      headers: { authorization: `Bearer ${key}` },
    });
    const body = await response.json();
    return { status: response.status, body: body as Record<string, never> & Body };
  };
}
interface Body {
  readonly isValid: boolean;
  readonly market: { readonly kind: string; readonly detail: string };
  readonly offchain: readonly { readonly passed: boolean }[];
  readonly links: readonly { readonly name: string; readonly status: string; readonly detail: string }[];
  readonly conclusion: string;
  readonly code: string;
}
const statusOf = ({ links }: Body, of: string) => links.find(({ name }) => name === of)?.status;

it("default: each link of a decision is recomputed from the service's bars, and the result is kept", async () => {
  const ask = await serve({ elsewhere: other, hourly: bars });
  const entry = entries.find(({ decision }) => decision.action === 1) ?? entries[1]!;
  expect(await ask("GET", entry)).toMatchObject({ status: 404, body: { code: "VERIFICATION_NOT_FOUND" } });
  const { status, body } = await ask("POST", entry);
  expect(status).toBe(200);
  expect(body).toMatchObject({
    hash: entry.hash,
    run: entry.run,
    isValid: true,
    isCheckedOnChain: false,
    market: { kind: "bars", detail: expect.stringContaining("hourly") },
    onchain: [],
  });
  expect(body.offchain.length).toBeGreaterThan(5);
  expect(body.offchain.every(({ passed }) => passed)).toBe(true);
  expect(body.links.map(({ name, status }) => [name, status])).toEqual([
    ["data", "pass"],
    ["data-time", "pass"],
    ["features", "pass"],
    ["forecast", "pass"],
    ["state", "pass"],
    ["policy", "pass"],
  ]);
  expect(body.conclusion).toContain(signer.address.toLowerCase());
  expect((await ask("GET", entry)).body).toEqual(body);
});

it("behaviour: a snapshot that the agent kept does without bars", async () => {
  const entry = entries[3]!;
  const { market } = toMarket(await fileSource(bars).load({}), { now: unixMillis(Date.UTC(2024, 0, 1)) });
  const snapshot = market.past(entry.at).snapshot(LOOKBACK_HOURS);
  const folder = join(home, "snapshots");
  mkdirSync(folder);
  writeFileSync(join(folder, `${snapshot.root}.snapshot`), snapshotBytes(snapshot));
  const ask = await serve({}, folder);
  const { body } = await ask("POST", entry);
  expect(body).toMatchObject({ isValid: true, market: { kind: "snapshot" } });
  expect(statusOf(body, "policy")).toBe("pass");
});

it("behaviour: without the market it says what was left open, and claims nothing of it", async () => {
  const ask = await serve({ elsewhere: other });
  const { body } = await ask("POST", entries[3]!);
  expect(body.market.kind).toBe("none");
  expect([statusOf(body, "data"), statusOf(body, "state"), statusOf(body, "policy")]).toEqual([
    "not checked",
    "pass",
    "not checked",
  ]);
  expect(body.conclusion).toMatch(/Not checked: data, policy\.$/);
});

it("error: a decision that brings other inputs than it was made on is not valid, and the link is named", async () => {
  const ask = await serve({ hourly: bars });
  const { body } = await ask("POST", forged);
  expect([body.isValid, statusOf(body, "state")]).toEqual([false, "fail"]);
  expect(body.conclusion).toMatch(/^Not valid: state: /);
});

it("error: a decision that is not signed, an unknown one, and more at once than are taken", async () => {
  const ask = await serve({ hourly: bars });
  expect(await ask("POST", entries[0]!)).toMatchObject({ status: 409, body: { code: "NOT_SIGNED" } });
  const nowhere = { hash: `0x${"1".repeat(64)}` as const, run: "x" };
  expect(await ask("POST", nowhere)).toMatchObject({ status: 404, body: { code: "DECISION_NOT_FOUND" } });
  const many = await Promise.all(entries.slice(4, 14).map((entry) => ask("POST", entry)));
  expect(many.map(({ status }) => status).sort()).toEqual([...Array(8).fill(200), 429, 429]);
  expect(many.filter(({ body }) => body.code === "VERIFY_BUSY")).toHaveLength(2);
});
