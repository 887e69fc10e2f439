import { describe, expect, it } from "vitest";
import { minimise, type Objective } from "./garch-optimiser.ts";

const identity = Float64Array.of(1, 0, 0, 1);

/** Rosenbrock (1960): a curved valley, its floor at (1, 1). */
const rosenbrock: Objective = ([x = 0, y = 0], gradient) => {
  if (gradient !== undefined) {
    gradient[0] = -400 * x * (y - x * x) - 2 * (1 - x);
    gradient[1] = 200 * (y - x * x);
  }
  return 100 * (y - x * x) ** 2 + (1 - x) ** 2;
};

describe("BFGS", () => {
  it("default: follows Rosenbrock's valley to its floor", () => {
    const { x, value, hasConverged, iterations } = minimise(
      rosenbrock,
      Float64Array.of(-1.2, 1),
      identity,
      1e-9,
    );
    expect(hasConverged).toBe(true);
    expect(x[0]).toBeCloseTo(1, 8);
    expect(x[1]).toBeCloseTo(1, 8);
    expect(value).toBeLessThan(1e-16);
    expect(iterations).toBeLessThan(60);
  });

  it("behaviour: stays at a minimum it is given", () => {
    expect(minimise(rosenbrock, Float64Array.of(1, 1), identity, 1e-9).iterations).toBe(0);
  });

  it("behaviour: turns back from where the function does not exist", () => {
    const f: Objective = ([x = 0], gradient) => {
      if (gradient !== undefined) gradient[0] = 1 - 1 / x;
      return x > 0 ? x - Math.log(x) : Number.POSITIVE_INFINITY;
    };
    expect(minimise(f, Float64Array.of(0.01), Float64Array.of(1), 1e-9).x[0]).toBeCloseTo(1, 8);
  });

  it("behaviour: converges on a kink, where no gradient vanishes", () => {
    const f: Objective = ([x = 0, y = 0], gradient) => {
      if (gradient !== undefined) {
        gradient[0] = Math.sign(x - 2) + 0.2 * x;
        gradient[1] = 2 * y;
      }
      return Math.abs(x - 2) + 0.1 * x * x + y * y;
    };
    const found = minimise(f, Float64Array.of(5, 3), identity, 1e-9);
    expect(found.hasConverged).toBe(true);
    expect(found.x[0]).toBeCloseTo(2, 5);
    expect(found.x[1]).toBeCloseTo(0, 4);
  });

  it("behaviour: does not claim to have converged where the function falls for ever", () => {
    const f: Objective = ([x = 0], gradient) => {
      if (gradient !== undefined) gradient[0] = -1;
      return -x;
    };
    expect(minimise(f, Float64Array.of(0), Float64Array.of(1), 1e-9).hasConverged).toBe(false);
  });
});
