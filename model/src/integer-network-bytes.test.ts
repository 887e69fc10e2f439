import { readFileSync } from "node:fs";
import { seededRandom } from "@ballast/data";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type IntegerNetwork, toRunner } from "./integer-network.ts";
import {
  BadNetworkError,
  holderCode,
  networkBytes,
  networkId,
  readNetwork,
} from "./integer-network-bytes.ts";
import { TwinFault, twinCheck, twinRun } from "./integer-network-twin.fixture.ts";
import { malformedNetworks, randomNetwork } from "./integer-networks.fixture.ts";

const sound = networkBytes(randomNetwork(seededRandom(1), [3, 5, 17, 2]));

/** Fault and values, or undefined where the bytes are sound. */
function faultOf(bytes: Uint8Array): [string, readonly number[]] | undefined {
  try {
    readNetwork(bytes);
    return undefined;
  } catch (error) {
    if (!(error instanceof BadNetworkError)) throw error;
    return [error.fault, error.values];
  }
}

function twinFaultOf(bytes: Uint8Array): [string, readonly number[]] | undefined {
  try {
    twinCheck(bytes);
    return undefined;
  } catch (error) {
    if (!(error instanceof TwinFault)) throw error;
    return [error.message, error.values];
  }
}

describe("bytes of an integer network", () => {
  it("default: read back as written, at the size that the widths say", () => {
    const network = randomNetwork(seededRandom(2), [24, 32, 16, 4]);
    const bytes = networkBytes(network);
    // header, two groups of 24 inputs, one of 32, one of 16
    expect(bytes.length).toBe(32 + 2 * (64 + 24 * 32) + (64 + 32 * 32) + (64 + 16 * 32));
    expect(readNetwork(bytes)).toEqual(network);
    expect(networkId(bytes)).toMatch(/^0x[0-9a-f]{64}$/);
    expect(holderCode(bytes)).toBe(`0x610d2080600a5f395ff3${Buffer.from(bytes).toString("hex")}`);
  });

  it("default: the example of docs/integer-network.md", () => {
    const text = readFileSync(new URL("../../docs/integer-network.md", import.meta.url), "utf8");
    const rows = [...text.matchAll(/^((?:[0-9a-f]{8} ){7}[0-9a-f]{8})/gm)].map(([row]) =>
      row.replaceAll(" ", ""),
    );
    const bytes = Buffer.from(rows.join(""), "hex");
    const network: IntegerNetwork = {
      layers: [
        { inputs: 2, outputs: 2, weights: Int16Array.of(3, -2, -1, 4), bias: Int32Array.of(8, 8), shift: 4 },
        { inputs: 2, outputs: 1, weights: Int16Array.of(5, -6), bias: Int32Array.of(-100), shift: 1 },
      ],
      inputFractionBits: 10,
      outputFractionBits: 10,
    };
    expect(Buffer.from(networkBytes(network))).toEqual(bytes);
    expect(text).toContain(`\`modelId\` = \`${networkId(bytes)}\``);
    const output = new Int32Array(1);
    toRunner(readNetwork(bytes)).run(Int16Array.of(100, 50), 0, output);
    expect(text).toContain(`The output is ${output[0]}.`);
    expect(twinRun(bytes, [100, 50])).toEqual([...output]);
    for (const [, fault] of text.matchAll(/^\| `(Network\w+)`/gm)) {
      expect(
        malformedNetworks(sound)
          .map(({ name }) => name)
          .concat("NetworkTooLong"),
      ).toContain(fault);
    }
  });

  it("behaviour: bytes at an offset of a larger buffer are read alike", () => {
    const larger = new Uint8Array(sound.length + 7);
    larger.set(sound, 5);
    expect(readNetwork(larger.subarray(5, 5 + sound.length))).toEqual(readNetwork(sound));
  });

  it.each(malformedNetworks(sound).map(({ name, bytes }, n) => [name, n, bytes] as const))(
    "error: %s (%i), with the values of the twin",
    (name, _, bytes) => {
      expect(faultOf(bytes)![0]).toBe(name);
      expect(faultOf(bytes)).toEqual(twinFaultOf(bytes));
    },
  );

  it("behaviour: a sum may reach either end of int32, not one more, in hidden layers from 0 on", () => {
    const unit = (bias: number, weight: number): IntegerNetwork["layers"][number] => ({
      inputs: 1,
      outputs: 1,
      weights: Int16Array.of(weight),
      bias: Int32Array.of(bias),
      shift: 0,
    });
    const isSound = (...layers: IntegerNetwork["layers"]) => {
      try {
        return networkBytes({ layers, inputFractionBits: 0, outputFractionBits: 0 }).length > 0;
      } catch (error) {
        expect((error as BadNetworkError).fault).toBe("NetworkOverflow");
        return false;
      }
    };
    const max = 2 ** 31 - 1;
    const min = -(2 ** 31);
    expect([max - 32_767, max - 32_766].map((bias) => isSound(unit(bias, 1)))).toEqual([true, false]);
    expect([min + 32_768, min + 32_767].map((bias) => isSound(unit(bias, 1)))).toEqual([true, false]);
    const inner = (bias: number, weight: number) => isSound(unit(0, 1), unit(bias, weight));
    expect([min + 32_767, min + 32_766].map((bias) => inner(bias, -1))).toEqual([true, false]);
    expect([inner(min, 1), inner(max, -1)]).toEqual([true, true]);
  });

  it("error: NetworkTooLong, read or written", () => {
    expect(faultOf(new Uint8Array(24_577))).toEqual(["NetworkTooLong", [24_577]]);
    expect(twinFaultOf(new Uint8Array(24_577))).toEqual(["NetworkTooLong", [24_577]]);
    expect(() => networkBytes(randomNetwork(seededRandom(3), [200, 200, 1]))).toThrow(/NetworkTooLong/);
  });

  it("behaviour: whatever byte changes, implementation and twin find the same fault, or none and another network", () => {
    fc.assert(
      fc.property(fc.nat(sound.length - 1), fc.nat(255), (at, value) => {
        const bytes = sound.slice();
        bytes[at] = value;
        const fault = faultOf(bytes);
        expect(fault).toEqual(twinFaultOf(bytes));
        if (fault === undefined) expect(networkBytes(readNetwork(bytes))).toEqual(bytes);
      }),
      { seed: 5, numRuns: 3000 },
    );
  });

  it("error: a network that no bytes can say", () => {
    const network = readNetwork(sound);
    const change = (change: Partial<IntegerNetwork["layers"][number]>): IntegerNetwork => ({
      ...network,
      layers: network.layers.map((layer, l) => (l === 1 ? { ...layer, ...change } : layer)),
    });
    const refusal = (changed: IntegerNetwork) => {
      try {
        networkBytes(changed);
      } catch (error) {
        return [(error as BadNetworkError).fault, ...(error as BadNetworkError).values];
      }
      return undefined;
    };
    expect(refusal(change({ inputs: 4 }))).toEqual(["NetworkShape", 1, 4, 5]);
    expect(refusal(change({ weights: new Int16Array(3) }))).toEqual(["NetworkShape", 1, 3, 85]);
    expect(refusal(change({ bias: new Int32Array(16) }))).toEqual(["NetworkShape", 1, 16, 17]);
    expect(refusal(change({ outputs: 256 }))).toEqual(["NetworkWidth", 2, 256]);
    expect(refusal(change({ shift: 32 }))).toEqual(["NetworkShift", 1, 32]);
    expect(refusal(change({ shift: 0.5 }))).toEqual(["NetworkShift", 1, 0.5]);
    expect(refusal({ ...network, layers: [] })).toEqual(["NetworkLayerCount", 0]);
    expect(refusal({ ...network, inputFractionBits: -1 })).toEqual(["NetworkFractionBits", -1]);
    expect(refusal({ ...network, outputFractionBits: 16 })).toEqual(["NetworkFractionBits", 16]);
    const heavy = change({ weights: new Int16Array(85).fill(32_767) });
    expect(refusal(heavy)).toEqual(["NetworkOverflow", 1, 0]);
  });

  it("error: the message names the fault, its values and the remedy", () => {
    expect(() => readNetwork(sound.slice(0, -1))).toThrow(
      "NetworkWrongSize: this is no network that can be run: it has 1,247 bytes where its header says 1,248.",
    );
  });
});
