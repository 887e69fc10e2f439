import { Check } from "typebox/value";
import { describe, expect, test } from "vitest";
import { BacktestRequest } from "../../../src/schemas/backtests.ts";
import { toRequest } from "./backtest-form.ts";

function filled(changes: Readonly<Record<string, string>> = {}): FormData {
  const values = new FormData();
  const given = {
    data: "hourly",
    from: "",
    until: "2023-12-01",
    targets: "BTC 0.25, eth=0.3",
    band: "0.02",
    nav: "1000000",
    model: "none",
    ...changes,
  };
  for (const [name, value] of Object.entries(given)) values.append(name, value);
  values.append("policy", "threshold");
  return values;
}
const targetsOf = (targets: string) =>
  (toRequest(filled({ targets })) as { portfolio: { targets: Record<string, number> } }).portfolio.targets;

describe("the form of a backtest", () => {
  test("default: gives the service what its schema takes", () => {
    const request = toRequest(filled());
    expect(Check(BacktestRequest, request)).toBe(true);
    expect(request).toMatchObject({ until: "2023-12-01", policies: [{ name: "threshold" }] });
    expect(request).not.toHaveProperty("from");
  });
  test("behaviour: the base asset takes the rest, unless it is given or nothing is left", () => {
    expect(targetsOf("BTC 0.25, eth=0.3")).toEqual({ BTC: 0.25, ETH: 0.3, USDC: 0.45 });
    expect(targetsOf("BTC 0.1,ETH 0.2,SOL 0.3")).toEqual({ BTC: 0.1, ETH: 0.2, SOL: 0.3, USDC: 0.4 });
    expect(targetsOf("USDC:0.4 , BTC:0.6")).toEqual({ USDC: 0.4, BTC: 0.6 });
    expect(targetsOf("BTC 0.5, ETH 0.5")).toEqual({ BTC: 0.5, ETH: 0.5 });
  });
});
