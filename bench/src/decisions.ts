import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type Decided,
  decide,
  type Holding,
  openJournal,
  predictivePolicy,
  type VaultState,
} from "@ballast/agent";
import { DECISION_FIELDS, DECISION_SCHEMA_UID, type EasDomain, signDecision } from "@ballast/attest";
import { DEV_MNEMONIC } from "@ballast/contracts";
import { type Hex, HOUR_MS, type Snapshot, seededRandom, toWadNearest, unixMillis, wad } from "@ballast/data";
import { type Forecast, type NetworkArtefact, toForecaster } from "@ballast/model";
import { HDNodeWallet } from "ethers";
import { measureInterleaved, type Plan, type Row, toMicroseconds, toTimedRow } from "./measure.ts";

const WAD = 10n ** 18n;
const SEED = 1;
const VAULT: Hex = `0x${"be".repeat(20)}`;
const EAS: Hex = `0x${"ea".repeat(20)}`;
const CHAIN_ID = 31337n;

/**
 * Vaults of the base asset and the snapshot's first three, at its prices: weights up to 2 points off their
 * targets, bands of 2, so that some are about to be breached and some are quiet.
 */
function toStates(snapshots: readonly Snapshot[], count: number): VaultState[] {
  const random = seededRandom(SEED);
  return Array.from({ length: count }, (_, i): VaultState => {
    const { at, assets, bars } = snapshots[i % snapshots.length]!;
    const held = assets.slice(0, 3);
    const share = WAD / BigInt(held.length + 1);
    const holding = (asset: string, price: number, index: number, decimals: number): Holding => ({
      token: `0x${String(index + 1).padStart(40, "0")}`,
      asset,
      decimals,
      balance:
        BigInt(
          Math.round(((1 / (held.length + 1) + 0.04 * (random.uniform() - 0.5)) * 1e6 * 10 ** 6) / price),
        ) *
        10n ** BigInt(decimals - 6),
      price: toWadNearest(price),
      targetWeight: wad(index === 0 ? WAD - share * BigInt(held.length) : share),
      band: toWadNearest(0.02),
      poolFee: index === 0 ? 0 : 500,
    });
    const prices = bars.map(({ close }) => close[close.length - 1]!);
    return {
      chainId: CHAIN_ID,
      vault: VAULT,
      sequence: BigInt(i),
      paused: false,
      isTradingAllowed: true,
      lastRebalanceAt: unixMillis(at - 6 * HOUR_MS),
      cooldownSeconds: 3_600,
      maxTurnover: toWadNearest(0.5),
      maxSlippage: toWadNearest(0.01),
      turnoverLeft: toWadNearest(1),
      lossLeft: toWadNearest(0.01),
      crossTolerance: toWadNearest(0.0125),
      minScore: 0,
      scoreHorizon: 2,
      notaryThreshold: 2,
      model: undefined,
      venue: VAULT,
      holdings: [holding("USDC", 1, 0, 6), ...held.map((asset, k) => holding(asset, prices[k]!, k + 1, 18))],
      gasPrice: BigInt(Math.round(1e9 * (10 + 90 * random.uniform()))),
      etherPrice: toWadNearest(2_000),
    };
  });
}

const DOMAIN: EasDomain = {
  chainId: CHAIN_ID,
  easAddress: EAS,
  easVersion: "1.4.0",
  schemaUid: DECISION_SCHEMA_UID,
};

/** Deciding, signing and journalling, each beside the least that must happen for it. */
export async function measureDecisions(
  snapshots: readonly Snapshot[],
  artefact: NetworkArtefact,
  plan: Plan,
): Promise<{ readonly rows: readonly Row[]; readonly shareOfRebalances: number }> {
  const policy = predictivePolicy();
  const forecaster = toForecaster(artefact);
  const forecasts = snapshots.map((snapshot): Forecast => forecaster(snapshot));
  // Known before it is decided: its own row measures it.
  await Promise.all(snapshots.map(({ root }) => root));
  // One state per journalled decision, as each decision can be journalled but once.
  const states = toStates(snapshots, plan.warmUp + plan.samples);
  const decideOn = (call: number): Decided => {
    const k = call % snapshots.length;
    return decide(snapshots[k]!, states[call % states.length]!, forecasts[k]!, policy, snapshots[k]!.at);
  };
  const decided = states.map((_, call) => decideOn(call));
  const signer = HDNodeWallet.fromPhrase(DEV_MNEMONIC);
  const domain = { name: "Ballast", version: "1", chainId: CHAIN_ID, verifyingContract: VAULT };
  const types = { Decision: DECISION_FIELDS.map(([name, type]) => ({ name, type })) };
  const { deciding, signing, eip712 } = await measureInterleaved(
    {
      deciding: { run: decideOn },
      signing: {
        run: (call) =>
          signDecision({ ...DOMAIN, decision: decided[call % decided.length]!.decision, signer }),
      },
      eip712: {
        run: (call) => signer.signTypedData(domain, types, decided[call % decided.length]!.decision),
      },
    },
    plan,
  );
  const row = {
    unit: "µs",
    better: "less",
    peer: "one EIP-712 signature of the decision by ethers",
  } as const;
  const rebalances = decided.filter(({ trades }) => trades.length > 0).length;
  return {
    rows: [
      toTimedRow({ ...row, name: "decision_latency_us" }, deciding, eip712, toMicroseconds),
      toTimedRow({ ...row, name: "attestation_signing_us" }, signing, eip712, toMicroseconds),
      await measureJournal(decided, forecasts, plan),
    ],
    shareOfRebalances: rebalances / decided.length,
  };
}

/** One decision made durable, beside the same number of bytes appended to a file and flushed to the disk. */
async function measureJournal(
  decided: readonly Decided[],
  forecasts: readonly Forecast[],
  plan: Plan,
): Promise<Row> {
  const folder = mkdtempSync(join(tmpdir(), "ballast-bench-journal-"));
  const journal = openJournal(join(folder, "journal.sqlite"));
  const file = openSync(join(folder, "appended"), "a");
  const facts = { offchainAttestation: "{}", offchainUid: `0x${"0".repeat(64)}` as Hex };
  const toText = (call: number) =>
    JSON.stringify({ ...decided[call]!, ...facts }, (_, value) =>
      typeof value === "bigint" ? `${value}` : value,
    );
  try {
    const { own, peer } = await measureInterleaved(
      {
        own: {
          run: (call) =>
            journal.recordSigned(
              "bench",
              decided[call]!,
              { policy: "predictive", forecast: forecasts[call % forecasts.length] },
              facts,
            ),
        },
        peer: {
          run: (call) => {
            writeSync(file, toText(call));
            fdatasyncSync(file);
          },
        },
      },
      plan,
    );
    const peerName = "the decision as JSON appended to a file, and fdatasync";
    return toTimedRow(
      { name: "journal_write_us", unit: "µs", better: "less", peer: peerName },
      own,
      peer,
      toMicroseconds,
    );
  } finally {
    journal.close();
    closeSync(file);
    rmSync(folder, { recursive: true });
  }
}
