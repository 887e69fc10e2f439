import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { WeightsNotOneError } from "../backtest/market.ts";
import { BadBasketError, NotInBarsError, parseBasket, requireBars, showBasket } from "./basket.ts";

describe("parseBasket", () => {
  it("default: USD first, the others by name, however it is written", () => {
    expect(parseBasket("USD=0.4,BTC=0.3,ETH=0.3")).toEqual({ USD: 0.4, BTC: 0.3, ETH: 0.3 });
    for (const text of ["USD=0.4,BTC=0.3,ETH=0.3", " eth=.3, btc=0.30 ,usd=0.4"])
      expect(showBasket(parseBasket(text))).toBe("USD=0.4,BTC=0.3,ETH=0.3");
  });
  it("behaviour: tenths that sum to one as decimals do so as doubles, in any order", () => {
    const parts = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 2, maxLength: 8 });
    fc.assert(
      fc.property(parts, (tenths) => {
        const sum = tenths.reduce((a, b) => a + b, 0);
        const text = tenths.map((part, i) => `A${i}=0.${part}`).join(",");
        if (sum === 10) expect(Object.values(parseBasket(text))).toHaveLength(tenths.length);
        else expect(() => parseBasket(text)).toThrow(WeightsNotOneError);
      }),
      { seed: 1 },
    );
  });
  it.each([
    ["BTC=0.5,ETH=0.4", WeightsNotOneError, "sum to 0.9"],
    ["BTC=1,ETH=0", WeightsNotOneError, "above 0"],
    ["BTC=0.5,ETH=-0.5", BadBasketError, '"ETH=-0.5"'],
    ["BTC=0.5,ETH", BadBasketError, '"ETH"'],
    ["BTC=0.5,btc=0.5", BadBasketError, "BTC twice"],
    ["BTC=1", BadBasketError, "one asset"],
    ["", BadBasketError, "Write it as USD=0.4"],
  ])("error: %s", (text, type, message) => {
    expect(() => parseBasket(text)).toThrow(type);
    expect(() => parseBasket(text)).toThrow(message);
  });
  it("error: an asset without bars is named beside those that have some", () => {
    const hours = { available: ["BTC", "ETH"], close: new Map([["BTC", new Float64Array(1)]]) };
    expect(() => requireBars({ USD: 0.5, BTC: 0.5 }, hours)).not.toThrow();
    expect(() => requireBars({ USD: 0.5, DOGE: 0.5 }, hours)).toThrow(NotInBarsError);
    expect(() => requireBars({ USD: 0.5, DOGE: 0.5 }, hours)).toThrow(
      "no bars of DOGE; there are of BTC, ETH",
    );
  });
});
