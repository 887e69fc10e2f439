import { appendFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BallastError, DAY_MS, type Hex, HOUR_MS, isoTime, unixMillis } from "@ballast/data";
import { afterAll, describe, expect, it } from "vitest";
import { FolderError } from "./folders.ts";
import {
  openRetrainingLog,
  type RetrainingEvent,
  type RetrainingLog,
  type RetrainingWork,
  realClock,
  runSchedule,
} from "./retraining.ts";

const START = Date.UTC(2024, 0, 1);
class FeedDown extends BallastError {
  readonly code = "FEED_DOWN";
}
class Stopped extends BallastError {
  readonly code = "STOPPED";
}

const memory = (events: RetrainingEvent[] = []): RetrainingLog => ({
  read: () => [...events],
  append: (event) => void events.push(event),
});

/** Runs a schedule on a clock that only sleeping moves, for some hours; returns what it noted. */
async function simulate(
  work: Partial<RetrainingWork> & { readonly hours: number },
  log: RetrainingLog = memory(),
  from = START,
): Promise<string[]> {
  let now = from;
  let trainings = 0;
  const lines: string[] = [];
  const { hours, ...given } = work;
  const run = runSchedule(
    {
      train: async () => ({ modelId: `0x${++trainings}` as Hex, until: isoTime(now) }),
      promote: async () => ({ verdict: "refused", reason: "no better" }),
      ...given,
    },
    {
      everyMs: DAY_MS,
      checkMs: HOUR_MS,
      clock: {
        now: () => unixMillis(now),
        async sleep(ms) {
          now += ms;
          if (now >= from + hours * HOUR_MS) throw new Stopped("over");
        },
      },
      log,
      onEvent: ({ at, event, modelId, reason }) =>
        lines.push(`${(Date.parse(at) - START) / HOUR_MS} h ${event} ${modelId ?? ""} ${reason}`),
    },
  );
  await expect(run).rejects.toThrow("over");
  return lines;
}

describe("runSchedule", () => {
  it("default: trains at once and then each period, and judges each model once", async () => {
    expect(await simulate({ hours: 60 })).toEqual([
      "0 h trained 0x1 scheduled",
      "0 h refused 0x1 no better",
      "24 h trained 0x2 scheduled",
      "24 h refused 0x2 no better",
      "48 h trained 0x3 scheduled",
      "48 h refused 0x3 no better",
    ]);
  });

  it("behaviour: a challenger waits until there are bars to judge it on, the oldest first", async () => {
    const asked: string[] = [];
    const promote: RetrainingWork["promote"] = async (modelId) => {
      asked.push(modelId);
      return { verdict: asked.length < 3 ? "waits" : "promoted", reason: "it won" };
    };
    const lines = await simulate({ hours: 60, promote });
    expect(asked).toEqual(["0x1", "0x1", "0x1", "0x2", "0x3"]);
    expect(lines.slice(2)).toEqual([
      "48 h trained 0x3 scheduled",
      "48 h promoted 0x1 it won",
      "48 h promoted 0x2 it won",
      "48 h promoted 0x3 it won",
    ]);
  });

  it("behaviour: drift brings the next training forward, and the period begins anew", async () => {
    let looks = 0;
    const findDrift = async (modelId: Hex) =>
      ++looks === 5 && modelId === "0x1" ? "prices moved" : undefined;
    const lines = await simulate({ hours: 40, findDrift });
    expect(lines.filter((line) => line.includes("trained"))).toEqual([
      "0 h trained 0x1 scheduled",
      "5 h trained 0x2 prices moved",
      "29 h trained 0x3 scheduled",
    ]);
    expect(looks).toBe(5 + 23 + 10);
  });

  it("behaviour: a failed training is noted and tried again after the check period", async () => {
    let failures = 0;
    const train = async () => {
      if (++failures < 3) throw new FeedDown("the feed is down");
      return { modelId: "0xa" as Hex, until: isoTime(START) };
    };
    expect(await simulate({ hours: 20, train })).toEqual([
      "0 h failed  training: FEED_DOWN: the feed is down",
      "1 h failed  training: FEED_DOWN: the feed is down",
      "2 h trained 0xa scheduled",
      "2 h refused 0xa no better",
    ]);
  });

  it("behaviour: a restart goes on where the log ends, and does not train before it is due", async () => {
    const log = memory();
    await simulate({ hours: 10 }, log);
    expect(await simulate({ hours: 30 }, log, START + 10 * HOUR_MS)).toEqual(["24 h trained 0x1 scheduled"]);
  });

  it("error: what is no explained failure, and Ctrl-C, end the schedule", async () => {
    const broken = simulate({ hours: 5, train: () => Promise.reject(new TypeError("a bug")) });
    await expect(broken).rejects.toThrow("a bug");
    const log = memory();
    await simulate({ hours: 5, train: () => Promise.reject(new Stopped("over")) }, log);
    expect(log.read()).toEqual([]);
  });
});

describe("openRetrainingLog", () => {
  const folder = mkdtempSync(join(tmpdir(), "ballast-retraining-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const event = {
    at: isoTime(START),
    event: "trained",
    modelId: "0x1",
    until: null,
    reason: "scheduled",
  } as const;

  it("default: what was appended is read, and a line cut short by a kill is passed over", () => {
    const path = join(folder, "new/retraining.jsonl");
    const log = openRetrainingLog(path);
    expect(log.read()).toEqual([]);
    log.append(event);
    appendFileSync(path, '{"at":"2024');
    expect(log.read()).toEqual([event]);
    log.append({ ...event, modelId: "0x2" });
    expect(
      openRetrainingLog(path)
        .read()
        .map(({ modelId }) => modelId),
    ).toEqual(["0x1", "0x2"]);
  });

  it("error: a folder that cannot be written", () => {
    expect(() => openRetrainingLog("/dev/null/retraining.jsonl").append(event)).toThrow(FolderError);
  });
});

describe("realClock", () => {
  it("default: sleeps, and wakes with the reason of its signal", async () => {
    const controller = new AbortController();
    const clock = realClock(controller.signal);
    const before = clock.now();
    await clock.sleep(5);
    expect(clock.now()).toBeGreaterThanOrEqual(before + 5);
    const long = clock.sleep(90 * DAY_MS);
    controller.abort(new Error("stopped"));
    await expect(long).rejects.toThrow("stopped");
    await expect(clock.sleep(1000)).rejects.toThrow("stopped");
  });
});
