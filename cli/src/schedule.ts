import { join } from "node:path";
import { HOUR_MS, openArtefactStore, unixMillis } from "@ballast/data";
import { readModel } from "@ballast/model";
import { BadConfigError, findDrift, WindowTooShortError } from "@ballast/training";
import { interruptible } from "./interrupt.ts";
import { NotPromotedError, promoteModel } from "./models.ts";
import {
  openRetrainingLog,
  type RetrainingEvent,
  type RetrainingWork,
  realClock,
  runSchedule,
} from "./retraining.ts";
import type { Terminal } from "./terminal.ts";
import { type TrainOptions, toPlan, trainPlan } from "./train.ts";
import { fetchPlanned, readDataset, toMillis } from "./trainingData.ts";

export interface ScheduleOptions extends TrainOptions {
  /** ms */
  readonly every: number;
  readonly drift?: boolean;
}

/** Between two looks for drift, and before a failed attempt is made again. */
const CHECK_MS = HOUR_MS;
/** As for `ballast models promote`. */
const EXPIRES_DAYS = 60;

/** `ballast train --every`: the one-off training, again and again, one line an event. */
export async function runScheduledTraining(options: ScheduleOptions, terminal: Terminal): Promise<void> {
  const plan = toPlan(options);
  if (plan.until !== undefined)
    throw new BadConfigError(
      "--every",
      "until",
      "is a time in the past for each later training; leave it out.",
    );
  const quiet: Terminal = { ...terminal, say() {}, step() {}, result() {} };
  const { artefacts, assets, data } = plan;
  const events = join(artefacts, "retraining.jsonl");
  await interruptible(`the champion serves on, and the same command goes on from ${events}`, (signal) => {
    const work: RetrainingWork = {
      async train() {
        const { modelId, manifest } = await trainPlan(plan, quiet);
        return { modelId, until: manifest.dataset.until };
      },
      async promote(modelId) {
        const judged = { artefacts, expiresDays: EXPIRES_DAYS, ...data, ...(assets && { assets }) };
        try {
          await promoteModel(modelId, judged, quiet);
          return { verdict: "promoted", reason: "it is the champion now" };
        } catch (error) {
          if (error instanceof WindowTooShortError) return { verdict: "waits", reason: error.message };
          if (error instanceof NotPromotedError) return { verdict: "refused", reason: error.message };
          throw error;
        }
      },
      async findDrift(modelId, until) {
        await fetchPlanned(plan, quiet);
        const market = await readDataset(plan, unixMillis(Date.now()), quiet, false);
        const store = await openArtefactStore(artefacts);
        try {
          const model = readModel(await store.get(modelId));
          return (await findDrift(market, { model, trainedUntil: toMillis(until), signal }))?.reason;
        } finally {
          store.close();
        }
      },
    };
    return runSchedule(options.drift ? work : { ...work, findDrift: undefined }, {
      everyMs: options.every,
      checkMs: CHECK_MS,
      clock: realClock(signal),
      log: openRetrainingLog(events),
      onEvent(event) {
        terminal.say(describeEvent(event));
        if (options.json) terminal.result(JSON.stringify(event));
      },
    });
  });
}

export function describeEvent({ at, event, modelId, until, reason }: RetrainingEvent): string {
  if (event === "failed") return `${at}  failed, the champion serves on: ${reason}`;
  if (event === "trained") return `${at}  trained ${modelId} on bars until ${until}: ${reason}`;
  return `${at}  ${event} ${modelId}: ${reason}`;
}
