import { Option } from "commander";

/**
 * Address of Redis; the variable keeps a password out of the list of processes.
 * @param what It is for.
 */
export const redisOption = (what: string): Option =>
  new Option("--redis <url>", `Redis ${what}, as redis://host:6379`).env("BALLAST_REDIS");
