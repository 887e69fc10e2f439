import { describe, expect, it } from "vitest";
import { toInterval, toList, toNamed, toTime, toUrl, toWhole } from "./options.ts";

describe("option values", () => {
  it.each([
    ["2022-01-01", Date.UTC(2022, 0, 1)],
    ["2022-01-01T12:00", Date.UTC(2022, 0, 1, 12)],
    ["2022-01-01T12:00Z", Date.UTC(2022, 0, 1, 12)],
    ["2022-01-01T12:00+02:00", Date.UTC(2022, 0, 1, 10)],
  ])("behaviour: %s is a time, in UTC where it has no zone", (text, ms) => {
    expect(toTime(text)).toBe(ms);
  });

  it.each([
    ["5m", 300_000],
    ["1h", 3_600_000],
    ["2d", 172_800_000],
  ])("behaviour: %s is an interval", (text, ms) => {
    expect(toInterval(text)).toBe(ms);
  });

  it("behaviour: lists are trimmed and upper case; numbers are whole and within their bounds", () => {
    expect(toList(" btc, ETH")).toEqual(["BTC", "ETH"]);
    expect([toWhole(0)("0"), toWhole(1, 5)("5")]).toEqual([0, 5]);
    expect(toUrl("https://mirror.example/binance")).toBe("https://mirror.example/binance");
  });

  it.each([
    [() => toTime("2022-13-01"), /write 2022-01-01/],
    [() => toTime(""), /is no time/],
    [() => toInterval("0h"), /write 5m, 1h or 1d/],
    [() => toInterval("1w"), /is no interval/],
    [() => toList("BTC,"), /empty item/],
    [() => toList("BTC,ETH,btc"), /names BTC twice/],
    [() => toWhole(1, 5)("6"), /"6" is not a whole number from 1 to 5/],
    [() => toWhole(0)("-1"), /"-1" is not/],
    [() => toWhole(0)("1.5"), /"1\.5" is not/],
    [() => toWhole(0)("0x10"), /"0x10" is not/],
    [() => toNamed("./bars", {}), /write hourly=\.\/bars/],
    [() => toNamed("../x=./bars", {}), /is no name and folder/],
    [() => toNamed("hourly=./b", { hourly: "./a" }), /hourly is named twice/],
    [() => toUrl("mirror.example"), /write https:\/\/host/],
    [() => toUrl("file:///etc"), /is no address/],
  ])("error: %s", (parse, message) => {
    expect(parse).toThrow(message);
  });
});
