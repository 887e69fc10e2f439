import { writeFileSync } from "node:fs";
import {
  openJournal,
  PREDICTIVE_DEFAULTS,
  predictivePolicy,
  thresholdPolicy,
  vaultVenue,
} from "@ballast/agent";
import { DECISION_SCHEMA, fetchEasDomain, ZERO_BYTES32 } from "@ballast/attest";
import { type Devnet, startDevnet } from "@ballast/contracts";
import {
  BallastError,
  DAY_MS,
  type Hex,
  HOUR_MS,
  isoTime,
  type Market,
  openArtefactStore,
  toWadNearest,
  type UnixMillis,
  unixMillis,
} from "@ballast/data";
import { lookbackBars, type NetworkArtefact, toForecaster } from "@ballast/model";
import { DEFAULT_TRAIN_CONFIG, LEAST_HISTORY_HOURS, storeModel, train } from "@ballast/training";
import { Command } from "commander";
import { Wallet } from "ethers";
import { type Basket, toBasket } from "../basket.ts";
import { createRunFolder, type RunFolder } from "../folders.ts";
import { loadMarket } from "../market.ts";
import { peakMemoryMb } from "../memory.ts";
import { toList, toWhole } from "../options.ts";
import { baseFeeAt, pricesAt, replay } from "../replay.ts";
import { toReportHtml } from "../report.ts";
import type { DemoRecord, RunRecord } from "../runData.ts";
import { serveUntilStopped } from "../serving.ts";
import { toSummary, toTable } from "../summary.ts";
import { openTerminal, type Terminal } from "../terminal.ts";
import { verifyRun } from "../verifyRun.ts";

interface DemoOptions {
  readonly bars?: string;
  readonly exchange?: string;
  readonly assets?: string[];
  readonly hours: number;
  readonly seed: number;
  readonly out: string;
  readonly port: number;
  readonly serve?: boolean;
  readonly json?: boolean;
}

const NAV_USD = 1_000_000;
/** What it takes to move a pool by 2 %. */
const POOL_DEPTH_USD = 10_000_000;
const BAND = 0.02;
/** Where a market brings no base fee of its own: 20 gwei, stated in the output. */
const DEFAULT_BASE_FEE = 20_000_000_000n;
const DEFAULT_ETHER_PRICE = 2_000;

export class ShortMarketError extends BallastError {
  readonly code = "SHORT_MARKET";
  readonly hours: number;
  readonly needed: number;
  constructor(hours: number, replayHours: number, needed: number) {
    super(
      `The market has ${hours} hours, and a replay of ${replayHours} hours needs ${needed}: what comes before it trains the model. ` +
        "Give a longer history, or fewer --hours.",
    );
    this.hours = hours;
    this.needed = needed;
  }
}

export const demoCommand = (): Command =>
  new Command("demo")
    .description(
      "The whole way of a decision on a local chain: train, replay, decide, attest, rebalance, compare, report.",
    )
    .option(
      "--bars <folder>",
      "recorded bars, one file an asset (freqtrade, Binance CSV, CSV, Parquet, Feather)",
    )
    .option("--exchange <id>", "live public data of any exchange ccxt knows")
    .option("--assets <list>", "what the vault holds beside USDC; default: the three most traded", toList)
    .option("--hours <n>", "hours to replay", toWhole(24, 20_000), 720)
    .option("--seed <n>", "seed of the synthetic market and of the training", toWhole(1, 2 ** 31 - 1), 1)
    .option("--out <folder>", "where runs and their reports go", ".ballast/demo")
    .option("--serve", "stay up afterwards with the API over this run")
    .option("--port <n>", "port of the API with --serve", toWhole(0, 65_535), 8787)
    .option("--json", "end with one line of JSON on stdout")
    .addHelpText(
      "after",
      "\nExamples:\n  npm run demo\n  npm run demo -- --bars ./bars --assets BTC,ETH --hours 1000\n  npm run demo -- --exchange kraken --serve",
    )
    .action((options: DemoOptions) => runDemo(options, openTerminal()));

async function runDemo(options: DemoOptions, terminal: Terminal): Promise<void> {
  const started = performance.now();
  const folder = createRunFolder(options.out);
  if (folder.previous?.isFinished === false) {
    terminal.say(
      `An earlier run did not finish; what it journalled is kept in ${folder.previous.path}. This one starts afresh.`,
    );
  }
  const { market, notes } = await loadMarket(
    {
      ...options,
      now: unixMillis(Date.now()),
    },
    terminal,
  );
  const from = toReplayStart(market, options.hours);
  const basket = toBasket(market, from, options.assets, toWadNearest(BAND));
  const names = basket.others.map(({ asset }) => asset).join(", ");
  terminal.say(
    `${market.assets.length} assets, ${market.length} bars from ${isoTime(market.start)}; the vault holds USDC, ${names}.`,
  );
  if (baseFeeAt(market, from) === undefined)
    terminal.say("This market brings no base fee; gas is priced at 20 gwei throughout.");

  terminal.step(`Training the forecast on what was known before ${isoTime(from)}.`);
  const trained = await terminal.track("training", (onProgress) =>
    train(
      market,
      { ...DEFAULT_TRAIN_CONFIG, seed: options.seed },
      { until: from, log: (line) => terminal.say(line), onProgress },
    ),
  );
  const { modelId, artefact, manifest } = trained;
  const artefacts = await openArtefactStore(folder.artefacts);
  await storeModel(artefacts, trained);
  artefacts.close();
  const qlikeVsLogHar = Object.fromEntries(
    manifest.metrics.map((score) => [String(score.horizonHours), score.ratioToLogHar.network]),
  );
  terminal.say(
    `Model ${modelId.slice(0, 18)}…: out-of-sample loss as a ratio to log-HAR, ${describeRatios(qlikeVsLogHar)}.`,
  );

  terminal.step("Starting a local chain with the real EAS and Uniswap v3 contracts and the vault.");
  const devnet = await terminal.track("deploying", (onProgress) =>
    startDevnet(toDevnetConfig(market, basket, from, modelId), onProgress),
  );
  const stop = () => void devnet.stop();
  process.once("exit", stop);
  try {
    terminal.say(`Chain ${devnet.chainId} at ${devnet.rpcUrl}, vault ${devnet.addresses.vault}.`);
    const runs = await replayBoth({
      options,
      market,
      basket,
      devnet,
      folder,
      from,
      modelId,
      artefact,
      backend: manifest.backend.name,
      terminal,
    });

    const record: DemoRecord = {
      market: {
        name: market.name,
        hash: market.hash,
        assets: market.assets,
        from: market.start,
        to: market.start + market.length * market.intervalMs,
        notes,
      },
      model: {
        modelId,
        backend: manifest.backend.name,
        qlikeVsLogHar,
        brierSkill: manifest.calibration.brierSkillCalibrated,
        trainedFrom: market.start,
        trainedUntil: from,
      },
      holdings: [basket.base, ...basket.others].map(({ asset, targetWeight, band }) => ({
        asset,
        target: Number(targetWeight) / 1e18,
        band: Number(band) / 1e18,
      })),
      vault: {
        chainId: devnet.chainId,
        address: devnet.addresses.vault,
        eas: devnet.addresses.eas,
        navStart: NAV_USD,
      },
      seed: options.seed,
      hours: options.hours,
      runs,
      seconds: (performance.now() - started) / 1000,
    };
    writeFileSync(folder.report, toReportHtml(record));
    writeFileSync(folder.record, JSON.stringify(record));
    terminal.step("The same market under both policies, side by side:");
    terminal.result(toTable(record));
    terminal.say(`Report: ${folder.report}`);
    terminal.say(`Journal: ${folder.journal}`);
    if (options.serve)
      await serveUntilStopped({
        journal: folder.journal,
        artefacts: folder.artefacts,
        port: options.port,
        terminal,
      });
    if (options.json) terminal.result(JSON.stringify(toSummary(record, started)));
  } finally {
    process.off("exit", stop);
    await devnet.stop();
  }
}

/** The last bar close at a full hour is the last decision; everything before the first one trains the model. */
function toReplayStart(market: Market, hours: number): UnixMillis {
  const end = market.start + market.length * market.intervalMs;
  const available = Math.floor((market.length * market.intervalMs) / HOUR_MS);
  const needed = hours + LEAST_HISTORY_HOURS;
  if (available < needed) throw new ShortMarketError(available, hours, needed);
  return unixMillis(Math.floor(end / HOUR_MS) * HOUR_MS - (hours - 1) * HOUR_MS);
}

const toDevnetConfig = (market: Market, basket: Basket, from: UnixMillis, modelId: Hex) => {
  const prices = pricesAt(market, basket, from);
  return {
    base: { symbol: basket.base.asset, decimals: basket.base.decimals },
    assets: basket.others.map(({ asset, decimals, poolFee, targetWeight, band }, index) => ({
      symbol: asset,
      decimals,
      price: prices[index]!,
      poolFee,
      targetWeight,
      band,
    })),
    baseTargetWeight: basket.base.targetWeight,
    baseBand: basket.base.band,
    navUsd: NAV_USD,
    poolDepthUsd: POOL_DEPTH_USD,
    startTime: from / 1000,
    decisionSchema: DECISION_SCHEMA,
    vault: {
      cooldownSeconds: 3_000,
      maxTurnover: toWadNearest(0.5),
      maxSlippage: toWadNearest(0.01),
      maxOracleAgeSeconds: 4_000,
    },
    allowedModels: [ZERO_BYTES32, modelId],
  };
};

async function replayBoth(ports: {
  readonly options: DemoOptions;
  readonly market: Market;
  readonly basket: Basket;
  readonly devnet: Devnet;
  readonly folder: RunFolder;
  readonly from: UnixMillis;
  readonly modelId: Hex;
  readonly artefact: NetworkArtefact;
  readonly backend: string;
  readonly terminal: Terminal;
}): Promise<RunRecord[]> {
  const { options, market, basket, devnet, folder, from, terminal } = ports;
  const { vault, eas } = devnet.addresses;
  const journal = openJournal(folder.journal);
  try {
    const attester = new Wallet(devnet.keys.attester, devnet.provider);
    const domain = await fetchEasDomain(devnet.provider, eas, devnet.schemaUid);
    const start = await devnet.checkpoint();
    const runs: RunRecord[] = [];
    for (const policy of [predictivePolicy(), thresholdPolicy()]) {
      if (runs.length > 0) await devnet.restore(start);
      terminal.step(
        policy.name === "predictive"
          ? `Replaying ${options.hours} hours: each hour the agent forecasts, decides, signs, and trades where it must.`
          : "Replaying the same hours on the same chain with the plain threshold rule.",
      );
      const run = policy.name;
      journal.setMeta(run, "market", market.name);
      journal.setMeta(run, "marketHash", market.hash);
      journal.setMeta(run, "modelId", ports.modelId);
      journal.setMeta(run, "backend", ports.backend);
      journal.setMeta(run, "seed", options.seed);
      const venue = await vaultVenue({
        provider: devnet.provider,
        vault,
        expectedChainId: BigInt(devnet.chainId),
        attester,
        keeper: new Wallet(devnet.keys.keeper, devnet.provider),
        domain,
        assets: [basket.base.asset, ...basket.others.map(({ asset }) => asset)],
        ...(basket.others.some(({ asset }) => asset === "ETH")
          ? {}
          : { fetchEtherPrice: async () => toWadNearest(DEFAULT_ETHER_PRICE) }),
      });
      const replayed = await terminal.track("replaying", (report) =>
        replay({
          run,
          market,
          basket,
          devnet,
          venue,
          domain,
          attester,
          journal,
          policy,
          forecaster: policy.name === "predictive" ? toForecaster(ports.artefact) : undefined,
          lookback: lookbackBars(market.intervalMs),
          from,
          hours: options.hours,
          defaultBaseFee: DEFAULT_BASE_FEE,
          onHour: (hour) => report({ done: hour, total: options.hours, label: `replaying, ${policy.name}` }),
        }),
      );
      for (const line of new Set(replayed.missed)) terminal.say(`Missed: ${line}`);
      const verified = await terminal.track("verifying", (report) =>
        verifyRun({
          run,
          journal,
          provider: devnet.provider,
          vault,
          domain,
          attester: attester.address as Hex,
          onProgress: report,
        }),
      );
      for (const failure of verified.failures.slice(0, 5)) terminal.say(`Not verified: ${failure}`);
      const { outcome } = replayed;
      terminal.say(
        `${outcome.decisions} decisions signed, ${outcome.executed} executed (${outcome.executedAhead} ahead of a breach), ` +
          `${outcome.rejections} refused; ${verified.verified} of ${verified.attestations} attestations verified.`,
      );
      journal.setMeta(run, "outcome", JSON.parse(JSON.stringify(outcome)));
      const { hours, trades, decisionsDigest } = replayed;
      const { attestations, verified: passed } = verified;
      runs.push({
        policy: run,
        outcome,
        hours,
        trades,
        attestations,
        verified: passed,
        decisionsDigest,
        ...(policy.name === "predictive" && {
          trigger: { probability: PREDICTIVE_DEFAULTS.actAt, horizonHours: policy.horizonHours },
        }),
      });
    }
    return runs;
  } finally {
    journal.close();
  }
}

const describeRatios = (ratios: Readonly<Record<string, number>>): string =>
  Object.entries(ratios)
    .map(([horizon, ratio]) => `${ratio.toFixed(3)} at ${horizon} h`)
    .join(", ");
