import { BallastError, type UnixMillis } from "@ballast/data";
import type { PolicyOptions } from "./policyOptions.ts";

export interface AgentOptions extends PolicyOptions {
  readonly rpc: string;
  readonly vault: string;
  readonly chain?: number;
  readonly keystore?: string;
  readonly passwordFile?: string;
  readonly dryRun?: boolean;
  readonly model?: string;
  readonly artefacts: string;
  readonly exchange: string;
  readonly exchangeUrl?: string;
  readonly quote: string;
  readonly store: string;
  readonly bars?: string;
  readonly assets?: string[];
  readonly interval: number;
  readonly venue: string;
  readonly notary?: string[];
  readonly attest: "offchain" | "onchain";
  readonly references?: string;
  readonly etherPrice?: number;
  readonly maxGasGwei?: number;
  readonly journal: string;
  readonly redis?: string;
  readonly once?: boolean;
  readonly at?: UnixMillis;
}

export class AgentOptionError extends BallastError {
  readonly code = "AGENT_OPTION";
}

/** Refuses what does not go together. Errors: AgentOptionError */
export function checkOptions(options: AgentOptions): void {
  if (options.at !== undefined && !options.once)
    throw new AgentOptionError("--at goes with --once: it decides at that one hour.");
  if (options.policy === "predictive" && options.model === undefined)
    throw new AgentOptionError("--policy predictive needs --model; train one with `ballast train`.");
  if (!/^0x[0-9a-fA-F]{40}$/.test(options.vault))
    throw new AgentOptionError(`--vault ${options.vault} is no address; give 0x and 40 hexadecimal digits.`);
  if (!/^0x[0-9a-fA-F]{40}$/.test(options.venue))
    throw new AgentOptionError(`--venue ${options.venue} is no address; give 0x and 40 hexadecimal digits.`);
  for (const name of ["etherPrice", "maxGasGwei"] as const) {
    const value = options[name];
    if (value !== undefined && !(value > 0 && Number.isFinite(value)))
      throw new AgentOptionError(
        `--${name === "etherPrice" ? "ether-price" : "max-gas-gwei"} ${value} is no positive number.`,
      );
  }
}
