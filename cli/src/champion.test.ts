import { unixMillis } from "@ballast/data";
import type { Forecast, Forecaster } from "@ballast/model";
import { describe, expect, it } from "vitest";
import { describeExpiry, ModelExpiredError, untilExpiry } from "./champion.ts";

const champion = {
  action: "promote",
  modelId: `0x${"ab".repeat(32)}`,
  at: "2024-01-01T00:00:00Z",
  expiresAt: "2024-03-01T00:00:00Z",
  reason: "the first champion",
  isForced: false,
  evidence: null,
  previous: null,
} as const;
const EXPIRY = Date.UTC(2024, 2, 1);
const said = {} as Forecast;
const forecaster = untilExpiry(() => said, champion);
const at = (time: number) => ({ at: unixMillis(time) }) as Parameters<Forecaster>[0];

describe("champion", () => {
  it("default: forecasts until it expires, by the bar it is asked at", () => {
    expect(forecaster(at(EXPIRY - 1))).toBe(said);
    expect(describeExpiry(champion, EXPIRY - 1)).toContain("expires on 2024-03-01T00:00:00Z.");
  });

  it("error: from its expiry on it forecasts nothing, and says how to get a new one", () => {
    expect(() => forecaster(at(EXPIRY))).toThrow(ModelExpiredError);
    expect(() => forecaster(at(EXPIRY + 1))).toThrow(
      /expired on 2024-03-01T00:00:00Z, so the policy decides without it/,
    );
    expect(describeExpiry(champion, EXPIRY)).toContain(
      "expired on 2024-03-01T00:00:00Z: agents decide without it",
    );
  });
});
