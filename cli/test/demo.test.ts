import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { evidenceOf, type Journal, type JournalEntry, openJournal } from "@ballast/agent";
import { toEvidence } from "@ballast/attest";
import { forecastHash } from "@ballast/model";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import type { DemoSummary, RunSummary } from "../src/summary.ts";
import {
  descendantsOf,
  expectRefused,
  lastJson,
  newFolder,
  type Running,
  run,
  start,
  survivorsOf,
  writeRows,
} from "./child.ts";

// Generous, for machines that do something else besides.
vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 });
const HOURS = 120;
/** A market in which some weight leaves its band within these hours. */
const DEMO = ["demo", "--hours", String(HOURS), "--seed", "3", "--json"];
const home = newFolder();
const folderOf = (number: number) => join(home, ".ballast/demo", `run-000${number}`);
const openRun = (number: number): Journal =>
  openJournal(join(folderOf(number), "journal.sqlite"), { readOnly: true });

function entriesOf(number: number, policy: string): readonly JournalEntry[] {
  const journal = openRun(number);
  try {
    return journal.list({ run: policy, order: "oldest", limit: 1_000 }).items;
  } finally {
    journal.close();
  }
}

/** What must hold of any run of a demo, whatever its market. */
function expectConsistent(summary: RunSummary, hours: number): void {
  const { decisions, holds, executedAhead, executedAfter, rejections, attestations, costBps } = summary;
  expect(decisions).toBe(hours);
  expect(holds + executedAhead + executedAfter + rejections).toBe(decisions);
  expect(summary.rejectionReasons).toHaveLength(rejections);
  // One for each decision, and one of what came of each that was executed; all off chain.
  expect(attestations).toBe(decisions + executedAhead + executedAfter);
  expect(summary.verified).toBe(attestations);
  expect(costBps.fees + costBps.impact + costBps.gas).toBeCloseTo(costBps.total, 9);
  expect(costBps.total > 0).toBe(executedAhead + executedAfter > 0);
}

let served: Running;
let summary: DemoSummary;
let chain: number[];
beforeAll(async () => {
  served = start(home, [...DEMO, "--serve", "--port", "0"]);
  summary = lastJson({ stdout: (await served.until("stdout", /^\{.*\}\n/m))[0] });
  await served.until("stderr", /\/health\n/);
  chain = descendantsOf(served.child.pid!);
});
afterAll(() => served?.child.kill("SIGKILL"));

const written = async (name: string) => (await served.until("stderr", new RegExp(`${name}(\\S+)`)))[1]!;

describe("demo", () => {
  it("default: without a network it says so in one line and takes the synthetic market", async () => {
    await served.until("stderr", /No network to binance: using the synthetic market with seed 3 instead\.\n/);
    expect(summary.market.name).toBe("synthetic-3");
  });

  it("default: the last line has every figure, and they agree with each other", () => {
    const word = /^0x[0-9a-f]{64}$/;
    expect(summary).toMatchObject({
      seconds: expect.any(Number),
      peakMemoryMb: expect.any(Number),
      market: { name: expect.any(String), hash: expect.stringMatching(word) },
      modelId: expect.stringMatching(word),
      backend: expect.stringMatching(/^(tfjs-node|wasm|cpu)$/),
      hours: HOURS,
      seed: 3,
      policy: "predictive",
      trackingError: expect.any(Number),
      hoursOutsideBand: expect.any(Number),
      decisionsDigest: expect.stringMatching(word),
      threshold: { policy: "threshold", decisionsDigest: expect.stringMatching(word) },
    });
    // A node process and two chains: less would be one of them forgotten, more would break the promise.
    expect(summary.peakMemoryMb).toBeGreaterThan(100);
    expect(summary.peakMemoryMb).toBeLessThan(2_000);
    expectConsistent(summary, HOURS);
    expectConsistent(summary.threshold, HOURS);
    const executed = (of: RunSummary) => of.executedAhead + of.executedAfter;
    expect(executed(summary) + executed(summary.threshold)).toBeGreaterThan(0);
  });

  it("behaviour: with --json the result alone is on stdout; progress in a log is a line now and then", async () => {
    const report = await written("Report: ");
    expect(existsSync(join(home, report))).toBe(true);
    const text = served.text.stderr;
    expect(text).toMatch(
      /1\. Asking binance[\s\S]*2\. Training[\s\S]*3\. Starting[\s\S]*4\. Replaying[\s\S]*5\. [\s\S]*6\. /,
    );
    expect(text).not.toMatch(/\r|NaN|NF|undefined/);
    expect(text.split("\n").length).toBeLessThan(60);
    expect(served.text.stdout.trimEnd().split("\n")).toHaveLength(1);
  });

  it("default: report, record and journal hold what the summary counts", () => {
    const record = JSON.parse(readFileSync(join(folderOf(1), "record.json"), "utf8"));
    expect(record.runs.map(({ policy }: RunSummary) => policy)).toEqual(["predictive", "threshold"]);
    const html = readFileSync(join(folderOf(1), "report.html"), "utf8");
    expect(html).toContain(summary.modelId.slice(2, 12));
    for (const of of [summary, summary.threshold]) {
      const entries = entriesOf(1, of.policy);
      const inStage = (stage: string) => entries.filter((entry) => entry.stage === stage).length;
      expect(entries).toHaveLength(of.decisions);
      expect(inStage("executed")).toBe(of.executedAhead + of.executedAfter);
      expect(inStage("signed")).toBe(of.holds);
      expect(inStage("rejected")).toBe(of.rejections);
      for (const entry of entries) {
        expect(entry.offchainAttestation).toBeDefined();
        if (entry.stage === "executed")
          expect([entry.uid, entry.txHash]).toEqual([undefined, entry.execution?.txHash]);
      }
    }
  });

  it("default: each forecast carries costs ahead, bound by its decision, and the bands it was made for", () => {
    for (const { forecast, decision, watch } of entriesOf(1, "predictive")) {
      expect(forecast!.costs!.series.map(({ name }) => name)).toEqual([
        "aave.usdc.utilisation",
        "base_fee_gwei",
      ]);
      expect(decision.forecastHash).toBe(forecastHash(forecast!));
      expect(decision.forecastHash).not.toBe(forecastHash({ ...forecast!, costs: undefined }));
      expect(watch!.holdings.map(({ band }) => band)).toEqual(new Array(watch!.holdings.length).fill(0.02));
    }
  });

  it("behaviour: nothing is left beside the results", () => {
    expect(readdirSync(folderOf(1)).filter((name) => !/^journal\.sqlite/.test(name))).toEqual([
      "record.json",
      "report.html",
      "snapshots",
    ]);
  });
});

/** A decision that was carried out and one that was not, from whichever run has them. */
const sample = () => {
  const entries = ["predictive", "threshold"].flatMap((policy) =>
    entriesOf(1, policy).map((entry) => ({ policy, entry })),
  );
  return {
    executed: entries.find(({ entry, policy }) => entry.stage === "executed" && policy === "predictive")!
      .entry,
    held: entries.find(({ entry }) => entry.stage === "signed")!.entry,
  };
};

describe("verify", () => {
  it("default: an executed decision, by its attestation, passes on and off the chain", async () => {
    const { executed } = sample();
    const rpc = await written("Chain 31337 at ").then((url) => url.replace(/,$/, ""));
    const { status, stdout } = await run(home, ["verify", executed.offchainUid!, "--rpc", rpc]);
    expect(stdout).toMatch(
      /Off-chain attestation\n[\s\S]*The chain\n[\s\S]*From the market to the trades\n[\s\S]*Every check passed/,
    );
    expect(stdout).toContain(`executed by the vault in transaction ${executed.txHash}`);
    expect(status).toBe(0);
  });

  it("default: a hold, by its hash, and both without a node", async () => {
    const { executed, held } = sample();
    const hold = await run(home, ["verify", held.hash, "--json"]);
    expect(lastJson(hold)).toMatchObject({ isValid: true, onchain: [] });
    const { stdout, status } = await run(home, ["verify", executed.offchainUid!]);
    expect(stdout).toContain("only a node can tell; give --rpc to ask one");
    expect([hold.status, status]).toEqual([0, 0]);
  });

  it("error: a tampered file of evidence, with the first check that failed", async () => {
    const journal = openRun(1);
    const evidence = toEvidence(evidenceOf(journal, sample().executed)!);
    journal.close();
    const file = join(home, "evidence.json");
    writeFileSync(file, JSON.stringify(evidence));
    expect((await run(home, ["verify", file])).status).toBe(0);
    writeFileSync(file, JSON.stringify({ ...evidence, decision: { ...evidence.decision, breachPpm: 1 } }));
    const tampered = await run(home, ["verify", file]);
    expect(tampered.status).toBe(1);
    expect(tampered.stdout).toMatch(/\n {2}FAIL {2}decision-hash: [\s\S]*\nNot valid: decision-hash: /);
    const [first, ...rest] = evidence.trades;
    const greedy = [{ ...first!, minAmountOut: "1" }, ...rest];
    writeFileSync(file, JSON.stringify({ ...evidence, trades: greedy }));
    expect((await run(home, ["verify", file])).stdout).toMatch(/Not valid: trades/);
  });

  it("error: a foreign attestation: of another vault, or of a signer that is not allowed", async () => {
    const { held } = sample();
    const other = `0x${"11".repeat(20)}`;
    const vault = await run(home, ["verify", held.hash, "--vault", other]);
    expect(vault.stdout).toMatch(/Not valid: (vault|recipient)/);
    const signer = await run(home, ["verify", held.hash, "--attester", other]);
    expect(signer.stdout).toMatch(/Not valid: attester/);
    expect([vault.status, signer.status]).toEqual([1, 1]);
  });

  it("error: no such evidence, no file, no node, another chain", async () => {
    const { executed } = sample();
    const failures = [
      [["verify", `0x${"ab".repeat(32)}`], /^NO_EVIDENCE: 0xabab/m],
      [["verify", "."], /^NO_EVIDENCE: \. is neither a file/m],
      [["verify", executed.offchainUid!, "--journal", "none.sqlite"], /^JOURNAL_MISSING: .*none\.sqlite/m],
      [
        ["verify", executed.offchainUid!, "--rpc", "http://127.0.0.1:9"],
        /^RPC_UNREACHABLE: 127\.0\.0\.1:9 /m,
      ],
    ] as const;
    await Promise.all(failures.map(async ([args, message]) => expectRefused(await run(home, args), message)));
  });
});

describe("serve", () => {
  it("default: the demo's own API answers, and Ctrl-C ends it, its chains and its port", async () => {
    const url = (await served.until("stderr", /(http:\S+)\/v1\/decisions/))[1]!;
    const { executed } = sample();
    const get = async (path: string) => (await fetch(url + path)).json() as Promise<{ items?: unknown[] }>;
    expect((await get("/v1/decisions?limit=3")).items).toHaveLength(3);
    expect(await get(`/v1/decisions/${executed.hash}`)).toMatchObject({ hash: executed.hash });
    expect(await get(`/v1/attestations/${executed.offchainUid}`)).toBeDefined();
    expect((await fetch(`${url}/v1/attestations/0x${"ab".repeat(32)}`)).status).toBe(404);
    expect(chain.length).toBeGreaterThan(1);
    served.child.kill("SIGINT");
    const { status, stderr } = await served.ended;
    expect([status, await survivorsOf(chain)]).toEqual([0, []]);
    expect(stderr).not.toContain("    at ");
    await expect(fetch(`${url}/health`)).rejects.toThrow();
  });

  it("default: the newest run is served later on, with its model", async () => {
    const api = start(home, ["serve", "--port", "0"]);
    const url = (await api.until("stderr", /(http:\S+)\/health\n/))[1]!;
    expect(JSON.stringify(await (await fetch(`${url}/v1/models`)).json())).toContain(summary.modelId);
    const busy = await run(home, ["serve", "--port", new URL(url).port]);
    expectRefused(busy, /^PORT_BUSY: Port \d+ on 127\.0\.0\.1 is in use\. .*--port/m);
    // The demo finds out before it has trained a model for nothing.
    const demo = await run(home, [...DEMO, "--serve", "--port", new URL(url).port]);
    expect(demo.stderr).toMatch(/^\nPORT_BUSY: /);
    expect(existsSync(folderOf(2))).toBe(false);
    api.child.kill("SIGINT");
    expect(await api.ended).toMatchObject({ status: 0, signal: null });
  });

  it("error: nothing to serve", async () => {
    expectRefused(await run(newFolder(), ["serve"]), /^NOTHING_TO_SERVE: .*npm run demo/m);
  });
});

describe("a demo that was killed", () => {
  let killedAt = 0;
  it("behaviour: leaves no chain behind, and a journal that opens", async () => {
    const demo = start(home, DEMO);
    await demo.until("stderr", /4\. Replaying/);
    const countNow = () =>
      existsSync(join(folderOf(2), "journal.sqlite")) ? entriesOf(2, "predictive").length : 0;
    while (countNow() < 20) await sleep(20);
    const below = descendantsOf(demo.child.pid!);
    demo.child.kill("SIGKILL");
    expect((await demo.ended).signal).toBe("SIGKILL");
    expect(below.length).toBeGreaterThan(0);
    expect(await survivorsOf(below)).toEqual([]);
    const entries = entriesOf(2, "predictive");
    killedAt = entries.length;
    expect(killedAt).toBeLessThan(HOURS);
    expect(existsSync(join(folderOf(2), "record.json"))).toBe(false);
    // Hour after hour, as in the run that was let finish, and not one of them half written.
    const before = entriesOf(1, "predictive").slice(0, killedAt);
    expect(entries.map(({ hash }) => hash)).toEqual(before.map(({ hash }) => hash));
  });

  it("behaviour: started again, it says so, keeps the old journal, and decides as the first run did", async () => {
    const { status, stderr, stdout } = await run(home, DEMO);
    expect(stderr).toMatch(/An earlier run did not finish; what it journalled is kept in \S+run-0002\. .*\n/);
    const again: DemoSummary = lastJson({ stdout });
    const facts = ({ market, modelId, decisionsDigest, threshold, costBps }: DemoSummary) => ({
      market,
      modelId,
      decisionsDigest,
      plain: threshold.decisionsDigest,
      costBps,
    });
    expect(facts(again)).toEqual(facts(summary));
    expect(entriesOf(2, "predictive")).toHaveLength(killedAt);
    expect(status).toBe(0);
  });
});

const recorded = process.env.BALLAST_TEST_DATA;
if (recorded === undefined)
  console.log("BALLAST_TEST_DATA is not set: the demo over 500 recorded hours is left out.");

describe("a recorded market", () => {
  it.skipIf(recorded === undefined)(
    "behaviour: 500 decisions through the crash of May 2022, every executed one attested and verified",
    async () => {
      const cwd = newFolder();
      const bars = join(cwd, "bars");
      const [from, to] = [Date.UTC(2022, 1, 1), Date.UTC(2022, 4, 22)];
      for (const asset of ["BTC", "ETH", "SOL"]) {
        const path = join(recorded!, "binance-spot-1h", `${asset}_USDT-1h.json`);
        const rows: number[][] = JSON.parse(readFileSync(path, "utf8"));
        writeRows(
          bars,
          asset,
          rows.filter(([at]) => at! >= from && at! < to),
        );
      }
      const ended = await run(cwd, ["demo", "--bars", bars, "--hours", "500", "--json"]);
      expect(ended.status).toBe(0);
      const result: DemoSummary = lastJson(ended);
      expectConsistent(result, 500);
      expectConsistent(result.threshold, 500);
      expect(result.executedAhead).toBeGreaterThan(0);
    },
  );
});
