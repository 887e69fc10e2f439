import type { CostsReport } from "@ballast/model";
import { describe, expect, it } from "vitest";
import { toCostSection } from "./costSection.ts";

const COSTS: CostsReport = {
  served: [
    {
      series: "base_fee_gwei",
      transform: "log",
      hours: 8760,
      scoredFrom: "2023-07-02T13:00:00Z",
      refits: 6,
      scores: [
        {
          horizonHours: 4,
          count: 4376,
          rSquared: 0.7049,
          persistenceRSquared: 0.4831,
          pinballRatio: 0.7294,
          tAgainstPersistence: null,
          coverage90: { last: 0.912, mean: 0.91, lowest: 0.91 },
        },
      ],
    },
  ],
  leftOut: [{ series: "<b>rate</b>", reason: "It never moved." }],
};

describe("toCostSection", () => {
  it("default: one row per series and horizon, and what was left out with its reason", () => {
    const html = toCostSection(COSTS);
    const cells = ["base_fee_gwei, 4 h", "0.705", "0.483", "0.729", "–", "91.2 %"];
    expect(
      [...html.matchAll(/<t[hd](?: scope="row"| class="figure")>([^<]*)</g)].map(([, cell]) => cell),
    ).toEqual(cells);
    expect(html).toContain("base_fee_gwei: 8760 h, scored from 2023-07-02 with 6 fits.");
    expect(html).toContain("&#60;b&#62;rate&#60;/b&#62; is left out. It never moved.");
    expect(html).not.toContain("<b>");
  });

  it("behaviour: without a series it says that there is none; a manifest that knows of none says nothing", () => {
    expect(toCostSection({ served: [], leftOut: [] })).toContain("says nothing of them");
    expect(toCostSection({ served: [], leftOut: [] })).not.toContain("<table");
    expect(toCostSection(undefined)).toBe("");
  });
});
