import { readFileSync } from "node:fs";

/**
 * Daily percentage returns of the Deutsche Mark against sterling, 3 January 1984 to 31 December 1991, 1,974 of
 * them: Bollerslev & Ghysels (1996), from the data archive of the Journal of Business & Economic Statistics, as
 * carried by the R packages fGarch (dem2gbp), rugarch and tsgarch (dmbp). The field's benchmark of GARCH software
 * (McCullough & Renfro 1999; Brooks, Burke & Persand 2001).
 */
export const DEM2GBP = Float64Array.from(
  readFileSync(new URL("./dem2gbp.fixture.csv", import.meta.url), "utf8")
    .trim()
    .split("\n")
    .slice(1),
  Number,
);
