import { Type } from "typebox";

export const Ready = Type.Object({
  isReady: Type.Boolean({ description: "Whether to send requests here; all of the checks" }),
  checks: Type.Object({
    isAccepting: Type.Boolean({ description: "It is not being stopped" }),
    isJournalReadable: Type.Boolean(),
    isFeedHealthy: Type.Boolean({ description: "True where there is no feed" }),
    hasDiskSpace: Type.Boolean({ description: "Where the journal lies" }),
  }),
});
