import { createHash } from "node:crypto";
import { HOUR_MS, type Market, type Snapshot, snapshotBytes, snapshotRoot, unixMillis } from "@ballast/data";
import {
  featureRows,
  HORIZONS_HOURS,
  lookbackBars,
  type NetworkArtefact,
  toForecaster,
  toForward,
} from "@ballast/model";
import { measureInterleaved, type Plan, type Row, toMicroseconds, toTimedRow } from "./measure.ts";
import { toTensorFlowForward } from "./tensorflow.ts";

/** The market's last `count` hours, frozen, the youngest last. */
export function toSnapshots(market: Market, count: number): Snapshot[] {
  const end = market.start + market.length * market.intervalMs;
  const last = Math.floor(end / HOUR_MS) * HOUR_MS;
  return Array.from({ length: count }, (_, i) =>
    market.past(unixMillis(last - (count - 1 - i) * HOUR_MS)).snapshot(lookbackBars(market.intervalMs)),
  );
}

/** A whole forecast, and the network within it, beside the same network on TensorFlow.js. */
export async function measureForecast(
  snapshots: readonly Snapshot[],
  artefact: NetworkArtefact,
  plan: Plan,
): Promise<Row[]> {
  const forecast = toForecaster(artefact);
  const network = toForward(artefact);
  const variance = new Float64Array(HORIZONS_HOURS.length);
  const rows = snapshots.map((snapshot) => featureRows(snapshot));
  const tensorFlow = toTensorFlowForward(artefact);
  const at = (call: number) => call % snapshots.length;
  const runNetwork = (features: readonly Float64Array[]) => {
    for (const row of features) network.run(row, 0, variance);
    return variance;
  };
  tensorFlow.checkAgainst(rows[0]!, (row) => {
    network.run(row, 0, variance);
    return variance;
  });
  const { whole, own, peer } = await measureInterleaved(
    {
      whole: { run: (call) => forecast(snapshots[at(call)]!) },
      own: { run: (call) => runNetwork(rows[at(call)]!), callsPerSample: 20 },
      peer: { run: (call) => tensorFlow.run(rows[at(call)]!) },
    },
    plan,
  );
  tensorFlow.dispose();
  const row = {
    unit: "µs",
    better: "less",
    peer: `this network alone on TensorFlow.js ${tensorFlow.backend}`,
  } as const;
  return [
    toTimedRow({ ...row, name: "forecast_latency_us" }, whole, peer, toMicroseconds),
    toTimedRow({ ...row, name: "network_latency_us" }, own, peer, toMicroseconds),
  ];
}

/**
 * Root of a snapshot from its values alone, and the next hour's snapshot with its root from a market that keeps
 * the hashes of the hours before, beside one hash over as many bytes in native code.
 */
export async function measureSnapshots(
  market: Market,
  snapshots: readonly Snapshot[],
  plan: Plan,
): Promise<Row[]> {
  const bytes = snapshots.map((snapshot) => snapshotBytes(snapshot));
  const hours = plan.warmUp + plan.samples;
  const first = snapshots.at(-1)!.at - hours * HOUR_MS;
  const lookback = lookbackBars(market.intervalMs);
  const freezeNext = (call: number) =>
    market.past(unixMillis(first + call * HOUR_MS)).snapshot(lookback).root;
  const { own, next, peer } = await measureInterleaved(
    {
      own: { run: (call) => snapshotRoot(snapshots[call % snapshots.length]!) },
      next: { run: freezeNext },
      peer: {
        run: (call) =>
          createHash("sha3-256")
            .update(bytes[call % bytes.length]!)
            .digest(),
      },
    },
    plan,
  );
  const row = {
    unit: "µs",
    better: "less",
    peer: "one SHA3-256 of a snapshot's bytes by OpenSSL, no tree",
  } as const;
  return [
    toTimedRow({ ...row, name: "snapshot_root_us" }, own, peer, toMicroseconds),
    toTimedRow({ ...row, name: "next_snapshot_us" }, next, peer, toMicroseconds),
  ];
}
