/** The attacks by name, in the order of the list in docs/attacks.md. */
import type { Attack, Verdict } from "./attack.ts";
import { donation } from "./donation.ts";
import { expired } from "./expired.ts";
import { firstDepositor } from "./first-depositor.ts";
import { foreignChain } from "./foreign-chain.ts";
import { foreignVault } from "./foreign-vault.ts";
import { forgedData } from "./forged-data.ts";
import { forgedForecast } from "./forged-forecast.ts";
import { forgedState } from "./forged-state.ts";
import { frontRunAttestation } from "./front-run-attestation.ts";
import { halfClampedOracle } from "./half-clamped-oracle.ts";
import { keeperGriefing } from "./keeper-griefing.ts";
import { reentrancy } from "./reentrancy.ts";
import { replay } from "./replay.ts";
import { revoked } from "./revoked.ts";
import { sandwich } from "./sandwich.ts";
import { Scene } from "./scene.ts";
import { smallLosses } from "./small-losses.ts";
import { timeTravel } from "./time-travel.ts";
import { unregisteredModel } from "./unregistered-model.ts";

export const GALLERY: Readonly<Record<string, Attack>> = {
  replay,
  "foreign-vault": foreignVault,
  "foreign-chain": foreignChain,
  "time-travel": timeTravel,
  revoked,
  expired,
  "front-run-attestation": frontRunAttestation,
  "forged-forecast": forgedForecast,
  "forged-state": forgedState,
  "forged-data": forgedData,
  "unregistered-model": unregisteredModel,
  "small-losses": smallLosses,
  "half-clamped-oracle": halfClampedOracle,
  donation,
  "first-depositor": firstDepositor,
  sandwich,
  reentrancy,
  "keeper-griefing": keeperGriefing,
};

/** Runs one attack against a devnet of its own. @throws DevnetError */
export const runAttack = async (attack: Attack): Promise<Verdict> => {
  const scene = await Scene.open(attack.settings);
  try {
    return await attack.run(scene);
  } finally {
    await scene.close();
  }
};
