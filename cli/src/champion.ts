import { BallastError, type Hex, NoChampionError, openChampions, type Promotion } from "@ballast/data";
import type { Forecaster } from "@ballast/model";

/** The promotion in force. Error: ChampionHistoryError. */
export async function findChampion(artefacts: string): Promise<Promotion | undefined> {
  const registry = openChampions(artefacts);
  try {
    return await registry.champion();
  } finally {
    registry.close();
  }
}

/** The promotion in force. Errors: NoChampionError, ChampionHistoryError. */
export async function readChampion(artefacts: string): Promise<Promotion> {
  const champion = await findChampion(artefacts);
  if (champion === undefined) throw new NoChampionError(artefacts);
  return champion;
}

/** @param now ms */
export const describeExpiry = ({ modelId, expiresAt }: Promotion, now: number): string =>
  Date.parse(expiresAt) <= now
    ? `The champion ${modelId} expired on ${expiresAt}: agents decide without it until another is promoted.`
    : `The champion ${modelId} expires on ${expiresAt}.`;

export class ModelExpiredError extends BallastError {
  readonly code = "MODEL_EXPIRED";
  readonly modelId: Hex;
  constructor({ modelId, expiresAt }: Promotion) {
    super(
      `The champion ${modelId} expired on ${expiresAt}, so the policy decides without it. ` +
        "Train a model on newer bars and promote it with `ballast models promote`.",
    );
    this.modelId = modelId;
  }
}

/** The forecaster while its promotion is in force; from then on each forecast throws ModelExpiredError. */
export const untilExpiry =
  (forecaster: Forecaster, champion: Promotion): Forecaster =>
  (snapshot) => {
    if (snapshot.at >= Date.parse(champion.expiresAt)) throw new ModelExpiredError(champion);
    return forecaster(snapshot);
  };
