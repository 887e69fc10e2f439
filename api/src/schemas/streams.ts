import { TOPICS } from "@ballast/agent";
import { Type } from "typebox";

export const StreamQuery = Type.Object(
  {
    topics: Type.Optional(
      Type.String({
        pattern: `^(${TOPICS.join("|")})(,(${TOPICS.join("|")}))*$`,
        maxLength: 100,
        description: `Of ${TOPICS.join(", ")}, parted by commas; default: all`,
      }),
    ),
    after: Type.Optional(
      Type.String({
        maxLength: 64,
        description: "Id of the last event received; default: the header Last-Event-ID, else from now on",
      }),
    ),
  },
  { additionalProperties: false },
);
