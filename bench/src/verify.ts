import type { BenchmarkOptions } from "./benchmark.ts";
import { breachScore } from "./breach-score.ts";
import { inference } from "./inference.ts";
import { inferenceGas } from "./inference-gas.ts";
import type { Row } from "./measure.ts";
import { notaryAgreement } from "./notary-agreement.ts";
import { vaultGas } from "./vault-gas.ts";

/** What it costs to check a decision, part by part. */
const PARTS: readonly ((options: BenchmarkOptions) => Promise<readonly Row[]>)[] = [
  inference,
  inferenceGas,
  vaultGas,
  breachScore,
  notaryAgreement,
];

export async function verify(options: BenchmarkOptions): Promise<readonly Row[]> {
  const rows: Row[] = [];
  for (const part of PARTS) rows.push(...(await part(options)));
  return rows;
}
