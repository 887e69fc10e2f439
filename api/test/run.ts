import {
  type Execution,
  features,
  type Journal,
  navOf,
  predictivePolicy,
  runLoop,
  type VaultState,
  type Venue,
} from "@ballast/agent";
import {
  collectSignatures,
  createNotary,
  DATASET_SCHEMA,
  MODEL_SCHEMA,
  OUTCOME_SCHEMA,
  packSignatures,
  signDecision,
  signRecord,
  statementOf,
} from "@ballast/attest";
import { type Hex, HOUR_MS, type Snapshot, syntheticSource, toMarket, unixMillis, wad } from "@ballast/data";
import { type Forecast, HORIZONS_HOURS, LOOKBACK_HOURS, QUANTILE_LEVELS, quantise } from "@ballast/model";
import { Wallet } from "ethers";
import { address, DOMAIN, MODEL_ID, NETWORK, NETWORK_ID, word } from "./fixture.ts";

/** What a run's journal looks like that an agent wrote: its own loop on a synthetic market, a vault in memory. */

const HOURS = 72;
const START = Date.UTC(2024, 0, 1);
const WAD = 10n ** 18n;
const toWad = (value: number) => wad(BigInt(Math.round(value * 1e9)) * 10n ** 9n);
const key = (n: number) => new Wallet(word(n));
const ATTESTER = key(0x1111);
const NOTARY = key(0x2222);

const closes = ({ bars }: Snapshot) => bars.map(({ close }) => close.at(-1)!);

/** A vault of a million in three equal parts, as its balances and the market's prices make it. */
const firstState = (modelUid: Hex): VaultState => ({
  chainId: DOMAIN.chainId,
  vault: address(0xbeef),
  sequence: 4n,
  paused: false,
  isTradingAllowed: true,
  lastRebalanceAt: unixMillis(0),
  cooldownSeconds: 3_600,
  maxTurnover: toWad(0.5),
  maxSlippage: toWad(0.01),
  turnoverLeft: toWad(1),
  lossLeft: toWad(0.02),
  crossTolerance: toWad(0.015),
  minScore: -20_000,
  scoreHorizon: 2,
  notaryThreshold: 1,
  model: { id: NETWORK_ID, attestationUid: modelUid, isActive: true, maxTurnover: toWad(0.5) },
  venue: address(0x7e1),
  holdings: ["USDC", "BTC", "ETH"].map((asset, i) => ({
    token: address(i + 1),
    asset,
    decimals: [6, 8, 18][i]!,
    balance: 0n,
    price: wad(WAD),
    targetWeight: i === 0 ? wad(WAD - 2n * toWad(1 / 3)) : toWad(1 / 3),
    band: toWad(0.02),
    poolFee: i === 0 ? 0 : 500,
  })),
  gasPrice: 20n * 10n ** 9n,
  etherPrice: toWad(2_500),
});

const atPrices = (state: VaultState, snapshot: Snapshot): VaultState => ({
  ...state,
  holdings: state.holdings.map((holding, i) => ({
    ...holding,
    price: i === 0 ? wad(WAD) : toWad(closes(snapshot)[i - 1]!),
  })),
});

/** The variance of the past week, for as long as is asked; and gas that falls. */
function forecastOf(snapshot: Snapshot): Forecast {
  const hourly = snapshot.bars.map(({ close }) => {
    const week = close.slice(-169);
    return week.slice(1).reduce((sum, price, i) => sum + Math.log(price / week[i]!) ** 2, 0) / 168;
  });
  const spread = (mean: number) => ({
    mean,
    quantiles: QUANTILE_LEVELS.map((level) => mean * (0.5 + level)),
  });
  return quantise({
    modelId: MODEL_ID,
    at: snapshot.at,
    horizonsHours: HORIZONS_HOURS,
    assets: snapshot.assets,
    variance: hourly.map((variance) => HORIZONS_HOURS.map((hours) => variance * hours)),
    quantiles: {
      levels: QUANTILE_LEVELS,
      variance: hourly.map((variance) =>
        HORIZONS_HOURS.map((hours) => QUANTILE_LEVELS.map((level) => variance * hours * (0.4 + level))),
      ),
    },
    correlation: snapshot.assets.map((_, i) => snapshot.assets.map((_, j) => (i === j ? 1 : 0.6))),
    breachCalibration: { a: 0, b: 1 },
    costs: {
      levels: QUANTILE_LEVELS,
      series: [
        {
          name: "base_fee_gwei",
          now: 20,
          horizonsHours: [1, 4, 24],
          last: [19, 18, 17].map(spread),
          mean: [19, 18.5, 18].map(spread),
          lowest: [19, 18, 16].map(spread),
        },
      ],
    },
  });
}

/** Trades at the oracle's price, whatever the vault would say. */
function venueInMemory(observe: (at: number) => Snapshot, now: () => number, modelUid: Hex): Venue {
  let state = atPrices(firstState(modelUid), observe(START));
  state = {
    ...state,
    holdings: state.holdings.map((holding) => ({
      ...holding,
      balance: (toWad(1_000_000 / 3) * 10n ** BigInt(holding.decimals)) / holding.price,
    })),
  };
  const executions = new Map<Hex, Execution>();
  return {
    readState: async () => atPrices(state, observe(now())),
    attest: async () => undefined,
    findExecution: async ({ hash }) => executions.get(hash),
    async execute({ decision, hash, trades }, _uid, onSubmitted) {
      const before = atPrices(state, observe(now()));
      const amountsOut = trades.map((trade) => trade.minAmountOut);
      const changed = before.holdings.map((holding) => ({
        ...holding,
        balance: trades.reduce(
          (sum, { tokenIn, tokenOut, amountIn }, i) =>
            sum -
            (tokenIn === holding.token ? amountIn : 0n) +
            (tokenOut === holding.token ? amountsOut[i]! : 0n),
          holding.balance,
        ),
      }));
      state = {
        ...before,
        holdings: changed,
        sequence: decision.sequence,
        lastRebalanceAt: unixMillis(now()),
      };
      onSubmitted(hash);
      const execution: Execution = {
        txHash: hash,
        blockNumber: 7,
        gasUsed: 405_142n,
        gasPrice: 20n * 10n ** 9n,
        amountsOut,
        minedAt: decision.decidedAt + 12n,
        navBefore: navOf(before),
        navAfter: navOf(state),
      };
      executions.set(hash, execution);
      return execution;
    },
  };
}

/** Three days of decisions, each signed; some traded ahead of a breach, with features, proof and a notary. */
export async function recordRun(journal: Journal, run: string): Promise<void> {
  const from = unixMillis(START - LOOKBACK_HOURS * HOUR_MS - 48 * HOUR_MS);
  const source = syntheticSource({
    seed: 3,
    start: from,
    hours: LOOKBACK_HOURS + 48 + HOURS + 1,
    assets: ["BTC", "ETH"],
  });
  const end = unixMillis(START + (HOURS + 1) * HOUR_MS);
  const { market } = toMarket(await source.load({}), { now: end });
  const observe = (at: number) => market.past(unixMillis(at)).snapshot(LOOKBACK_HOURS);
  const domain = { ...DOMAIN, signer: ATTESTER };

  const time = BigInt(START / 1_000);
  const dataset = await signRecord({
    ...domain,
    time,
    schema: DATASET_SCHEMA,
    record: { root: word(8), from: 0n, until: time, source: "synthetic", manifestHash: word(9) },
  });
  const model = await signRecord({
    ...domain,
    time,
    schema: MODEL_SCHEMA,
    refUID: dataset.uid,
    record: {
      modelId: NETWORK_ID,
      forecasterId: MODEL_ID,
      configurationHash: word(10),
      manifestHash: word(9),
      backend: "wasm",
      qlikeRatioPpm: [900_000, 900_000, 900_000, 900_000],
    },
  });
  journal.setMeta(run, "references", [JSON.parse(model.json), JSON.parse(dataset.json)]);

  let now = unixMillis(START);
  const notary = await createNotary({
    signer: NOTARY,
    observe: async ({ at }) => observe(at),
    featuresOf: (snapshot) => features.table(snapshot),
    tolerance: { feature: 0, priceBps: 0 },
    clock: () => now,
  });
  await runLoop({
    run,
    ticks: (async function* () {
      for (let hour = 1; hour <= HOURS; hour++) {
        now = unixMillis(START + hour * HOUR_MS);
        yield now;
      }
    })(),
    now: () => now,
    observe: async (at) => observe(at),
    forecast: forecastOf,
    policy: predictivePolicy(),
    journal,
    witness: {
      scorer: features.scorer(Buffer.from(NETWORK.slice(2), "hex")),
      prove: (snapshot, { holdings }, holding) =>
        features.prove(snapshot, holding === 0 ? undefined : holdings[holding]!.asset),
      async notarise(snapshot, featuresRoot, threshold) {
        const proposal = { inputRoot: snapshot.root, featuresRoot, snapshot };
        const { signatures } = await collectSignatures([notary], proposal, { timeoutMs: 5_000 });
        const statement = statementOf(proposal);
        return { signatures: packSignatures(statement, signatures, [notary.address], threshold) };
      },
    },
    sign: async (decision, modelUid) => {
      const { json, uid } = await signDecision({ ...domain, decision, modelUid });
      return { offchainAttestation: json, offchainUid: uid };
    },
    signOutcome: async (record, refUID) =>
      (await signRecord({ ...domain, time: record.observedAt, schema: OUTCOME_SCHEMA, record, refUID })).json,
    venue: venueInMemory(observe, () => now, model.uid),
    isDryRun: false,
    onStep: () => undefined,
  });
}
