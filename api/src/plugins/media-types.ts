export const FORMATS = ["json", "csv", "arrow", "parquet"] as const;
export type Format = (typeof FORMATS)[number];

export const MEDIA_TYPE = {
  json: "application/json",
  csv: "text/csv",
  arrow: "application/vnd.apache.arrow.stream",
  parquet: "application/vnd.apache.parquet",
} as const satisfies Readonly<Record<Format, string>>;
