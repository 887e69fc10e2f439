import { describe, expect, it } from "vitest";
import { toGasLimit } from "./gas-limit.ts";

describe("toGasLimit", () => {
  it.each<[string, number | undefined, bigint | undefined, bigint | undefined]>([
    ["neither", undefined, undefined, undefined],
    ["the operator's alone", undefined, 5n, 5n],
    ["the policy's, down to the wei", 1.123_456_789_9, undefined, 1_123_456_789n],
    ["the lower of both", 2, 5n, 5n],
    ["the lower of both", 2, 5_000_000_000n, 2_000_000_000n],
    ["no limit of the policy's", Number.POSITIVE_INFINITY, 5n, 5n],
    ["a price that allows nothing", 0, undefined, 0n],
    ["a price that is none", Number.NaN, 5n, 0n],
  ])("default: %s", (_, highestGasGwei, operatorLimit, limit) => {
    const numbers = highestGasGwei === undefined ? {} : { highestGasGwei };
    expect(toGasLimit(numbers, operatorLimit)).toBe(limit);
    if (highestGasGwei === undefined) expect(toGasLimit(undefined, operatorLimit)).toBe(limit);
  });
});
