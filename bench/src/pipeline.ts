import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isoTime, type Market, unixMillis } from "@ballast/data";
import { DEFAULT_TRAIN_CONFIG, LEAST_HISTORY_HOURS, train } from "@ballast/training";
import { measureIngestion, readMostTraded, writeSyntheticBars } from "./bars.ts";
import type { BenchmarkOptions } from "./benchmark.ts";
import { measureChain } from "./chain.ts";
import { measureDecisions } from "./decisions.ts";
import { measureForecast, measureSnapshots, toSnapshots } from "./forecasts.ts";
import type { Row } from "./measure.ts";

/** How much of everything: the quick plan shows that it works, its times mean little. */
const PLANS = {
  full: {
    hours: 2 * 365 * 24,
    snapshots: 64,
    compute: { warmUp: 200, samples: 1_000 },
    root: { warmUp: 10, samples: 60 },
    ingest: { warmUp: 1, samples: 7 },
    chain: { warmUp: 2, samples: 15 },
  },
  quick: {
    hours: LEAST_HISTORY_HOURS + 200,
    snapshots: 4,
    compute: { warmUp: 2, samples: 8 },
    root: { warmUp: 1, samples: 3 },
    ingest: { warmUp: 0, samples: 2 },
    chain: { warmUp: 0, samples: 1 },
  },
} as const;
const ASSETS = 4;

/** The way of a decision, each part by itself beside its peer: bars, snapshot, forecast, decision, chain. */
export async function pipeline({ bars, isQuick, log }: BenchmarkOptions): Promise<Row[]> {
  const plan = isQuick ? PLANS.quick : PLANS.full;
  const own = bars === undefined ? mkdtempSync(join(tmpdir(), "ballast-bench-bars-")) : undefined;
  const folder = bars ?? own!;
  try {
    if (own !== undefined) {
      log(`writing a synthetic market of ${plan.hours} hours as freqtrade JSON`);
      await writeSyntheticBars(own, plan.hours);
    }
    log(`ingesting ${bars ?? "it"}, ${plan.ingest.warmUp + plan.ingest.samples} times beside its peer`);
    const ingestion = await measureIngestion(folder, plan.ingest);
    const market = await readMostTraded(folder, ASSETS);
    log(`${market.assets.join(", ")}: ${market.length} bars from ${isoTime(market.start)}`);
    const artefact = await fitSmall(market, log);
    const snapshots = toSnapshots(market, plan.snapshots);
    log("forecasting");
    const forecast = await measureForecast(snapshots, artefact, plan.compute);
    const frozen = await measureSnapshots(market, snapshots, plan.root);
    log("deciding, signing, journalling");
    const decisions = await measureDecisions(snapshots, artefact, plan.compute);
    log(`${(100 * decisions.shareOfRebalances).toFixed(0)} % of these decisions trade, the others hold`);
    const chain = await measureChain(market, artefact, plan.chain, log);
    return [...forecast, ...decisions.rows, ...frozen, ingestion, ...chain];
  } finally {
    if (own !== undefined) rmSync(own, { recursive: true });
  }
}

/** A network of the default shape, trained briefly: its speed hangs on the shape, not on the weights. */
async function fitSmall(market: Market, log: (line: string) => void) {
  const until = unixMillis(market.start + market.length * market.intervalMs);
  const config = { ...DEFAULT_TRAIN_CONFIG, maxRows: 4_000, maxEpochs: 2, folds: 1, calibrationTimes: 100 };
  let told = 0;
  const { artefact } = await train(market, config, {
    until,
    backend: "wasm",
    log,
    onProgress: ({ done, total = 1 }) => {
      const percent = Math.floor((100 * done) / total);
      if (percent >= told + 20) log(`training, ${percent} %`);
      if (percent >= told + 20) told = percent;
    },
  });
  return artefact;
}
