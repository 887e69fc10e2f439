import { BallastError } from "@ballast/data";

export class ForecastRangeError extends BallastError {
  readonly code = "FORECAST_RANGE";
  readonly field: string;
  readonly value: number;
  constructor(field: string, value: number) {
    super(
      `the forecast's ${field} is ${value}, which no market can mean. ` +
        `Check the bars it was made from, or train the model again.`,
    );
    this.field = field;
    this.value = value;
  }
}
