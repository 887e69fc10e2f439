import { BallastError } from "@ballast/data";
import { type Static, type TSchema, Type } from "typebox";
import { Check } from "typebox/value";

/** A setting has a name, a schema, a default and, in words, what it takes: the remedy where it is given another. */
interface Facts {
  readonly description: string;
  /** After "give ". */
  readonly takes: string;
  readonly default?: unknown;
  /** In words, where the default depends on other settings. */
  readonly otherwise?: string;
}

const whole = (minimum: number, maximum: number, fallback: number, description: string) =>
  Type.Integer({
    minimum,
    maximum,
    default: fallback,
    description,
    takes: `a whole number from ${minimum} to ${maximum}`,
  });
const flag = (description: string, facts: Partial<Facts>) =>
  Type.Boolean({ description, takes: "true or false", ...facts });
const list = (pattern: string, description: string, takes: string) =>
  Type.Array(Type.String({ pattern }), { maxItems: 64, default: [], description, takes });
const file = (fallback: string, description: string) =>
  Type.String({
    minLength: 1,
    maxLength: 4_096,
    default: fallback,
    description,
    takes: "the path of a file",
  });

/** Every setting of the API, in the order in which docs/operator.md explains them. */
export const SettingsSchema = Type.Object(
  {
    host: Type.String({
      pattern: "^[A-Za-z0-9.:_-]{1,253}$",
      default: "127.0.0.1",
      description: "address to listen on",
      takes: "an address or name of this machine, such as 127.0.0.1",
    }),
    port: whole(0, 65_535, 8_787, "port to listen on; 0 takes a free one"),
    publicReads: Type.Optional(
      flag("whether reading needs no key", { otherwise: "true where the host is a loopback address" }),
    ),
    publicMetrics: flag("whether /metrics needs no key", { default: false }),
    keys: file(".ballast/api/keys.json", "file of API keys, hashed"),
    audit: file(".ballast/api/audit.jsonl", "file that admin actions are appended to"),
    cors: list(
      "^(?:\\*|https?://[A-Za-z0-9.:\\[\\]-]+)$",
      "origins whose pages may read answers",
      "origins such as https://lab.example, separated by commas",
    ),
    hosts: list(
      "^(?:\\*|[A-Za-z0-9.:\\[\\]_-]{1,253})$",
      "hosts it answers for, beside its own address and those of this machine; none: any, unless it reads to everybody on a loopback address",
      "names such as ballast.example, separated by commas, or * for any",
    ),
    trustProxy: list(
      "^[0-9A-Fa-f.:]+(?:/\\d{1,3})?$",
      "proxies whose X-Forwarded-For is believed",
      "addresses or ranges such as 10.0.0.0/8, separated by commas",
    ),
    ratePerAddress: whole(0, 10_000_000, 6_000, "requests a minute from one address without a key; 0: any"),
    ratePerKey: whole(0, 10_000_000, 60_000, "requests a minute with one key; 0: any"),
    redis: Type.Optional(
      Type.String({
        pattern: "^rediss?://[^\\s]+$",
        maxLength: 2_048,
        description: "Redis that counts, streams and queues backtests for several processes together",
        takes: "an address such as redis://127.0.0.1:6379",
        otherwise: "each process for itself",
        isSecret: true,
      }),
    ),
    logLevel: Type.Enum(["silent", "fatal", "error", "warn", "info", "debug", "trace"], {
      default: "error",
      description: "least severe lines that are logged, as JSON on stderr; info logs each request",
      takes: "silent, fatal, error, warn, info, debug or trace",
    }),
    maxConnections: whole(1, 65_535, 2_048, "connections at once; more are closed"),
    maxInFlight: whole(1, 65_535, 256, "requests under way at once, streams apart; more get a 503"),
    maxWaitMs: whole(
      10,
      60_000,
      1_000,
      "longest wait of a request for its turn; what waited longer gets a 503",
    ),
    maxBodyBytes: whole(0, 16_777_216, 65_536, "largest body of a request"),
    requestTimeoutMs: whole(100, 600_000, 10_000, "longest time for a request to arrive whole"),
    shutdownMs: whole(0, 600_000, 10_000, "longest time that requests under way may take once told to stop"),
    minFreeMb: whole(0, 10_000_000, 64, "free disk space, in MiB, below which /ready says no"),
  },
  { additionalProperties: false },
);

export type SettingName = keyof typeof SettingsSchema.properties;
/** With every default filled in. */
export type Settings = Static<typeof SettingsSchema> & { readonly publicReads: boolean };

/** A setting as an operator meets it. */
export interface SettingFacts extends Facts {
  readonly name: SettingName;
  /** `BALLAST_API_PUBLIC_READS` */
  readonly variable: string;
  /** `--public-reads` */
  readonly option: string;
  readonly isSecret: boolean;
}

const PREFIX = "BALLAST_API_";
const words = (name: string, between: string) => name.replace(/[A-Z]/g, (letter) => `${between}${letter}`);

export const SETTINGS: readonly SettingFacts[] = Object.entries(SettingsSchema.properties).map(
  ([name, schema]) => {
    const { description, takes, default: fallback, otherwise, isSecret } = schema as unknown as SettingFacts;
    return {
      name: name as SettingName,
      variable: PREFIX + words(name, "_").toUpperCase(),
      option: `--${words(name, "-").toLowerCase()}`,
      description,
      takes,
      default: fallback,
      ...(otherwise !== undefined && { otherwise }),
      isSecret: isSecret ?? false,
    };
  },
);

export class ApiSettingError extends BallastError {
  readonly code = "API_SETTING";
  /** As it was given: a variable or an option. */
  readonly setting: string;
  constructor(setting: string, message: string) {
    super(message);
    this.setting = setting;
  }
}

/**
 * All settings: of an option where it is given, else of the environment's `BALLAST_API_*`, else the default. Values may
 * be text, as both of them have it; an empty variable counts as none.
 * Errors: ApiSettingError for a name that is no setting and for a value out of range.
 */
export function toSettings(
  options: { readonly [name: string]: unknown } = {},
  environment: Readonly<Record<string, string | undefined>> = {},
): Settings {
  const variables = Object.keys(environment).filter((key) => key.startsWith(PREFIX));
  const unknown =
    variables.find((key) => !SETTINGS.some(({ variable }) => variable === key)) ??
    Object.keys(options).find((key) => !SETTINGS.some(({ name }) => name === key));
  if (unknown !== undefined)
    throw new ApiSettingError(
      unknown,
      `${unknown} is no setting of the API. There are ${SETTINGS.map(({ variable }) => variable).join(", ")}.`,
    );
  const settings: Record<string, unknown> = {};
  for (const setting of SETTINGS) {
    const given = options[setting.name];
    const fromEnvironment = environment[setting.variable] || undefined;
    const value = given ?? fromEnvironment ?? setting.default;
    if (value === undefined) continue;
    const schema = SettingsSchema.properties[setting.name];
    const read = typeof value === "string" ? fromText(value, schema) : value;
    if (!Check(schema, read)) {
      const source = given === undefined ? setting.variable : setting.option;
      const shown = setting.isSecret ? "what it holds" : JSON.stringify(value);
      throw new ApiSettingError(source, `${shown} does not do for ${source}; give ${setting.takes}.`);
    }
    settings[setting.name] = read;
  }
  return { publicReads: isLoopback(String(settings.host)), ...settings } as Settings;
}

function fromText(text: string, { type }: TSchema & { type?: string }): unknown {
  switch (type) {
    case "integer":
      return /^\d{1,15}$/.test(text) ? Number(text) : text;
    case "boolean":
      return text === "true" ? true : text === "false" ? false : text;
    case "array":
      return text.split(",").map((item) => item.trim());
    default:
      return text;
  }
}

/** Whether only this machine can reach it. */
export const isLoopback = (host: string): boolean => /^(?:localhost|127(?:\.\d{1,3}){3}|::1)$/i.test(host);
