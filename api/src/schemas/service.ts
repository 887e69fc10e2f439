import { Type } from "typebox";
import { nullable, oneOf, time } from "../schemas.ts";

export const Runs = Type.Object({
  items: Type.Array(
    Type.Object({
      run: Type.String(),
      holds: Type.Integer(),
      rebalances: Type.Integer(),
      stages: Type.Record(Type.String(), Type.Integer(), { description: "Decisions by stage" }),
      from: nullable(time("First decision")),
      to: nullable(time("Last decision")),
      meta: Type.Object(
        {},
        { additionalProperties: true, description: "What the run is made of and came to" },
      ),
    }),
    { description: "In the order of their start" },
  ),
});

export const Health = Type.Object({
  status: oneOf(["ok", "unavailable"]),
  version: Type.String(),
  journal: Type.Object({
    isReady: Type.Boolean(),
    lastForecastAt: nullable(time("Latest forecast in the journal")),
  }),
});
