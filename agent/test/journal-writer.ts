/** Writes decisions until it is killed, printing each step once the journal has acknowledged it. */
import { writeSync } from "node:fs";
import { type Hex, wad } from "@ballast/data";
import { openJournal } from "../src/journal-sqlite.ts";
import type { Decided } from "../src/types.ts";

const word = (n: number): Hex => `0x${n.toString(16).padStart(64, "0")}`;
const journal = openJournal(process.argv[2] ?? "");
for (let n = 1; ; n++) {
  const hash = word(n);
  const decided: Decided = {
    hash,
    decision: {
      chainId: 31_337n,
      vault: "0x0000000000000000000000000000000000000009",
      sequence: BigInt(n),
      action: 1,
      reason: 1,
      decidedAt: BigInt(1_660_000_000 + n * 3_600),
      expiresAt: BigInt(1_660_000_900 + n * 3_600),
      inputRoot: word(2),
      stateHash: word(3),
      modelId: word(0),
      forecastHash: word(0),
      policyId: word(5),
      breachPpm: 0,
      holding: 0,
      tradesHash: word(6),
    },
    trades: [],
    reason: "breach",
    numbers: {},
    breachProbability: 1,
    weights: [0.3, 0.7],
    isBreached: true,
  };
  const acknowledge = (stage: string) => writeSync(1, `${hash} ${stage}\n`);
  journal.record("r", decided, { policy: "threshold", forecast: undefined });
  acknowledge("decided");
  journal.advance("r", hash, "signed", { offchainAttestation: "{}", offchainUid: word(n) });
  acknowledge("signed");
  journal.advance("r", hash, "attested", { uid: word(n) });
  acknowledge("attested");
  journal.advance("r", hash, "submitted", { txHash: word(n) });
  acknowledge("submitted");
  journal.advance("r", hash, "executed", {
    execution: {
      txHash: word(n),
      blockNumber: n,
      minedAt: 1_620_000_012n,
      navBefore: wad(2n),
      navAfter: wad(1n),
      gasUsed: 1n,
      gasPrice: 1n,
      amountsOut: [],
    },
  });
  acknowledge("executed");
}
