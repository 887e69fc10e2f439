const NONE = "–";

export const percent = (share: number | null | undefined, digits = 1): string =>
  share === null || share === undefined || !Number.isFinite(share)
    ? NONE
    : `${(share * 100).toFixed(digits)} %`;

/** Three to four digits that count, whatever the size. */
export function figure(value: number | null | undefined): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return NONE;
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-4 || size >= 1e9)) return value.toExponential(2);
  const digits = size >= 1_000 ? 0 : size >= 100 ? 1 : size >= 1 ? 2 : 4;
  return value.toLocaleString("en", { maximumFractionDigits: digits });
}

const clock = new Intl.DateTimeFormat("en-GB", {
  day: "numeric",
  month: "short",
  year: "numeric",
  hour: "2-digit",
  minute: "2-digit",
  timeZone: "UTC",
});
const calendar = new Intl.DateTimeFormat("en-GB", {
  weekday: "long",
  day: "numeric",
  month: "long",
  year: "numeric",
  timeZone: "UTC",
});

const short = new Intl.DateTimeFormat("en-GB", {
  day: "numeric",
  month: "short",
  year: "numeric",
  timeZone: "UTC",
});

/** `5 Jan 2024`, never broken over lines. */
export const date = (iso: string | number): string => short.format(new Date(iso)).replaceAll(" ", "\u00a0");
/** `5 Jan 2024, 01:00 UTC` */
export const moment = (iso: string | number): string => `${clock.format(new Date(iso))} UTC`;
export const day = (iso: string): string => calendar.format(new Date(iso));
export const hourOf = (iso: string): string => new Date(iso).toISOString().slice(11, 16);

export function duration(hours: number): string {
  if (hours < 1) return `${Math.max(1, Math.round(hours * 60))} min`;
  if (hours < 48) return `${Number(hours.toFixed(hours < 10 ? 1 : 0))} h`;
  return `${Number((hours / 24).toFixed(hours < 240 ? 1 : 0))} days`;
}

/** A token's smallest units as whole ones, exactly, in six decimals at most. */
export function amount(units: string, decimals: number): string {
  const digits = units.padStart(decimals + 1, "0");
  const whole = BigInt(digits.slice(0, digits.length - decimals)).toLocaleString("en");
  const rest = digits
    .slice(digits.length - decimals)
    .slice(0, 6)
    .replace(/0+$/, "");
  return rest === "" ? whole : `${whole}.${rest}`;
}

/** Values with 18 decimals, as floats for show. */
export const fromWad = (value: bigint | string): number => Number(value) / 1e18;
