/*
 * The plain loop that `npm run bench -- backtest` compares with: a threshold rule over four assets with a
 * proportional fee and a fixed cost of gas, back to target. Compiled with cc -O3; no fused operations, so that its
 * sums are those of JavaScript to the last bit.
 *
 * Reads from standard input: bars and rounds as int64; four targets, four half-widths, fee rate, cost of a trade
 * as a share of the first value; growth of the constant mix per bar; prices [bar][asset]; all float64. Prints per
 * round its nanoseconds; then trades, fees, gas, sum of squared tracking differences, value.
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define ASSETS 4

struct result {
  int64_t trades, outside;
  double fees, gas, squares, value;
};

static struct result run(const double *price, const double *mix, int64_t bars, const double *target,
                         const double *width, double fee, double fixed) {
  struct result out = {0, 0, 0, 0, 0, 1};
  double units[ASSETS];
  for (int i = 0; i < ASSETS; i++) units[i] = target[i] / price[i];
  for (int64_t t = 1; t < bars; t++) {
    double held[ASSETS];
    double now = 0;
    for (int i = 0; i < ASSETS; i++) {
      held[i] = units[i] * price[t * ASSETS + i];
      now += held[i];
    }
    double difference = now / out.value - mix[t];
    out.squares += difference * difference;
    out.value = now;
    int is_outside = 0;
    for (int i = 0; i < ASSETS; i++)
      if (fabs(held[i] - target[i] * now) > width[i] * now) is_outside = 1;
    if (!is_outside) continue;
    out.outside++;
    double fees = 0;
    for (int i = 0; i < ASSETS; i++) fees += fee * fabs(target[i] * now - held[i]);
    double left = now - (fees + 0 + fixed);
    out.trades++;
    out.fees += fees / now;
    out.gas += fixed / now;
    for (int i = 0; i < ASSETS; i++) units[i] = (target[i] * left) / price[t * ASSETS + i];
    out.value = left;
  }
  return out;
}

static double *read_numbers(size_t count) {
  double *numbers = malloc(count * sizeof(double));
  if (numbers == NULL || fread(numbers, sizeof(double), count, stdin) != count) exit(1);
  return numbers;
}

int main(void) {
  int64_t sizes[2];
  if (fread(sizes, sizeof(int64_t), 2, stdin) != 2) return 1;
  double *setting = read_numbers(2 * ASSETS + 2);
  double *mix = read_numbers((size_t)sizes[0]);
  double *price = read_numbers((size_t)sizes[0] * ASSETS);
  struct result last = {0};
  for (int64_t round = 0; round < sizes[1]; round++) {
    struct timespec before, after;
    clock_gettime(CLOCK_MONOTONIC, &before);
    last = run(price, mix, sizes[0], setting, setting + ASSETS, setting[2 * ASSETS], setting[2 * ASSETS + 1]);
    clock_gettime(CLOCK_MONOTONIC, &after);
    printf("%" PRId64 "\n", (after.tv_sec - before.tv_sec) * INT64_C(1000000000) + after.tv_nsec - before.tv_nsec);
  }
  printf("%" PRId64 " %" PRId64 " %.17g %.17g %.17g %.17g\n", last.trades, last.outside, last.fees, last.gas, last.squares,
         last.value);
  return 0;
}
