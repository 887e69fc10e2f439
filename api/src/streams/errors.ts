import { BallastError } from "@ballast/data";

export class TooManyStreamsError extends BallastError {
  readonly code = "TOO_MANY_STREAMS";
  readonly limit: number;
  constructor(limit: number) {
    super(
      `This address has ${limit} streams open, as many as it may. Close one, or take several topics in one.`,
    );
    this.limit = limit;
  }
}

export class StreamsFullError extends BallastError {
  readonly code = "STREAMS_FULL";
  readonly limit: number;
  constructor(limit: number) {
    super(`All ${limit} streams of this service are taken. Try again later, or poll the lists meanwhile.`);
    this.limit = limit;
  }
}

/** Browsers hold WebSockets to no origin: a page of anybody's could read what its visitor's machine serves. */
export class OriginRefusedError extends BallastError {
  readonly code = "ORIGIN_REFUSED";
  constructor(origin: string) {
    super(
      `Pages of ${origin.slice(0, 80)} may not read this service. Its operator may list that origin with --cors.`,
    );
  }
}

export class StreamsClosedError extends BallastError {
  readonly code = "STREAMS_CLOSED";
  constructor() {
    super("The service stops or restarts. Connect again in a moment and resume after the last event.");
  }
}

/** Why the service ends a stream that it had accepted. */
export interface Ending {
  /** Stable, upper-case. */
  readonly code: "SLOW_CLIENT" | "RESTARTING" | "EVENT_TRIMMED" | "UNKNOWN_EVENT" | "FEED_FAILED";
  readonly detail: string;
}

export const SLOW_CLIENT: Ending = {
  code: "SLOW_CLIENT",
  detail: "The client did not take what was sent. Read faster, and resume after the last event received.",
};
export const RESTARTING: Ending = {
  code: "RESTARTING",
  detail: "The service stops or restarts. Connect again in a moment and resume after the last event.",
};
export const FEED_FAILED: Ending = {
  code: "FEED_FAILED",
  detail: "The feed failed. Connect again in a moment and resume after the last event.",
};
