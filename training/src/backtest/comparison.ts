import { seededRandom } from "@ballast/data";
import { type BootstrapInterval, bootstrapInterval } from "../evaluation/bootstrap.ts";
import { ELASTICITIES, type Frontiers, type Objective } from "./contest.ts";
import { commonElasticity, type FrontierPoint, heightOf } from "./frontier.ts";
import type { SimBlocks } from "./sim-result.ts";

/** A contender's scored windows one after the other, per point of its frontier. */
export type Pooled = readonly SimBlocks[];

export const poolFolds = (folds: readonly Frontiers[], objective: Objective): Pooled =>
  folds[0]![objective].map((_, point) => {
    const join = (name: keyof SimBlocks) =>
      Float64Array.from(folds.flatMap((fold) => [...fold[objective][point]![name]]));
    return {
      cost: join("cost"),
      gas: join("gas"),
      squares: join("squares"),
      outsideBars: join("outsideBars"),
    };
  });

/** A function of the frontiers of several contenders over the same blocks, with its interval. */
export interface ComparisonOptions {
  readonly objective: Objective;
  /** Mean length of a resampled stretch, in blocks. */
  readonly meanBlock: number;
  readonly resamples: number;
  readonly seed: number;
}

/** How much higher the first contender's frontier is than the second's, resampled together. 95 %. */
export const compareFrontiers = (own: Pooled, other: Pooled, options: ComparisonOptions): BootstrapInterval =>
  bootstrapHeights([own, other], ([a, b]) => a! / b!, options);

/**
 * Share of the way from a reactive rule to the clairvoyant that the predictive one goes. Above 1 is luck, below 0 is
 * harm; a clairvoyant that gains less than LEAST_GAP is taken to gain that.
 */
export const gapClosed = (
  predictive: Pooled,
  clairvoyant: Pooled,
  reactive: Pooled,
  options: ComparisonOptions,
): BootstrapInterval =>
  bootstrapHeights(
    [predictive, clairvoyant, reactive],
    ([p, c, r]) => (1 - p! / r!) / Math.max(LEAST_GAP, 1 - c! / r!),
    options,
  );

const LEAST_GAP = 0.01;
const LEAST_SHARE = 0.01;
/** Numbers per block of one point that the frontier is made of. */
const COLUMNS = 2;

function bootstrapHeights(
  contenders: readonly Pooled[],
  statistic: (heights: readonly number[]) => number,
  { objective, meanBlock, resamples, seed }: ComparisonOptions,
): BootstrapInterval {
  const columns = contenders.flatMap((pooled) =>
    pooled.flatMap(({ cost, squares, outsideBars }) =>
      objective === "cost-at-tracking-error" ? [squares, cost] : [cost, outsideBars],
    ),
  );
  const blocks = columns[0]!.length;
  const points = contenders[0]!.length;
  const whole = columns.map(meanOf);
  // A resampled stretch in which a contender hardly traded still has a ratio: nothing counts as less than a hundredth of
  // what it was on the whole.
  const atLeast = (means: Float64Array, column: number) =>
    Math.max(LEAST_SHARE * whole[column]!, means[column]!);
  const toFrontiers = (means: Float64Array): FrontierPoint[][] =>
    contenders.map((_, c) =>
      Array.from({ length: points }, (_, k) => {
        const at = (c * points + k) * COLUMNS;
        const x = atLeast(means, at);
        return {
          x: objective === "cost-at-tracking-error" ? Math.sqrt(x) : x,
          // Half a bar in all stands for none outside: nothing has no ratio.
          y: atLeast(means, at + 1) + (objective === "outside-at-cost" ? 0.5 / blocks : 0),
        };
      }),
    );
  const elasticity = elasticityOf(contenders, objective, toFrontiers(Float64Array.from(whole)));
  return bootstrapInterval(
    columns,
    (means) => statistic(toFrontiers(means).map((frontier) => heightOf(frontier, elasticity))),
    0.95,
    { random: seededRandom(seed, "frontiers"), meanBlock: Math.min(meanBlock, blocks), resamples },
  );
}

/** Of costs: 1 for the proportional part, 2 for gas. Of time outside: as the frontiers themselves have it. */
function elasticityOf(
  contenders: readonly Pooled[],
  objective: Objective,
  frontiers: readonly FrontierPoint[][],
): number {
  if (objective === "outside-at-cost") return commonElasticity(frontiers, ...ELASTICITIES[objective]);
  const total = (name: "gas" | "cost") =>
    contenders.flat().reduce((sum, blocks) => sum + blocks[name].reduce((a, b) => a + b, 0), 0);
  const cost = total("cost");
  return cost > 0 ? 1 + total("gas") / cost : 1;
}

const meanOf = (values: Float64Array): number => values.reduce((sum, v) => sum + v, 0) / values.length;
