import type { ModelManifest } from "@ballast/model";

/** What a model says of the network that a vault runs itself. */
export function describeBreachNetwork(breach: ModelManifest["breachNetwork"]): string[] {
  if (breach === undefined) return [];
  const worst = Math.max(...breach.horizons.map(({ quantisationLossPct }) => quantisationLossPct));
  return [
    `vault's network ${breach.id}: integers lose ${worst.toFixed(3)} % of QLIKE at the worst horizon`,
    ...breach.breach.map(
      ({ band, horizonHours, auc, brierSkill, frequency }) =>
        `vault's network ${(100 * band).toFixed(1)} pp, ${horizonHours} h: AUC ${auc.toFixed(3)}, Brier skill ${brierSkill.toFixed(3)}, ` +
        `${(100 * frequency).toFixed(1)} % breached`,
    ),
  ];
}
