/** The same networks and inputs in TypeScript, in the plain twin and in the EVM: the same bits, the same refusals. */
import { type Anvil, devNetworksArtifact, startAnvil } from "@ballast/contracts";
import { seededRandom } from "@ballast/data";
import { Interface, JsonRpcProvider } from "ethers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { toRunner } from "../src/integer-network.ts";
import { type BadNetworkError, holderCode, networkBytes, readNetwork } from "../src/integer-network-bytes.ts";
import { twinCheck, twinRun } from "../src/integer-network-twin.fixture.ts";
import { malformedNetworks, randomInt16, randomNetwork } from "../src/integer-networks.fixture.ts";

const CASES = 10_000;
const BATCH = 250;
const DEV_NETWORKS = "0x00000000000000000000000000000000000b1a57";
const contract = new Interface(devNetworksArtifact.abi);

let anvil: Anvil;
let provider: JsonRpcProvider;
beforeAll(async () => {
  anvil = await startAnvil({ timestamp: 1_700_000_000 });
  provider = new JsonRpcProvider(anvil.rpcUrl, anvil.chainId, { staticNetwork: true });
  const created = await provider.send("eth_call", [{ data: devNetworksArtifact.bytecode }, "latest"]);
  await provider.send("anvil_setCode", [DEV_NETWORKS, created]);
});
afterAll(async () => {
  provider?.destroy();
  await anvil?.stop();
});

interface Case {
  readonly bytes: Uint8Array;
  readonly input: readonly number[];
}

const toPacked = (input: readonly number[]): Uint8Array => {
  const packed = Buffer.alloc(2 * input.length);
  for (const [i, value] of input.entries()) packed.writeInt16BE(value, 2 * i);
  return packed;
};

// `bytes[]` in ABI encoding by hand: ethers takes ten times as long over a megabyte.
const toWord = (value: number): Buffer => {
  const word = Buffer.alloc(32);
  word.writeUInt32BE(value, 28);
  return word;
};

function toBytesArray(list: readonly Uint8Array[]): Buffer {
  const tails = list.map((bytes) =>
    Buffer.concat([toWord(bytes.length), bytes, Buffer.alloc(31 - ((bytes.length + 31) % 32))]),
  );
  let offset = 32 * list.length;
  const heads = tails.map(({ length }) => {
    offset += length;
    return toWord(offset - length);
  });
  return Buffer.concat([toWord(list.length), ...heads, ...tails]);
}

function readBytesArray(bytes: Buffer): Buffer[] {
  const elements = bytes.subarray(32);
  return Array.from({ length: bytes.readUInt32BE(28) }, (_, n) => {
    const element = elements.subarray(elements.readUInt32BE(32 * n + 28));
    return element.subarray(32, 32 + element.readUInt32BE(28));
  });
}

/** Outputs, or name and values of the error, as the EVM has them. */
async function examine(cases: readonly Case[]): Promise<(number | string)[][]> {
  // The node takes 2 MB in one request.
  if (cases.length > BATCH)
    return [...(await examine(cases.slice(0, BATCH))), ...(await examine(cases.slice(BATCH)))];
  const codes = toBytesArray(cases.map(({ bytes }) => Buffer.from(holderCode(bytes).slice(2), "hex")));
  const inputs = toBytesArray(cases.map(({ input }) => toPacked(input)));
  const selector = contract.getFunction("examine")!.selector;
  const args = Buffer.concat([toWord(64), toWord(64 + codes.length), codes, inputs]).toString("hex");
  const call = { to: DEV_NETWORKS, data: selector + args, gas: "0x400000000000" };
  const reply: string = await provider.send("eth_call", [call, "latest"]);
  // Past the offset of the only result.
  return readBytesArray(Buffer.from(reply.slice(2), "hex").subarray(32)).map((result) => {
    if (result.length % 32 === 0)
      return Array.from({ length: result.length / 32 }, (_, o) => result.readInt32BE(32 * o + 28));
    const error = contract.parseError(`0x${result.toString("hex")}`)!;
    return [error.name, ...error.args.map(Number)];
  });
}

describe("integer network in the EVM", () => {
  it(`behaviour: ${CASES} random networks and inputs say the same in all three`, {
    timeout: 120_000,
  }, async () => {
    const random = seededRandom(11, "evm");
    let saturated = 0;
    for (let first = 0; first < CASES; first += BATCH) {
      const networks = Array.from({ length: BATCH }, () => randomNetwork(random));
      const cases = networks.map((network) => ({
        bytes: networkBytes(network),
        input: Array.from({ length: network.layers[0]!.inputs }, () => randomInt16(random)),
      }));
      const outputs = networks.map((network, n) => {
        const output = new Int32Array(network.layers.at(-1)!.outputs);
        toRunner(network).run(Int16Array.from(cases[n]!.input), 0, output);
        return [...output];
      });
      expect(await examine(cases)).toEqual(outputs);
      expect(cases.map(({ bytes, input }) => twinRun(bytes, input))).toEqual(outputs);
      saturated += outputs.filter((output) => output.includes(32_767) || output.includes(-32_768)).length;
    }
    expect(saturated).toBeGreaterThan(CASES / 10);
    expect(saturated).toBeLessThan((CASES * 9) / 10);
  });

  it("behaviour: wide networks, with inputs at both ends", async () => {
    const random = seededRandom(12, "evm");
    const cases = [
      [24, 32, 16, 4],
      [48, 64, 32, 8],
      [255, 16, 200],
      [1, 255, 16],
      [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1],
    ].flatMap((widths) => {
      const bytes = networkBytes(randomNetwork(random, widths));
      const length = widths[0]!;
      return [
        Array.from({ length }, () => randomInt16(random)),
        Array.from({ length }, () => -32_768),
        Array.from({ length }, () => 32_767),
      ].map((input) => ({ bytes, input }));
    });
    expect(await examine(cases)).toEqual(cases.map(({ bytes, input }) => twinRun(bytes, input)));
  });

  it("error: malformed networks are refused with the same name and values", async () => {
    const sound = networkBytes(randomNetwork(seededRandom(1), [3, 5, 17, 2]));
    const random = seededRandom(13, "evm");
    const faults = [
      ...malformedNetworks(sound).map(({ bytes }) => bytes),
      ...Array.from({ length: 1000 }, () => {
        const bytes = sound.slice();
        bytes[random.integer(bytes.length)] = random.integer(256);
        return bytes;
      }),
    ].filter((bytes) => {
      try {
        twinCheck(bytes);
        return false;
      } catch {
        return true;
      }
    });
    expect(faults.length).toBeGreaterThan(100);
    const refusals = faults.map((bytes) => {
      try {
        return readNetwork(bytes);
      } catch (error) {
        const { fault, values } = error as BadNetworkError;
        return [fault, ...values];
      }
    });
    expect(await examine(faults.map((bytes) => ({ bytes, input: [1, 2, 3] })))).toEqual(refusals);
  });

  it("error: NetworkTooLong, of code that only a node without the limit on its size can hold", async () => {
    const holder = "0x00000000000000000000000000000000000000ff";
    await provider.send("anvil_setCode", [holder, `0x${"00".repeat(24_577)}`]);
    const data = contract.encodeFunctionData("check", [holder]);
    const call = provider.send("eth_call", [{ to: DEV_NETWORKS, data }, "latest"]);
    const error = await call.catch((reason) => reason);
    expect(error.data).toBe(contract.encodeErrorResult("NetworkTooLong", [24_577]));
  });

  it("error: more or fewer inputs than the network has", async () => {
    const bytes = networkBytes(randomNetwork(seededRandom(1), [3, 5, 17, 2]));
    const cases = [[1, 2], [], [1, 2, 3, 4]].map((input) => ({ bytes, input }));
    expect(await examine(cases)).toEqual([
      ["NetworkInput", 2, 3],
      ["NetworkInput", 0, 3],
      ["NetworkInput", 4, 3],
    ]);
  });
});
