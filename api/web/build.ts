import { rm } from "node:fs/promises";
import { buildDashboard } from "../src/build-dashboard.ts";

// Asked for by name, so it is built whether it is fresh or not.
await rm(new URL("dist", import.meta.url), { recursive: true, force: true });
console.log(`The dashboard is in ${await buildDashboard()}.`);
