import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Decided, type Journal, openJournal } from "@ballast/agent";
import {
  ACTION,
  DECISION_SCHEMA_UID,
  decisionHash,
  signDecision,
  type Trade,
  tradesHash,
  ZERO_BYTES32,
} from "@ballast/attest";
import { type Hex, keccak, unixMillis, wad } from "@ballast/data";
import {
  BREACH_INPUTS,
  BREACH_OUTPUTS,
  FEATURE_NAMES,
  type Forecast,
  forecastHash,
  HORIZONS_HOURS,
  type Layer,
  modelBytes,
  modelId,
  networkBytes,
  networkId,
  quantise,
} from "@ballast/model";
import { Wallet } from "ethers";
import { type Artefacts, createApi } from "../src/index.ts";
import { BARS, SNAPSHOTS } from "./market-fixture.ts";

const START_SECONDS = 1_660_003_200;
export const atOf = (n: number) => unixMillis((START_SECONDS + n * 3_600) * 1_000);
export const address = (n: number): Hex => `0x${n.toString(16).padStart(40, "0")}`;
export const word = (n: number): Hex => `0x${n.toString(16).padStart(64, "0")}`;

const filled = (length: number, value: number) => new Float64Array(length).fill(value);
const layer = (inputs: number, outputs: number): Layer => ({
  inputs,
  outputs,
  weights: filled(inputs * outputs, 0.01),
  bias: filled(outputs, 0),
});
const inputs = FEATURE_NAMES.length;
const outputs = HORIZONS_HOURS.length;
/** What a vault runs: made up, of the right shape, and different for each input. */
const NETWORK_BYTES = networkBytes({
  inputFractionBits: 10,
  outputFractionBits: 10,
  layers: [
    {
      inputs: BREACH_INPUTS,
      outputs: BREACH_OUTPUTS,
      weights: Int16Array.from({ length: BREACH_INPUTS * BREACH_OUTPUTS }, (_, i) => ((i * 37) % 101) - 50),
      bias: Int32Array.of(-9_000_000, -9_000_000, -9_000_000, -9_000_000),
      shift: 10,
    },
  ],
});
export const NETWORK: Hex = `0x${Buffer.from(NETWORK_BYTES).toString("hex")}`;
export const NETWORK_ID = networkId(NETWORK_BYTES);
export const MODEL = modelBytes({
  features: FEATURE_NAMES,
  horizonsHours: HORIZONS_HOURS,
  lower: filled(inputs, -10),
  upper: filled(inputs, 10),
  mean: filled(inputs, 0),
  scale: filled(inputs, 1),
  linear: layer(inputs, outputs),
  members: [[layer(inputs, 8), layer(8, outputs)]],
  outputLower: filled(outputs, -20),
  outputUpper: filled(outputs, 0),
  logBias: filled(outputs, 0),
  correlationHalfLifeHours: 168,
  assets: [],
  breachCalibration: { a: 0, b: 1 },
  breachNetwork: NETWORK,
});
export const MODEL_ID = modelId(MODEL);
export const MANIFEST = {
  modelId: MODEL_ID,
  dataset: { root: word(8), assets: ["BTC", "ETH"] },
  configuration: { seed: 1 },
  backend: "wasm",
  metrics: { qlikeVsLogHar: { "1": 0.9 } },
  breachNetwork: { id: NETWORK_ID },
};

export const forecastOf = (n: number): Forecast =>
  quantise({
    modelId: MODEL_ID,
    at: atOf(n),
    horizonsHours: [1, 24],
    assets: ["BTC", "ETH"],
    variance: [
      [1e-5 * (n + 1), 2.4e-4],
      [2e-5, 4.8e-4],
    ],
    quantiles: {
      levels: [0.25, 0.75],
      variance: [
        [
          [8e-6 * (n + 1), 1.2e-5 * (n + 1)],
          [2e-4, 3e-4],
        ],
        [
          [1.5e-5, 2.5e-5],
          [4e-4, 6e-4],
        ],
      ],
    },
    correlation: [
      [1, 0.8],
      [0.8, 1],
    ],
    breachCalibration: { a: -0.1, b: 0.9 },
    costs: { levels: [0.05, 0.95], series: [BASE_FEE] },
  });
const spread = (mean: number) => ({ mean, quantiles: [mean / 2, 2 * mean] });
const BASE_FEE = {
  name: "base_fee_gwei",
  now: 24,
  horizonsHours: [1, 4],
  last: [spread(22), spread(20)],
  mean: [spread(22), spread(21)],
  lowest: [spread(22), spread(18)],
};

export function decidedOf(n: number, isRebalance: boolean): Decided {
  const trades: Trade[] = isRebalance
    ? [
        {
          venue: address(3),
          tokenIn: address(1),
          tokenOut: address(2),
          amountIn: 2n ** 70n,
          minAmountOut: 1n,
          route: "0x0001f4" as const,
        },
      ]
    : [];
  const decision = {
    chainId: 31_337n,
    vault: address(9),
    sequence: BigInt(n + 1),
    action: isRebalance ? ACTION.rebalance : ACTION.hold,
    reason: isRebalance ? 2 : 0,
    decidedAt: BigInt(START_SECONDS + n * 3_600),
    expiresAt: BigInt(START_SECONDS + n * 3_600 + 900),
    inputRoot: word(2),
    stateHash: word(3),
    modelId: MODEL_ID,
    forecastHash: forecastHash(forecastOf(n)),
    policyId: word(5),
    breachPpm: 12_345,
    holding: 0,
    tradesHash: tradesHash(trades),
  };
  return {
    decision,
    trades,
    hash: decisionHash(decision),
    reason: isRebalance ? "breach-forecast" : "inside-band",
    numbers: { hoursToBreach: Number.POSITIVE_INFINITY, costBps: 1.5 },
    breachProbability: 0.012345,
    weights: [0.3, 0.7],
    isBreached: false,
    watch: {
      monitorHours: 1,
      holdings: [
        { asset: "USDC", target: 0.32, band: 0.05 },
        { asset: "BTC", target: 0.68, band: 1 },
      ],
    },
  };
}

/** What a store of artefacts holds, without its folder. */
export const artefactsOf = (...contents: Uint8Array[]): Artefacts => {
  const byHash = new Map(contents.map((bytes) => [keccak(bytes), bytes]));
  return { list: async () => [...byHash.keys()], get: async (hash) => byHash.get(hash)! };
};
export const ARTEFACTS = artefactsOf(MODEL, Buffer.from(JSON.stringify(MANIFEST)), Buffer.from([0, 255, 1]));

export const EXECUTION = {
  txHash: word(77),
  blockNumber: 3,
  minedAt: 1_620_000_012n,
  navBefore: wad(10n ** 24n),
  navAfter: wad(10n ** 24n - 10n ** 20n),
  gasUsed: 210_000n,
  gasPrice: 10n ** 18n,
  amountsOut: [2n ** 64n],
};
export const UID = word(55);
export const DOMAIN = {
  chainId: 31_337n,
  easAddress: address(0xea5),
  easVersion: "1.4.0",
  schemaUid: DECISION_SCHEMA_UID,
};
const SIGNER = new Wallet(`0x${"11".repeat(32)}`);
export const ATTESTER = SIGNER.address.toLowerCase() as Hex;

/** A journal of 12 hours under two policies: hour 5 was rebalanced and executed by the first. */
export async function writeJournal(path: string): Promise<Journal> {
  const journal = openJournal(path);
  for (let n = 0; n < 12; n++) {
    const decided = decidedOf(n, n === 5);
    const { json, uid } = await signDecision({ ...DOMAIN, decision: decided.decision, signer: SIGNER });
    const context = { policy: "predictive", forecast: forecastOf(n) };
    journal.recordSigned("predictive", decided, context, { offchainAttestation: json, offchainUid: uid });
  }
  const { hash } = decidedOf(5, true);
  journal.advance("predictive", hash, "attested", { uid: UID });
  journal.advance("predictive", hash, "submitted", { txHash: EXECUTION.txHash });
  journal.advance("predictive", hash, "executed", { execution: EXECUTION });
  for (let n = 0; n < 3; n++) {
    const decided = decidedOf(n + 20, false);
    const decision = { ...decided.decision, modelId: ZERO_BYTES32, forecastHash: ZERO_BYTES32 };
    journal.record(
      "threshold",
      { ...decided, decision, hash: decisionHash(decision) },
      { policy: "threshold", forecast: undefined },
    );
  }
  journal.setMeta("predictive", "market", { name: "synthetic", hash: word(8) });
  return journal;
}

/** A service over such a journal, with all that `close` undoes. */
export async function startFixture(artefacts: Artefacts = ARTEFACTS) {
  const folder = mkdtempSync(join(tmpdir(), "api-"));
  const path = join(folder, "journal.sqlite");
  const writer = await writeJournal(path);
  const journal = openJournal(path, { readOnly: true });
  const log: string[] = [];
  const logger = { level: "error", stream: { write: (line: string) => void log.push(line) } };
  // Tests ask more often than anybody may.
  const settings = { ratePerAddress: 0 };
  const app = await createApi({ journal, artefacts, logger, bars: BARS, snapshots: SNAPSHOTS, settings });
  const close = async () => {
    await app.close();
    journal.close();
    writer.close();
    rmSync(folder, { recursive: true });
  };
  return { app, journal, writer, path, log, close };
}
