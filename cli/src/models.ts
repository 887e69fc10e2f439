import {
  type ArtefactStore,
  BallastError,
  canonicalJson,
  DAY_MS,
  type Hex,
  HOUR_MS,
  NoChampionError,
  openArtefactStore,
  openChampions,
  type Promotion,
  unixMillis,
} from "@ballast/data";
import { LOOKBACK_HOURS, type ModelManifest, readManifest, readModel } from "@ballast/model";
import { type Challenge, challenge, judge } from "@ballast/training";
import { describeBreachNetwork } from "./breachScores.ts";
import { describeExpiry } from "./champion.ts";
import { describeCosts } from "./costScores.ts";
import { interruptible } from "./interrupt.ts";
import type { Terminal } from "./terminal.ts";
import { readDataset, toMillis } from "./trainingData.ts";

export interface ModelsOptions {
  readonly artefacts: string;
  readonly json?: boolean;
}

export interface ComparisonOptions extends ModelsOptions {
  readonly bars?: string;
  readonly store?: string;
  readonly assets?: string[];
}

export interface PromoteOptions extends ComparisonOptions {
  readonly expiresDays: number;
  readonly force?: boolean;
  readonly reason?: string;
}

export class UnknownModelError extends BallastError {
  readonly code = "UNKNOWN_MODEL";
  readonly id: string;
  constructor(id: string, folder: string, matches: readonly Hex[]) {
    super(
      matches.length === 0
        ? `There is no model ${id} with a manifest in ${folder}. \`ballast models list\` shows those there are.`
        : `${id} could be any of ${matches.join(", ")}. Give more digits.`,
    );
    this.id = id;
  }
}

export class NotPromotedError extends BallastError {
  readonly code = "NOT_PROMOTED";
  constructor(modelId: Hex, reason: string) {
    super(
      `${modelId} was not promoted: it ${reason}. ` +
        "Train a better one, wait for more bars, or overrule with --force --reason.",
    );
  }
}

export class NoReasonError extends BallastError {
  readonly code = "NO_REASON";
  constructor() {
    super('--force is kept in the history for others to read; say why with --reason "…".');
  }
}

export async function listModels(options: ModelsOptions, terminal: Terminal): Promise<void> {
  const { manifests, champion } = await readRegistry(options.artefacts);
  if (options.json) {
    const items = [...manifests.values()].map((manifest) => ({
      modelId: manifest.modelId,
      until: manifest.dataset.until,
      metrics: manifest.metrics,
      isChampion: manifest.modelId === champion?.modelId,
    }));
    return terminal.result(JSON.stringify({ champion: champion ?? null, items }));
  }
  if (manifests.size === 0)
    return terminal.say(`No model in ${options.artefacts}. Train one with \`ballast train\`.`);
  const byUntil = [...manifests.values()].sort((a, b) => (a.dataset.until < b.dataset.until ? -1 : 1));
  terminal.say("QLIKE as a ratio to log-HAR, out of sample on each model's own data; * is the champion.");
  for (const { modelId, dataset, metrics, backend } of byUntil) {
    const scores = metrics.map(
      ({ horizonHours, ratioToLogHar }) => `${horizonHours} h ${ratioToLogHar.network.toFixed(3)}`,
    );
    terminal.result(
      `${modelId === champion?.modelId ? "*" : " "} ${modelId}  until ${dataset.until.slice(0, 10)}  ${dataset.assets.length} assets  ${scores.join("  ")}  ${backend.name}`,
    );
  }
  if (champion) terminal.say(describeExpiry(champion, Date.now()));
}

export async function showModel(id: string, options: ModelsOptions, terminal: Terminal): Promise<void> {
  const { manifests, champion, history } = await readRegistry(options.artefacts);
  const manifest = find(id, manifests, champion, options.artefacts);
  const promotions = history.filter(({ modelId }) => modelId === manifest.modelId);
  if (options.json) return terminal.result(JSON.stringify({ manifest, promotions }));
  const { dataset, metrics, backend, versions, calibration, configuration } = manifest;
  terminal.result(
    `model          ${manifest.modelId}${manifest.modelId === champion?.modelId ? ", the champion" : ""}`,
  );
  terminal.result(
    `data           ${dataset.name}: ${dataset.assets.join(", ")}, ${dataset.from} to ${dataset.until}`,
  );
  terminal.result(`root           ${dataset.root}`);
  terminal.result(
    `backend        ${backend.name} ${backend.version}${backend.reproducible ? ", reproducible" : ""}`,
  );
  terminal.result(`versions       ${JSON.stringify(versions)}`);
  terminal.result(`configuration  ${JSON.stringify(configuration)}`);
  for (const { horizonHours, ratioToLogHar, tAgainstLogHar } of metrics)
    terminal.result(
      `${String(horizonHours).padStart(4)} h         QLIKE ${ratioToLogHar.network.toFixed(3)} of log-HAR, t ${tAgainstLogHar.toFixed(2)}`,
    );
  terminal.result(`breach         Brier skill ${calibration.brierSkillCalibrated.toFixed(3)}`);
  for (const line of describeBreachNetwork(manifest.breachNetwork)) terminal.result(line);
  for (const line of describeCosts(manifest.costs)) terminal.result(line);
  for (const { action, at, reason, isForced, expiresAt } of promotions)
    terminal.result(
      `${action.padEnd(9)}      ${at}${isForced ? ", forced" : ""}: ${reason}; expires ${expiresAt}`,
    );
}

export async function compareModels(
  a: string,
  b: string,
  options: ComparisonOptions,
  terminal: Terminal,
): Promise<void> {
  const { manifests, champion } = await readRegistry(options.artefacts);
  const [first, second] = [a, b].map((id) => find(id, manifests, champion, options.artefacts));
  const found = await compete(first!, second!, options, terminal);
  if (options.json) return terminal.result(JSON.stringify(found));
  describeChallenge(found, terminal);
  const settings = Object.keys({ ...first!.configuration, ...second!.configuration })
    .filter((key) => asText(first!.configuration[key]) !== asText(second!.configuration[key]))
    .map((key) => `${key} ${asText(first!.configuration[key])} / ${asText(second!.configuration[key])}`);
  terminal.result(`settings that differ: ${settings.join(", ") || "none"}`);
  terminal.result(`data root: ${first!.dataset.root === second!.dataset.root ? "the same" : "another"}`);
}

export async function promoteModel(id: string, options: PromoteOptions, terminal: Terminal): Promise<void> {
  const { artefacts, expiresDays, force = false, reason } = options;
  if (force && !reason?.trim()) throw new NoReasonError();
  const { manifests, champion } = await readRegistry(artefacts);
  const manifest = find(id, manifests, champion, artefacts);
  let found: Challenge | undefined;
  let why = reason ?? "the first champion";
  if (!force && champion !== undefined) {
    found = await compete(
      find(champion.modelId, manifests, champion, artefacts),
      manifest,
      options,
      terminal,
    );
    describeChallenge(found, terminal);
    const verdict = judge(found, champion.expiresAt <= found.until);
    if (!verdict.isPromoted) throw new NotPromotedError(manifest.modelId, verdict.reason);
    why = reason === undefined ? verdict.reason : `${reason}; ${verdict.reason}`;
  }
  const registry = openChampions(artefacts);
  try {
    const promotion = await registry.promote({
      modelId: manifest.modelId,
      at: unixMillis(Date.now()),
      // What it was last proven on, or at least trained on.
      expiresAt: unixMillis(toMillis(found?.until ?? manifest.dataset.until) + expiresDays * DAY_MS),
      reason: why,
      isForced: force,
      evidence: found === undefined ? null : { ...found },
    });
    terminal.say(describeExpiry(promotion, Date.now()));
    terminal.result(options.json ? JSON.stringify(promotion) : promotion.modelId);
  } finally {
    registry.close();
  }
}

export async function rollbackModel(
  { artefacts, reason, json }: ModelsOptions & { readonly reason: string },
  terminal: Terminal,
): Promise<void> {
  const registry = openChampions(artefacts);
  try {
    const promotion = await registry.rollback({ at: unixMillis(Date.now()), reason });
    terminal.say(describeExpiry(promotion, Date.now()));
    terminal.result(json ? JSON.stringify(promotion) : promotion.modelId);
  } finally {
    registry.close();
  }
}

interface Registry {
  readonly manifests: ReadonlyMap<Hex, ModelManifest>;
  readonly champion: Promotion | undefined;
  readonly history: readonly Promotion[];
}

async function readRegistry(artefacts: string): Promise<Registry> {
  const champions = openChampions(artefacts);
  try {
    const manifests = await withStore(artefacts, async (store) => {
      const all = await Promise.all(
        (await store.list("manifest")).map(async (hash) => readManifest(await store.get(hash))),
      );
      return new Map(all.map((manifest) => [manifest.modelId, manifest]));
    });
    return { manifests, champion: await champions.champion(), history: await champions.history() };
  } finally {
    champions.close();
  }
}

async function withStore<T>(artefacts: string, work: (store: ArtefactStore) => Promise<T>): Promise<T> {
  const store = await openArtefactStore(artefacts);
  try {
    return await work(store);
  } finally {
    store.close();
  }
}

/** By its id, the first digits of it, or as the champion. */
function find(
  id: string,
  manifests: ReadonlyMap<Hex, ModelManifest>,
  champion: Promotion | undefined,
  folder: string,
): ModelManifest {
  if (id === "champion" && champion === undefined) throw new NoChampionError(folder);
  const wanted = id === "champion" ? champion!.modelId : id.toLowerCase();
  const matches = [...manifests.keys()].filter((modelId) => modelId.startsWith(wanted));
  if (matches.length !== 1) throw new UnknownModelError(id, folder, matches);
  return manifests.get(matches[0]!)!;
}

/** Both models on the bars after the later of their trainings. */
async function compete(
  champion: ModelManifest,
  challenger: ModelManifest,
  { artefacts, bars, store, assets = [...challenger.dataset.assets] }: ComparisonOptions,
  terminal: Terminal,
): Promise<Challenge> {
  const from = unixMillis(Math.max(...[champion, challenger].map(({ dataset }) => toMillis(dataset.until))));
  const since = new Date(from - LOOKBACK_HOURS * HOUR_MS).toISOString();
  const data = bars === undefined ? { store: store ?? ".ballast/market" } : { bars };
  const market = await readDataset({ data, assets, from: since }, unixMillis(Date.now()), terminal, true);
  const [first, second] = await withStore(artefacts, (artefactStore) =>
    Promise.all(
      [champion, challenger].map(async ({ modelId }) => readModel(await artefactStore.get(modelId))),
    ),
  );
  return interruptible("nothing was changed", (signal) =>
    terminal.track("comparing", (onProgress) =>
      challenge(market, {
        champion: first!,
        challenger: second!,
        from,
        signal,
        onShare: (share) => onProgress({ done: Math.round(share * 100), total: 100, label: "comparing" }),
      }),
    ),
  );
}

function describeChallenge(
  { from, until, times, horizons, ratio, t, pValue }: Challenge,
  terminal: Terminal,
): void {
  terminal.say(`${times} forecasts of each from ${from}, judged until ${until}; QLIKE:`);
  for (const row of horizons)
    terminal.say(
      `${String(row.horizonHours).padStart(4)} h: champion ${row.champion.toFixed(4)}, challenger ${row.challenger.toFixed(4)}, ratio ${row.ratio.toFixed(3)} (t ${row.t.toFixed(2)})`,
    );
  terminal.say(
    `   all: ratio ${ratio.toFixed(3)}, Diebold-Mariano t ${t.toFixed(2)}, one-sided p ${pValue.toFixed(3)}`,
  );
}

const asText = (value: unknown): string => (value === undefined ? "–" : canonicalJson(value));
