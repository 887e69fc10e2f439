import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  decimate,
  dotChart,
  type Point,
  stackedBars,
  timeChart,
  toPathData,
  toTicks,
  toTimeTicks,
} from "./chart.ts";

const HOUR = 3_600_000;
const FROM = Date.UTC(2022, 2, 1);
const HOSTILE = `</title></script><script>alert("x")</script><img src=x onerror='y'>&`;

describe("chart", () => {
  const points = fc
    .array(
      fc.record({
        x: fc.double({ min: 0, max: 40, noNaN: true }),
        y: fc.double({ min: -5, max: 5, noNaN: true }),
      }),
      { minLength: 1, maxLength: 400 },
    )
    .map((some) => some.sort((a, b) => a.x - b.x));
  it("behaviour: decimation keeps order, ends and every column's extremes, two points a column", () => {
    fc.assert(
      fc.property(points, (all) => {
        const kept = decimate(all);
        const positions = kept.map((point) => all.indexOf(point));
        expect(positions).toEqual([...positions].sort((a, b) => a - b));
        expect([kept[0], kept.at(-1)]).toEqual([all[0], all.at(-1)]);
        const columns = new Map<number, Point[]>();
        for (const point of all)
          columns.set(Math.floor(point.x), [...(columns.get(Math.floor(point.x)) ?? []), point]);
        for (const [column, inside] of columns) {
          const ys = kept.filter(({ x }) => Math.floor(x) === column).map(({ y }) => y);
          expect(Math.min(...ys)).toBe(Math.min(...inside.map(({ y }) => y)));
          expect(Math.max(...ys)).toBe(Math.max(...inside.map(({ y }) => y)));
        }
        expect(kept.length).toBeLessThanOrEqual(2 * columns.size + 2);
      }),
      { seed: 1 },
    );
  });
  it("behaviour: a path has a gap where a value is missing and shows a lone point", () => {
    expect(
      toPathData([
        { x: 0, y: 1 },
        { x: 1, y: 2 },
        { x: 2, y: Number.NaN },
        { x: 3, y: 4 },
      ]),
    ).toBe("M0 1L1 2M3 4L3 4");
    expect(toPathData([{ x: Number.NaN, y: 0 }])).toBe("");
    expect(toPathData([])).toBe("");
  });
  it("behaviour: ticks are round, inside, and few", () => {
    expect(toTicks(0, 207, 3)).toEqual([0, 100, 200]);
    expect(toTicks(0.1, 0.32, 4)).toEqual([0.1, 0.2, 0.3]);
    expect(toTicks(5, 5, 3)).toEqual([5]);
    expect(toTimeTicks(FROM - HOUR, FROM + 29 * HOUR, 5)).toEqual([
      { at: FROM, label: "1 Mar" },
      { at: FROM + 6 * HOUR, label: "06:00" },
      { at: FROM + 12 * HOUR, label: "12:00" },
      { at: FROM + 18 * HOUR, label: "18:00" },
      { at: FROM + 24 * HOUR, label: "2 Mar" },
    ]);
    expect(toTimeTicks(FROM, FROM + 40 * 8760 * HOUR, 5).length).toBeLessThanOrEqual(6);
  });
  it("behaviour: names are escaped in every kind of chart", () => {
    const time = {
      id: "t",
      title: HOSTILE,
      description: HOSTILE,
      from: 0,
      to: 1,
      low: 0,
      high: 1,
      height: 10,
      unit: HOSTILE,
      digits: 1,
      ticks: [{ value: 0, label: HOSTILE }],
      hasTimeLabels: false,
      rule: { value: 0, label: HOSTILE },
    };
    const all = [
      timeChart({
        ...time,
        lines: [{ name: HOSTILE, tone: "p0", points: [{ at: 0, value: 1 }] }],
        marks: [{ at: 0, value: 0, shape: "ahead", tone: "p0", text: HOSTILE }],
      }),
      stackedBars("b", HOSTILE, HOSTILE, HOSTILE, [
        { name: HOSTILE, parts: [{ name: HOSTILE, tone: "gas", value: 1 }] },
      ]),
      dotChart("d", HOSTILE, HOSTILE, { value: 1, label: HOSTILE }, [{ name: HOSTILE, value: 0.9 }]),
    ];
    for (const svg of all) expect(svg).not.toMatch(/<script|<img/);
  });
});
