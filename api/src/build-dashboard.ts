import { randomUUID } from "node:crypto";
import { glob, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { BallastError } from "@ballast/data";

const WEB = fileURLToPath(new URL("../web", import.meta.url));
const DIST = join(WEB, "dist");
/** Rooms whose functions the page runs again. */
const BUNDLED = ["@ballast/data", "@ballast/model", "@ballast/attest", "@ballast/agent"];

export class DashboardBuildError extends BallastError {
  readonly code = "DASHBOARD_BUILD";
  constructor(reason: string) {
    super(
      `The dashboard cannot be built (${reason}). Install with \`npm ci\`, then try \`npm run build:web -w @ballast/api\`.`,
    );
  }
}

/**
 * The folder of the dashboard (by default `web/dist` of this room), built where it is missing or older than its sources (half a second).
 * Errors: DashboardBuildError.
 */
export async function buildDashboard(folder = DIST): Promise<string> {
  if (await isFresh(folder)) return folder;
  // Apart first, so that nobody is ever served half of it, nor two builds write into one another.
  const building = `${folder}-${randomUUID()}`;
  try {
    const { build } = await import("vite");
    await build({
      configFile: join(WEB, "vite.config.ts"),
      logLevel: "error",
      build: { outDir: building, emptyOutDir: true },
    });
    // Whoever was quicker built the same, and may be serving it.
    if (await isFresh(folder)) return folder;
    await rm(folder, { recursive: true, force: true });
    await rename(building, folder).catch(async (error: NodeJS.ErrnoException) => {
      if (error.code !== "ENOTEMPTY" && error.code !== "EEXIST") throw error;
    });
  } catch (error) {
    throw new DashboardBuildError(error instanceof Error ? error.message : String(error));
  } finally {
    await rm(building, { recursive: true, force: true });
  }
  return folder;
}

async function isFresh(folder: string): Promise<boolean> {
  const built = await stat(join(folder, "index.html")).catch(() => undefined);
  if (built === undefined) return false;
  const rooms = BUNDLED.map((name) => dirname(fileURLToPath(import.meta.resolve(name))));
  for (const cwd of [join(WEB, "src"), ...rooms])
    for await (const file of glob("**/*", { cwd }))
      if (!/\.(?:test|fixture)\.ts$/.test(file) && (await stat(join(cwd, file))).mtimeMs > built.mtimeMs)
        return false;
  for (const file of ["index.html", "vite.config.ts"])
    if ((await stat(join(WEB, file))).mtimeMs > built.mtimeMs) return false;
  return true;
}
