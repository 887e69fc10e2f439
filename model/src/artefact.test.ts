import { type Hex, keccak, seededRandom } from "@ballast/data";
import { describe, expect, it } from "vitest";
import { BadModelError, modelBytes, modelId, readModel } from "./artefact.ts";
import { randomArtefact } from "./artefacts.fixture.ts";
import { BreachShapeError, readBreachNetwork } from "./breach-score.ts";
import { BadNetworkError, networkBytes } from "./integer-network-bytes.ts";
import { randomNetwork } from "./integer-networks.fixture.ts";

const hex = (bytes: Uint8Array): Hex => `0x${Buffer.from(bytes).toString("hex")}`;

const artefact = randomArtefact(1);
const bytes = modelBytes(artefact);
type Json = Record<string, unknown>;
const edited = (edit: (file: Json) => void): Uint8Array => {
  const file = JSON.parse(Buffer.from(bytes).toString("utf8")) as Json;
  edit(file);
  return Buffer.from(JSON.stringify(file), "utf8");
};

describe("model bytes", () => {
  it("default: read back equal, and named by their hash", () => {
    expect(readModel(bytes)).toEqual(artefact);
    expect(modelBytes(readModel(bytes))).toEqual(bytes);
    expect(modelId(bytes)).toBe(keccak(bytes));
    expect(modelId(modelBytes(randomArtefact(2)))).not.toBe(modelId(bytes));
  });

  it("default: a model without a predictive distribution reads back without one", () => {
    const { logQuantiles: _, ...point } = artefact;
    expect(readModel(modelBytes(point))).toEqual(point);
  });

  it.each<[string, (file: Json) => void]>([
    ["format", (f) => (f.format = "ballast-network/1")],
    ["features", (f) => (f.features as string[]).pop()],
    ["horizonsHours", (f) => (f.horizonsHours = [1, 4, 24, 72])],
    ["mean", (f) => (f.mean as number[]).push(0)],
    ["scale[3]", (f) => ((f.scale as unknown[])[3] = null)],
    ["logBias", (f) => delete f.logBias],
    ["linear.weights", (f) => ((f.linear as Json).weights as number[]).pop()],
    ["linear", (f) => (f.linear = [])],
    ["members[0]", (f) => ((f.members as unknown[])[0] = [])],
    ["members[1][1].inputs", (f) => ((f.members as Json[][])[1]![1]!.inputs = 23)],
    ["members[1][2].outputs", (f) => ((f.members as Json[][])[1]![2]!.outputs = 5)],
    ["logQuantiles", (f) => (f.logQuantiles as unknown[]).pop()],
    ["logQuantiles[2]", (f) => (f.logQuantiles as number[][])[2]!.reverse()],
    ["correlationHalfLifeHours", (f) => (f.correlationHalfLifeHours = 0)],
    ["breachCalibration.b", (f) => ((f.breachCalibration as Json).b = "1")],
    ["breachNetwork", (f) => (f.breachNetwork = "0X00")],
    ["the file", (f) => (f.extra = 1)],
  ])("error: %s", (field, edit) => {
    const read = () => readModel(edited(edit));
    expect(read).toThrow(BadModelError);
    expect(read).toThrow(`${field} is`);
  });

  it("behaviour: the network of a vault reads back, and changes the id", () => {
    const network = randomNetwork(seededRandom(1), [24, 32, 16, 4]);
    const held = { ...artefact, breachNetwork: hex(networkBytes(network)) };
    expect(readModel(modelBytes(held))).toEqual(held);
    expect(readBreachNetwork(held.breachNetwork)).toEqual(network);
    expect(modelId(modelBytes(held))).not.toBe(modelId(bytes));
  });

  it("error: bytes of no network, and of one that no vault can run", () => {
    const withNetwork = (network: Uint8Array) => () =>
      readModel(modelBytes({ ...artefact, breachNetwork: hex(network) }));
    expect(withNetwork(new Uint8Array(40))).toThrow(BadNetworkError);
    const narrow = networkBytes(randomNetwork(seededRandom(1), [23, 8, 4]));
    expect(withNetwork(narrow)).toThrow(BreachShapeError);
    expect(withNetwork(narrow)).toThrow("has 23 inputs and 4 outputs");
  });

  it("error: bytes that are no JSON, and JSON in another spelling", () => {
    expect(() => readModel(Buffer.from("model"))).toThrow(/not JSON/);
    expect(() => readModel(Buffer.concat([bytes, Buffer.from(" ")]))).toThrow(/not in canonical form/);
  });
});
