import { checkFit, type Feed, type Outcome, openJournal, type Policy, thresholdPolicy } from "@ballast/agent";
import type { Devnet } from "@ballast/contracts";
import {
  BallastError,
  HOUR_MS,
  isoTime,
  type Market,
  openArtefactStore,
  toWadNearest,
  type UnixMillis,
  unixMillis,
} from "@ballast/data";
import { toForecaster } from "@ballast/model";
import { DEFAULT_TRAIN_CONFIG, freeze, LEAST_HISTORY_HOURS, storeModel, train } from "@ballast/training";
import { toBasket } from "./basket.ts";
import { breachNetworkOf } from "./breachNetwork.ts";
import { DEFAULT_BASE_FEE, DEFAULT_ETHER_PRICE, NAV_USD, runPolicy, startChain } from "./demoVault.ts";
import { createRunFolder, discardIfEmpty, type RunFolder, writeWhole } from "./folders.ts";
import { loadMarket } from "./market.ts";
import { peakMemoryMb } from "./memory.ts";
import { type PolicyOptions, toPolicy } from "./policyOptions.ts";
import { openSharedFeed } from "./publisher.ts";
import { baseFeeAt } from "./replay.ts";
import { toReportHtml } from "./report.ts";
import type { DemoRecord } from "./runData.ts";
import { checkPort, serveUntilStopped } from "./serving.ts";
import { toSummary, toTable } from "./summary.ts";
import type { Terminal } from "./terminal.ts";

export interface DemoOptions extends PolicyOptions {
  readonly bars?: string;
  readonly exchange?: string;
  readonly exchangeUrl?: string;
  readonly assets?: string[];
  readonly hours: number;
  readonly seed: number;
  readonly out: string;
  readonly port: number;
  readonly serve?: boolean;
  readonly redis?: string;
  readonly json?: boolean;
}

/** Half-width of every band: ±2 points of the vault's value. */
const BAND = 0.02;

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

/** The story of the demo, one plain line a step. */
export async function runDemo(options: DemoOptions, terminal: Terminal): Promise<void> {
  // Found out now rather than when all the work is done.
  const policy = toPolicy(options, "predictive");
  if (options.serve) await checkPort(options.port);
  const feed = options.redis === undefined ? undefined : await openSharedFeed(options.redis, terminal);
  const folder = createRunFolder(options.out);
  if (folder.unfinished !== undefined) {
    terminal.say(
      `An earlier run did not finish; what it journalled is kept in ${folder.unfinished}. This one starts afresh.`,
    );
  }
  try {
    await runInFolder(options, policy, folder, feed, terminal);
  } catch (error) {
    discardIfEmpty(folder);
    throw error;
  } finally {
    await feed?.close();
  }
}

async function runInFolder(
  options: DemoOptions,
  policy: Policy,
  folder: RunFolder,
  feed: Feed | undefined,
  terminal: Terminal,
): Promise<void> {
  const started = performance.now();
  const {
    market,
    raw,
    options: made,
    notes,
  } = await loadMarket(
    {
      ...options,
      now: unixMillis(Date.now()),
    },
    terminal,
  );
  const from = toReplayStart(market, options.hours);
  const basket = toBasket(market, from, options.assets, toWadNearest(BAND));
  checkFit(policy, [basket.base, ...basket.others]);
  const names = basket.others.map(({ asset }) => asset).join(", ");
  terminal.say(
    `${market.assets.length} assets, ${market.length} bars from ${isoTime(market.start)}; the vault holds USDC, ${names}.`,
  );
  if (baseFeeAt(market, from) === undefined)
    terminal.say(
      `This market brings no base fee: gas is taken at ${DEFAULT_BASE_FEE / 1_000_000_000n} gwei throughout.`,
    );
  if (!basket.others.some(({ asset }) => asset === "ETH"))
    terminal.say(`The vault holds no ether: for gas it is taken at ${DEFAULT_ETHER_PRICE} USDC.`);

  terminal.step(`Training the forecast on what was known before ${isoTime(from)}.`);
  const trained = await terminal.track("training", (onProgress) =>
    train(
      // Its root must name what the training can have seen, and not the hours that are replayed.
      freeze(raw, { ...made, until: from }).market,
      { ...DEFAULT_TRAIN_CONFIG, seed: options.seed },
      { until: from, log: (line) => terminal.say(line), onProgress },
    ),
  );
  const { modelId, artefact, manifest } = trained;
  const breachNetwork = breachNetworkOf(artefact);
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
  const chains: Devnet[] = [];
  const addChain = async (): Promise<Devnet> => {
    const chain = await startChain(market, basket, from, terminal);
    chains.push(chain);
    return chain;
  };
  const journal = openJournal(folder.journal);
  try {
    const devnet = await addChain();
    terminal.say(`Chain ${devnet.chainId} at ${devnet.rpcUrl}, vault ${devnet.addresses.vault}.`);
    const turn = {
      market,
      basket,
      from,
      hours: options.hours,
      snapshots: folder.snapshots,
      journal,
      feed,
      terminal,
    };
    const note = (run: string, outcome?: Outcome) => {
      const facts = {
        market: market.name,
        marketHash: market.hash,
        modelId,
        backend: manifest.backend.name,
        seed: options.seed,
      };
      for (const [key, value] of Object.entries(facts)) journal.setMeta(run, key, value);
      if (outcome) journal.setMeta(run, "outcome", { ...outcome, costBps: { ...outcome.costBps } });
    };
    terminal.step(
      `Replaying ${options.hours} hours: each hour the agent forecasts, decides, signs, and trades where it must.`,
    );
    const plainRule = thresholdPolicy();
    // Two runs of one journal are told apart by their names.
    const run = policy.name === plainRule.name ? `${policy.name}-as-set` : policy.name;
    note(run);
    const own = await runPolicy({
      ...turn,
      devnet,
      run,
      policy,
      forecaster: toForecaster(artefact),
      network: breachNetwork && { bytes: breachNetwork, manifest },
    });
    note(run, own.outcome);
    terminal.step(
      "Replaying the same hours with the plain threshold rule, on a second chain that starts the same.",
    );
    note(plainRule.name);
    const plain = await runPolicy({
      ...turn,
      devnet: await addChain(),
      run: plainRule.name,
      policy: plainRule,
      forecaster: undefined,
      network: undefined,
    });
    note(plainRule.name, plain.outcome);
    const runs = [own, plain];

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
    writeWhole(folder.report, toReportHtml(record));
    writeWhole(folder.record, JSON.stringify(record));
    terminal.step("The same market under both policies, side by side:");
    if (options.json) for (const line of toTable(record).split("\n")) terminal.say(line);
    else terminal.result(toTable(record));
    terminal.say(`Report: ${folder.report}`);
    terminal.say(`Journal: ${folder.journal}`);
    if (options.json) {
      terminal.result(JSON.stringify(toSummary(record, peakMemoryMb(chains.map(({ pid }) => pid)))));
    }
    if (options.serve) {
      terminal.say(`Verify a decision: npm run ballast -- verify <uid> --rpc ${devnet.rpcUrl}`);
      await serveUntilStopped({
        journal: folder.journal,
        artefacts: folder.artefacts,
        settings: { port: options.port, ...(options.redis !== undefined && { redis: options.redis }) },
        terminal,
      });
    }
  } finally {
    journal.close();
    await Promise.all(chains.map((chain) => chain.stop()));
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

const describeRatios = (ratios: Readonly<Record<string, number>>): string =>
  Object.entries(ratios)
    .map(([horizon, ratio]) => `${ratio.toFixed(3)} at ${horizon} h`)
    .join(", ");
