import { devNetworksArtifact, startAnvil } from "@ballast/contracts";
import { networkBytes, toRunner } from "@ballast/model";
import { Interface, JsonRpcProvider } from "ethers";
import type { BenchmarkOptions } from "./benchmark.ts";
import { toNetworkPair } from "./inference-network.ts";
import type { Row } from "./measure.ts";

const SHAPES = [
  [24, 32, 16, 4],
  [48, 64, 32, 8],
] as const;
const NETWORKS = "0x00000000000000000000000000000000000b1a57";
const HOLDER = "0x00000000000000000000000000000000000b1a58";

/** Gas of running a network that another contract holds as its code, cold, beside plain loops over the same bytes. */
export async function inferenceGas({ log }: BenchmarkOptions): Promise<readonly Row[]> {
  const anvil = await startAnvil({ timestamp: 1_700_000_000 });
  const provider = new JsonRpcProvider(anvil.rpcUrl, anvil.chainId, { staticNetwork: true });
  try {
    const contract = new Interface(devNetworksArtifact.abi);
    const call = async (name: string, input: readonly number[]) => {
      const data = contract.encodeFunctionData(name, [HOLDER, input]);
      const reply = await provider.send("eth_call", [{ to: NETWORKS, data }, "latest"]);
      return contract.decodeFunctionResult(name, reply)[0];
    };
    const code = await provider.send("eth_call", [{ data: devNetworksArtifact.bytecode }, "latest"]);
    await provider.send("anvil_setCode", [NETWORKS, code]);
    const rows: Row[] = [];
    for (const widths of SHAPES) {
      log(`running a ${widths.join("-")} network on chain`);
      const { integer, rows: inputs } = toNetworkPair(widths);
      const bytes = Buffer.from(networkBytes(integer));
      await provider.send("anvil_setCode", [HOLDER, `0x${bytes.toString("hex")}`]);
      const input = [...inputs.subarray(0, widths[0])];
      const expected = new Int32Array(widths.at(-1)!);
      toRunner(integer).run(inputs, 0, expected);
      for (const name of ["run", "runPlain"]) {
        const found = [...(await call(name, input))].map(Number);
        if (found.join() !== expected.join())
          throw new Error(`${name} says ${found} on chain where TypeScript says ${expected}`);
      }
      rows.push({
        name: `inference_gas_${widths.join("_")}`,
        value: Number(await call("gasOfRun", input)),
        unit: "gas",
        better: "less",
        peer: "plain loops in Solidity over the same bytes",
        peerValue: Number(await call("gasOfRunPlain", input)),
      });
    }
    return rows;
  } finally {
    provider.destroy();
    await anvil.stop();
  }
}
