import { HOUR_MS, seededRandom } from "@ballast/data";
import { FEATURE_COUNT, featureIndex, type NetworkArtefact, toForward } from "@ballast/model";
import { beforeAll, describe, expect, it } from "vitest";
import { chooseBackend } from "./backend.ts";
import { availableBackends } from "./backends.fixture.ts";
import { fitNetwork } from "./fit.ts";
import { SMALL_CONFIG } from "./markets.fixture.ts";
import type { Rows } from "./rows.ts";

const TIMES = 3000;
const STRIDE_HOURS = 5;
/** Long enough a history for the members to be believed in full. */
const END = TIMES * STRIDE_HOURS * HOUR_MS;

/** One asset whose log variance follows `law` of its first two features; all others are noise or constant. */
function dataset(law: (x: number, y: number) => number): Rows {
  const random = seededRandom(4);
  const features = new Float64Array(TIMES * FEATURE_COUNT);
  const targets = new Float64Array(TIMES * 4);
  for (let t = 0; t < TIMES; t++) {
    for (let i = 0; i < 6; i++) features[t * FEATURE_COUNT + i] = random.normal();
    const z = law(features[t * FEATURE_COUNT]!, features[t * FEATURE_COUNT + 1]!);
    for (let h = 0; h < 4; h++) targets[t * 4 + h] = (Math.exp(z - 9) * random.gamma(8)) / 8;
  }
  const times = Float64Array.from({ length: TIMES }, (_, t) => t * STRIDE_HOURS * HOUR_MS);
  return { times, asset: new Float64Array(TIMES), strideHours: STRIDE_HOURS, features, targets };
}

const CONFIG = {
  ...SMALL_CONFIG,
  hidden: [12],
  maxEpochs: 60,
  patience: 60,
  learningRate: 0.02,
  weightDecay: 0,
  ridge: 0,
};

/** Largest difference between weights of equal networks. */
const distance = (x: NetworkArtefact["members"], y: NetworkArtefact["members"]) =>
  Math.max(
    ...x.flatMap((layers, m) =>
      layers.flatMap((layer, l) =>
        [...layer.weights].map((weight, i) => Math.abs(weight - y[m]![l]!.weights[i]!)),
      ),
    ),
  );

// Not on plain JavaScript, which is too slow for whole fits; the learner is tested there.
const BACKENDS = await availableBackends("the fit", ["wasm", "tfjs-node"]);

describe.each(BACKENDS)("fitNetwork on $name", ({ name, reproducible }) => {
  beforeAll(async () => {
    await chooseBackend(name, () => {});
  });

  it("behaviour: learns a bend that no linear forecast can follow", async () => {
    const data = dataset((x, y) => Math.abs(x) + 0.3 * y);
    const { artefact, linearOnly, belief } = await fitNetwork(data, ["A"], END, CONFIG, { seed: 1 });
    const error = (a: typeof artefact) => {
      const forward = toForward(a);
      const out = new Float64Array(4);
      let sum = 0;
      for (let x = -2; x <= 2; x += 0.5) {
        const row = new Float64Array(FEATURE_COUNT);
        row[0] = x;
        forward.run(row, 0, out);
        sum += (Math.log(out[2]!) + 9 - Math.abs(x)) ** 2 / 9;
      }
      return Math.sqrt(sum);
    };
    expect(error(linearOnly)).toBeGreaterThan(0.4);
    expect(error(artefact)).toBeLessThan(0.2);
    expect(belief.every((share) => share >= 0.75)).toBe(true);
  });

  it("behaviour: right on average over the training rows, and blind to a feature that never varied", async () => {
    const data = dataset((x) => 0.5 * x);
    const { artefact } = await fitNetwork(data, ["A"], END, { ...CONFIG, maxEpochs: 2 }, { seed: 1 });
    const forward = toForward(artefact);
    const out = new Float64Array(4);
    let ratio = 0;
    for (let t = 0; t < TIMES; t++) {
      forward.run(data.features, t * FEATURE_COUNT, out);
      ratio += data.targets[t * 4 + 1]! / out[1]! / TIMES;
    }
    expect(ratio).toBeCloseTo(1, 6);
    const constant = featureIndex("log_base_fee_1h");
    expect(artefact.scale[constant]).toBe(0);
    const row = new Float64Array(FEATURE_COUNT);
    forward.run(row, 0, out);
    const before = [...out];
    row[constant] = 5;
    forward.run(row, 0, out);
    expect([...out]).toEqual(before);
  });

  it("behaviour: an asset's own level is learnt as far as its history reaches", async () => {
    const data = dataset((x) => 0.5 * x);
    // The second asset has every tenth row, and twice the variance.
    const asset = data.asset.map((_, r) => (r % 10 === 0 ? 1 : 0));
    const targets = data.targets.map((y, i) => (asset[Math.floor(i / 4)] === 1 ? 2 * y : y));
    const rows = { ...data, asset, targets };
    const { artefact } = await fitNetwork(rows, ["A", "B"], END, { ...CONFIG, maxEpochs: 1 }, { seed: 1 });
    const [a, b] = artefact.assets;
    expect([a!.asset, b!.asset]).toEqual(["A", "B"]);
    // 300 rows five hours apart are 62.5 days; log(2/1.1) remains to be learnt.
    const share = 62.5 / (62.5 + 180);
    for (const bias of b!.logBias) expect(bias / (share * Math.log(2 / 1.1))).toBeCloseTo(1, 1);
    for (const bias of a!.logBias) expect(bias).toBeLessThan(0);
  });

  it("behaviour: rows after the training times change nothing; equal seeds give equal weights", async () => {
    const data = dataset((x, y) => Math.abs(x) - y);
    const config = { ...CONFIG, maxEpochs: 3 };
    const once = await fitNetwork(data, ["A"], 2000 * STRIDE_HOURS * HOUR_MS, config, { seed: 3 });
    const changed = { ...data, targets: data.targets.map((y, i) => (i >= 2000 * 4 ? y * 9 : y)) };
    const again = await fitNetwork(changed, ["A"], 2000 * STRIDE_HOURS * HOUR_MS, config, { seed: 3 });
    if (reproducible) expect(again).toEqual(once);
    else expect(distance(again.artefact.members, once.artefact.members)).toBeLessThan(1e-3);
    const short = await fitNetwork(data, ["A"], 600 * STRIDE_HOURS * HOUR_MS, config, { seed: 3 });
    expect(Math.max(...short.belief)).toBeLessThanOrEqual(3000 / 8000);
    const other = await fitNetwork(data, ["A"], 2000 * STRIDE_HOURS * HOUR_MS, config, { seed: 4 });
    expect(other.artefact.members).not.toEqual(once.artefact.members);
  });
});
