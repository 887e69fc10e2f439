/** The same questions to TypeScript and to the EVM: the same scores, leaves and proofs, the same refusals. */
import { type Anvil, devBreachScoresArtifact, startAnvil } from "@ballast/contracts";
import { seededRandom } from "@ballast/data";
import { Interface, JsonRpcProvider } from "ethers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { log2OfWad, ScoreRangeError, toBreachScorer } from "../src/breach-score.ts";
import {
  assetId,
  featureBytes,
  featureLeaf,
  featuresProof,
  featuresRoot,
  toFeatureRows,
} from "../src/feature-tree.ts";
import { holderCode, networkBytes } from "../src/integer-network-bytes.ts";
import { randomNetwork } from "../src/integer-networks.fixture.ts";

const NETWORKS = 20;
const QUESTIONS = 250;
const WAD = 10n ** 18n;
const SCORES = "0x00000000000000000000000000000000000b1a58";
const HOLDER = "0x00000000000000000000000000000000000b1a59";
const contract = new Interface(devBreachScoresArtifact.abi);
const random = seededRandom(21, "breach score in the EVM");

let anvil: Anvil;
let provider: JsonRpcProvider;
const GAS = "0x400000000000";
const create = async (address: string, creation: string) =>
  provider.send("anvil_setCode", [
    address,
    await provider.send("eth_call", [{ data: creation, gas: GAS }, "latest"]),
  ]);
beforeAll(async () => {
  anvil = await startAnvil({ timestamp: 1_700_000_000 });
  provider = new JsonRpcProvider(anvil.rpcUrl, anvil.chainId, { staticNetwork: true });
  await create(SCORES, devBreachScoresArtifact.bytecode);
});
afterAll(async () => {
  provider?.destroy();
  await anvil?.stop();
});

async function call(name: string, args: readonly unknown[]) {
  const data = contract.encodeFunctionData(name, args);
  return contract.decodeFunctionResult(
    name,
    await provider.send("eth_call", [{ to: SCORES, data, gas: GAS }, "latest"]),
  );
}

const toHex = (bytes: Uint8Array): string => `0x${Buffer.from(bytes).toString("hex")}`;
const randomRow = () => Int16Array.from({ length: 20 }, () => random.integer(65_536) - 32_768);
/** Below `limit`, of every magnitude. */
const randomBelow = (limit: bigint): bigint => {
  const any = [0, 1, 2].reduce((x) => (x << 31n) + BigInt(random.integer(2 ** 31)), 0n);
  return (any >> BigInt(random.integer(90))) % limit;
};

interface Question {
  readonly features: Int16Array;
  readonly weights: readonly bigint[];
  readonly holding: number;
  readonly target: bigint;
  readonly band: bigint;
}

/** Most inside their bands, some on an edge or beyond, some with nothing or all, weights rounded down as a vault's. */
function randomQuestion(): Question {
  const count = 2 + random.integer(6);
  const cuts = Array.from({ length: count - 1 }, () => randomBelow(WAD + 1n)).sort((a, b) =>
    a < b ? -1 : 1,
  );
  const weights = [...cuts, WAD].map((cut, i) => cut - (cuts[i - 1] ?? 0n));
  if (random.integer(2) === 0) weights[0] = weights[0]! > 3n ? weights[0]! - 3n : 0n;
  const holding = random.integer(count);
  const band = 1n + randomBelow(WAD / 4n);
  const own = weights[holding]!;
  const moved = own + (random.integer(2) === 0 ? 1n : -1n) * randomBelow(band + band / 10n + 2n);
  const target = random.integer(20) === 0 ? own + band : moved < 0n ? 0n : moved > WAD ? WAD : moved;
  return { features: randomRow(), weights, holding, target, band };
}

describe("breach score in the EVM", () => {
  it(`behaviour: ${NETWORKS * QUESTIONS} random questions have the same scores and the same refusals`, {
    timeout: 120_000,
  }, async () => {
    let refused = 0;
    for (let n = 0; n < NETWORKS; n++) {
      const network = randomNetwork(random, [24, 32, 16, 4]);
      const code = holderCode(networkBytes(network));
      await create(HOLDER, code);
      const questions = Array.from({ length: QUESTIONS }, randomQuestion);
      const [results] = await call("examine", [
        HOLDER,
        questions.map((q) => ({ ...q, features: toHex(featureBytes(q.features)) })),
      ]);
      const scorer = toBreachScorer(network);
      const expected = questions.map(({ features, weights, holding, target, band }) => {
        const of = (value: bigint) => weights.map((_, i) => (i === holding ? value : 0n));
        try {
          return [...scorer.score(features, { weights, targets: of(target), bands: of(band) }, holding)];
        } catch (error) {
          expect(error).toBeInstanceOf(ScoreRangeError);
          refused++;
          return ["NotScorable", BigInt(holding), weights[holding], target, band];
        }
      });
      const found = (results as string[]).map((result) => {
        const bytes = Buffer.from(result.slice(2), "hex");
        if (bytes.length === 128) return [28, 60, 92, 124].map((at) => bytes.readInt32BE(at));
        const error = contract.parseError(result)!;
        return [error.name, ...error.args];
      });
      expect(found).toEqual(expected);
    }
    expect(refused).toBeGreaterThan((NETWORKS * QUESTIONS) / 50);
    expect(refused).toBeLessThan((NETWORKS * QUESTIONS) / 2);
  });

  it("behaviour: 5000 logarithms of every magnitude are the same", async () => {
    const values = Array.from({ length: 5000 }, (_, n) => {
      let x = 1n;
      for (let bit = 0; bit < n % 256; bit++) x = 2n * x + BigInt(random.integer(2));
      return x;
    });
    const [logs] = await call("log2OfWad", [values]);
    expect([...logs]).toEqual(values.map(log2OfWad));
  });

  it("behaviour: leaves are the same, every proof holds, and none does for another row", async () => {
    for (let count = 1; count <= 12; count++) {
      const assets = Array.from({ length: count - 1 }, (_, i) => `ASSET${i}`);
      const rows = toFeatureRows(assets, Array.from({ length: count }, randomRow));
      const root = featuresRoot(rows);
      for (const [index, row] of rows.entries()) {
        const path = featuresProof(rows, index);
        const packed = toHex(featureBytes(row.features));
        expect((await call("leaf", [row.assetId, packed]))[0]).toBe(featureLeaf(row));
        expect((await call("isProven", [root, row.assetId, packed, path]))[0]).toBe(true);
        expect((await call("isProven", [root, assetId("OTHER"), packed, path]))[0]).toBe(false);
        const features = row.features.slice();
        features[random.integer(20)]! ^= 1 << random.integer(16);
        const changed = toHex(featureBytes(features));
        expect((await call("isProven", [root, row.assetId, changed, path]))[0]).toBe(false);
      }
    }
  });
});
