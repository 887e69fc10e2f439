import { BallastError } from "@ballast/data";

export class RedisGoneError extends BallastError {
  readonly code = "REDIS_GONE";
  readonly address: string;
  readonly seconds: number;
  constructor(address: string, seconds: number) {
    super(
      `Redis at ${address} has not answered for ${seconds} s. ` +
        "Finished trials are kept: start it and run the same command again, or run it without --redis.",
    );
    this.address = address;
    this.seconds = seconds;
  }
}
