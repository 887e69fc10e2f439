import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { syntheticSource, unixMillis } from "@ballast/data";
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { expectRefused, lastJson, newFolder, type Running, run, start, writeBars } from "./child.ts";
import { hasRedis, startRedis } from "./redis.ts";

const HOURS = 4800;
const TRAINING = [
  "training:",
  "  maxRows: 3000",
  "  hidden: [6]",
  "  members: 1",
  "  batchRows: 256",
  "  maxEpochs: 3",
].join("\n");
const SPACE = "learningRate: { log: [0.0001, 0.03] }\nridge: { log: [0.001, 1] }\n";
const ARGS = [
  "sweep",
  "--config",
  "train.yaml",
  "--bars",
  "bars",
  "--space",
  "space.yaml",
  "--trials",
  "5",
  "--json",
];

let bars: Awaited<ReturnType<ReturnType<typeof syntheticSource>["load"]>>["series"];
beforeAll(async () => {
  const start = unixMillis(Date.UTC(2021, 0, 1));
  bars = (await syntheticSource({ seed: 5, hours: HOURS, start, assets: ["BTC", "ETH"] }).load({})).series;
});

function workspace(): string {
  const folder = newFolder();
  writeBars(join(folder, "bars"), bars);
  writeFileSync(join(folder, "train.yaml"), TRAINING);
  writeFileSync(join(folder, "space.yaml"), SPACE);
  return folder;
}

if (!hasRedis) console.log("redis-server is not installed: sweeps over a queue are left out");

const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0).reverse()) close();
});

describe("ballast sweep", () => {
  let outcome: Record<string, unknown> & { ranking: { index: number }[]; best: Record<string, unknown> };
  beforeAll(async () => {
    const folder = workspace();
    const ended = await run(folder, ARGS);
    expect(ended.stderr).toMatch(/Validation loss as a ratio to log-HAR/);
    expect(ended.stderr).toMatch(/0 \(start\)/);
    expect(ended.status).toBe(0);
    outcome = lastJson(ended);
    const kept = join(folder, ".ballast/sweep");
    expect(JSON.parse(readFileSync(join(kept, "sweep.json"), "utf8"))).toEqual(outcome);
    expect(readFileSync(join(kept, "best.yaml"), "utf8")).toMatch(
      `learningRate: ${outcome.best.learningRate}`,
    );
  });

  it("behaviour: a sweep that is killed goes on where it was, and Ctrl-C ends one with a word on that", async () => {
    const folder = workspace();
    const killed = start(folder, [...ARGS, "--threads", "1"]);
    await killed.until("stderr", /Sweeping 5/);
    await journalled(folder);
    killed.child.kill("SIGKILL");
    await killed.ended;
    const stopped = start(folder, [...ARGS, "--threads", "1"]);
    await stopped.until("stderr", /in the journal already/);
    stopped.child.kill("SIGINT");
    expectRefused(await stopped.ended, /STOPPED: .*finished trials are kept/, 130);
    const ended = await run(folder, ARGS);
    expect(ended.stderr).toMatch(/in the journal already/);
    expect(lastJson(ended)).toEqual(outcome);
  });

  it.skipIf(!hasRedis)(
    "behaviour: workers of a queue, one of them killed in a trial and one stopped, come to the same outcome",
    async () => {
      const folder = workspace();
      const { url: redis, stop } = await startRedis();
      closing.push(stop);
      const args = ["worker", "--threads", "1", "--retry-after", "2"];
      const worker = (): Running => start(folder, args, { BALLAST_REDIS: redis });
      const sweep = start(folder, [...ARGS, "--redis", redis]);
      const first = worker();
      await first.until("stderr", /trial 0x\w+: at most/);
      first.child.kill("SIGKILL");
      const second = worker();
      await second.until("stderr", /trial 0x\w+: at most/);
      second.child.kill("SIGTERM");
      const { status, stderr } = await second.ended;
      expect(stderr).toMatch(/the trials at hand go back to the queue/);
      expect(status).toBe(0);
      const third = worker();
      const ended = await sweep.ended;
      third.child.kill("SIGTERM");
      expect(ended.status).toBe(0);
      expect(lastJson(ended)).toEqual(outcome);
      expect((await third.ended).status).toBe(0);
    },
  );

  it("error: what cannot be read, searched or reached is named", async () => {
    const folder = workspace();
    writeFileSync(join(folder, "bad.yaml"), "maxEpochs: { whole: [1, 2] }");
    const bad = await run(folder, [...ARGS, "--space", "bad.yaml"]);
    expectRefused(bad, /BAD_CONFIG: bad.yaml: maxEpochs cannot be searched/);
    const missing = await run(folder, [...ARGS, "--space", "none.yaml"]);
    expectRefused(missing, /UNREADABLE_OPTION_FILE: --space none.yaml cannot be read \(ENOENT\)/);
    const unreachable = await run(folder, ["worker", "--redis", "redis://:secret@127.0.0.1:9"]);
    expectRefused(unreachable, /REDIS_UNREACHABLE: Redis at 127.0.0.1:9 cannot be used/);
    expect(unreachable.stderr).not.toMatch(/secret/);
  });
});

/** Waits until the journal holds a trial, which its file grows by. */
async function journalled(folder: string): Promise<void> {
  const { DatabaseSync } = await import("node:sqlite");
  const path = join(folder, ".ballast/sweep/sweep.sqlite");
  for (let waited = 0; waited < 30_000; waited += 50) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    try {
      const db = new DatabaseSync(path, { readOnly: true });
      const { n } = db.prepare("SELECT count(*) AS n FROM trial").get() as { n: number };
      db.close();
      if (n > 0) return;
    } catch {
      // Not there yet.
    }
  }
  throw new Error("no trial was journalled");
}
