import { type VaultState, weightsOf } from "@ballast/agent";
import type { Decision, MarketEvidence } from "@ballast/attest";
import type { Hex } from "@ballast/data";
import { BREACH_INPUTS, BREACH_OUTPUTS, networkId, readNetwork, toBreachScorer } from "@ballast/model";
import { equal, type Finding } from "./verify.ts";

const TITLE = "The vault's integer network, run again here";

const toBytes = (hex: string): Uint8Array =>
  Uint8Array.from({ length: hex.length / 2 - 1 }, (_, i) =>
    Number.parseInt(hex.slice(2 * i + 2, 2 * i + 4), 16),
  );

/** Features as the vault was given them: int16 after int16, big-endian. */
function toFeatures(hex: string): Int16Array {
  const bytes = toBytes(hex);
  const view = new DataView(bytes.buffer);
  return Int16Array.from({ length: bytes.length / 2 }, (_, i) => view.getInt16(2 * i));
}

/**
 * The network's hash, and the score that it gives the decision's holding: against the one shown, and against what the
 * vault wants. Throws BadNetworkError, ScoreRangeError.
 */
export function runNetwork(request: {
  readonly decision: Decision;
  readonly state: VaultState;
  readonly market: MarketEvidence;
  readonly network: string | undefined;
  readonly shownScore: number | null | undefined;
}): Finding[] {
  const { decision, state, market, network, shownScore } = request;
  if (network === undefined)
    return [
      { title: TITLE, status: "open", detail: `this service does not have the network ${decision.modelId}` },
    ];
  const bytes = toBytes(network);
  const identity = equal(
    "The network is the one the decision names",
    `the hash of its ${bytes.length} bytes`,
    networkId(bytes),
    decision.modelId as Hex,
  );
  if (identity.status === "fail") return [identity];
  const parsed = readNetwork(bytes);
  const width = parsed.layers.at(-1)?.outputs;
  if (parsed.layers[0]?.inputs !== BREACH_INPUTS || width !== BREACH_OUTPUTS)
    return [
      identity,
      { title: TITLE, status: "fail", detail: `it has ${width} outputs, a vault's has ${BREACH_OUTPUTS}` },
    ];
  const own = {
    weights: weightsOf(state),
    targets: state.holdings.map(({ targetWeight }) => targetWeight),
    bands: state.holdings.map(({ band }) => band),
  };
  const scores = toBreachScorer(parsed).score(toFeatures(market.features), own, decision.holding);
  const score = scores[state.scoreHorizon];
  const isEnough = score !== undefined && score >= state.minScore;
  const asset = state.holdings[decision.holding]?.asset ?? `holding ${decision.holding}`;
  return [
    identity,
    {
      title: TITLE,
      status: isEnough ? "pass" : "fail",
      detail: `${asset} scores ${score}, and the vault wants ${state.minScore}`,
    },
    equal("The score shown is the network's", "it", shownScore, score),
  ];
}
