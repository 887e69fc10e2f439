import type { DecisionDetail } from "../api.ts";
import { card, notice, table } from "../dom.ts";
import { figure } from "../format.ts";

interface Alternative {
  readonly name: string;
  readonly wasTaken: boolean;
  readonly fees: number | undefined;
  readonly gas: number | undefined;
  readonly error: number | undefined;
}

const bps = (value: number | undefined) => (value === undefined ? "–" : `${figure(value)} bp`);

/** What could have been done, each with its expected cost: acting now, acting at the cheapest hour ahead, waiting. */
export function alternatives({ numbers, action }: DecisionDetail): HTMLElement {
  const known = (name: string) => numbers[name] ?? undefined;
  const fees = known("actingFeesBps");
  const title = "What else could have been done";
  if (fees === undefined)
    return card(title, null, notice("Nothing to weigh", "The decision was made before costs came into it."));
  const waiting = known("waitingGasBps");
  const rows: Alternative[] = [
    {
      name: "Rebalance now",
      wasTaken: action === "rebalance",
      fees,
      gas: known("actingGasBps"),
      error: known("actingTrackingErrorBps24h"),
    },
    ...(waiting === undefined
      ? []
      : [
          {
            name: "Rebalance at the cheapest hour of the next day",
            wasTaken: false,
            fees,
            gas: waiting,
            error: undefined,
          },
        ]),
    {
      name: "Hold",
      wasTaken: action === "hold",
      fees: 0,
      gas: 0,
      error: known("waitingTrackingErrorBps24h"),
    },
  ];
  return card(
    title,
    "Expected costs in basis points of the vault's value. Tracking error is the standard deviation, over a day, of the difference to a vault on its targets. The dash says that nothing was forecast.",
    table(
      "Alternatives and their expected costs",
      [
        { head: "Alternative", cell: ({ name, wasTaken }) => (wasTaken ? [name, " – taken"] : name) },
        { head: "Pool fees", isNumber: true, cell: (row) => bps(row.fees) },
        { head: "Gas", isNumber: true, cell: (row) => bps(row.gas) },
        { head: "Tracking error, 24 h", isNumber: true, cell: (row) => bps(row.error) },
      ],
      rows,
    ),
  );
}
