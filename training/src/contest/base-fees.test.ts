import { describe, expect, it } from "vitest";
import { BadBaseFeesError, parseBaseFees, readBaseFees } from "./base-fees.ts";

describe("parseBaseFees", () => {
  it("default: an hour is known when it ends, a moment at once", () => {
    const hours = parseBaseFees(
      "h.csv",
      "hour_utc,base_fee_gwei_median\n2023-10-27 00:00:00+00:00,15\n2023-10-27 01:00:00,16\n",
    );
    expect([...hours.publishedAt]).toEqual([Date.UTC(2023, 9, 27, 1), Date.UTC(2023, 9, 27, 2)]);
    expect([...hours.value]).toEqual([15, 16]);
    const blocks = parseBaseFees("b.csv", "block,unix_seconds_approx,base_fee_gwei\n7,1628167011,5.5\n");
    expect(blocks.publishedAt[0]).toBe(1_628_167_011_000);
  });
  it.each([
    ["block,price\n1,2", /columns block, price/],
    ["hour,base_fee\n2023-01-01 00:00,0", /on line 2/],
    ["hour,base_fee\nnever,1", /on line 2/],
    ["seconds,base_fee\n2,1\n1,1", /on line 3/],
  ])("error: %j", (text, message) => {
    expect(() => parseBaseFees("x.csv", text)).toThrow(BadBaseFeesError);
    expect(() => parseBaseFees("x.csv", text)).toThrow(message);
  });
  it("error: a file that is not there", async () => {
    await expect(readBaseFees("/nowhere.csv")).rejects.toThrow(/cannot be read/);
  });
});
