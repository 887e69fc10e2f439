import type { CostBps } from "@ballast/agent";
import type { DemoRecord, RunRecord } from "./runData.ts";

/** One run in numbers, for machines. */
export interface RunSummary {
  readonly policy: string;
  readonly decisions: number;
  readonly executedAhead: number;
  readonly executedAfter: number;
  readonly holds: number;
  readonly rejections: number;
  /** Why, one entry a rejection. */
  readonly rejectionReasons: readonly string[];
  readonly attestations: number;
  readonly verified: number;
  readonly hoursOutsideBand: number;
  /** Annualised, 0.01 = 1 %. */
  readonly trackingError: number;
  readonly costBps: CostBps;
  /** keccak256 over the decisions' hashes in order: equal for equal seed and data. */
  readonly decisionsDigest: string;
}

/** The line that `--json` ends with. */
export interface DemoSummary extends RunSummary {
  readonly seconds: number;
  readonly peakMemoryMb: number;
  readonly market: { readonly name: string; readonly hash: string };
  readonly modelId: string;
  readonly backend: string;
  readonly qlikeVsLogHar: Readonly<Record<string, number>>;
  readonly hours: number;
  readonly seed: number;
  readonly threshold: RunSummary;
}

const toRunSummary = (run: RunRecord): RunSummary => ({
  policy: run.policy,
  decisions: run.outcome.decisions,
  executedAhead: run.outcome.executedAhead,
  executedAfter: run.outcome.executedAfter,
  holds: run.outcome.holds,
  rejections: run.outcome.rejections,
  rejectionReasons: run.trades.flatMap(({ rejection }) => (rejection === undefined ? [] : [rejection])),
  attestations: run.attestations,
  verified: run.verified,
  hoursOutsideBand: run.outcome.hoursOutsideBand,
  trackingError: run.outcome.trackingError,
  costBps: run.outcome.costBps,
  decisionsDigest: run.decisionsDigest,
});

export function toSummary(record: DemoRecord, peakMemoryMb: number): DemoSummary {
  const [own, threshold] = record.runs as readonly [RunRecord, RunRecord];
  return {
    seconds: record.seconds,
    peakMemoryMb,
    market: { name: record.market.name, hash: record.market.hash },
    modelId: record.model.modelId,
    backend: record.model.backend,
    qlikeVsLogHar: record.model.qlikeVsLogHar,
    hours: record.hours,
    seed: record.seed,
    ...toRunSummary(own),
    threshold: toRunSummary(threshold),
  };
}

/** Both policies side by side; the better figure of each row is marked, whichever policy's it is. */
export function toTable(record: DemoRecord): string {
  const rows: readonly (readonly [string, (run: RunRecord) => number, number, "less" | "none"])[] = [
    ["decisions", (run) => run.outcome.decisions, 0, "none"],
    ["executed ahead of a breach", (run) => run.outcome.executedAhead, 0, "none"],
    ["executed after a breach", (run) => run.outcome.executedAfter, 0, "none"],
    ["refused by the vault", (run) => run.outcome.rejections, 0, "less"],
    ["hours outside the band", (run) => run.outcome.hoursOutsideBand, 0, "less"],
    ["mean excess then, points", (run) => run.outcome.meanExcessPp, 3, "less"],
    ["tracking error, % a year", (run) => run.outcome.trackingError * 100, 3, "less"],
    ["turnover, % of value", (run) => run.outcome.turnover * 100, 2, "less"],
    ["cost, bps of value", (run) => run.outcome.costBps.total, 3, "less"],
    ["  pool fees", (run) => run.outcome.costBps.fees, 3, "less"],
    ["  price impact", (run) => run.outcome.costBps.impact, 3, "less"],
    ["  gas", (run) => run.outcome.costBps.gas, 3, "less"],
    ["attestations verified", (run) => run.verified, 0, "none"],
  ];
  const line = (cells: readonly string[]) =>
    `${cells[0]!.padEnd(28)}${cells
      .slice(1)
      .map((cell) => cell.padStart(16))
      .join("")}`;
  const body = rows.map(([label, read, digits, better]) => {
    const values = record.runs.map(read);
    const best = Math.min(...values);
    const isTie = values.every((value) => value.toFixed(digits) === values[0]!.toFixed(digits));
    return line([
      label,
      ...values.map(
        (value) => `${value.toFixed(digits)}${better === "less" && !isTie && value === best ? " *" : "  "}`,
      ),
    ]);
  });
  return [
    line(["", ...record.runs.map(({ policy }) => `${policy}  `)]),
    ...body,
    "* the better of the two",
  ].join("\n");
}
