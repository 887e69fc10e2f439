import { existsSync, readdirSync, readFileSync, realpathSync } from "node:fs";
import * as nodeModule from "node:module";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { BallastError } from "@ballast/data";
import * as tf from "@tensorflow/tfjs-core";

/** The name under which the kernels of tfjs-node register themselves with tfjs-core. */
export const NATIVE_BACKEND = "tensorflow";
/** Folder of the package inside the native folder. */
export const NATIVE_PACKAGE = "tfjs-node";
const PACKAGE_NAME = "@tensorflow/tfjs-node";
const BINDING = "tfjs_binding.node";

export class NoNativeTensorFlowError extends BallastError {
  readonly code = "NO_NATIVE_TENSORFLOW";
  /** What is in the way. */
  readonly found: string;
  constructor(found: string, remedy: string) {
    super(`${found}; ${remedy}`);
    this.found = found;
  }
}

export interface NativeVersions {
  readonly tfjsNode: string;
  readonly tensorflow: string;
}

/**
 * Where `ballast doctor --install-tensorflow` builds: of this checkout, or the folder that BALLAST_TENSORFLOW
 * names, so that several checkouts can share a build. It lies outside node_modules, which `npm ci` empties.
 */
export const nativeFolder = (): string =>
  path.resolve(
    process.env.BALLAST_TENSORFLOW ??
      path.join(import.meta.dirname, "..", "..", "..", ".ballast", "tensorflow"),
  );

const require = nodeModule.createRequire(import.meta.url);

/** The binding of a package folder; npm and the build name its folder by the Node-API version it was made for. */
function bindingOf(folder: string): string | undefined {
  const lib = path.join(folder, "lib");
  if (!existsSync(lib)) return undefined;
  const files = readdirSync(lib).map((version) => path.join(lib, version, BINDING));
  return files.find((file) => existsSync(file));
}

/** Where the package may lie: what was built here, else what npm installed where its download is not refused. */
function packageFolders(): string[] {
  const built = path.join(nativeFolder(), NATIVE_PACKAGE);
  try {
    return [built, path.dirname(require.resolve(`${PACKAGE_NAME}/package.json`))];
  } catch {
    return [built];
  }
}

/**
 * Loads the kernels and the binding of tfjs-node and registers the backend "tensorflow" with training's own
 * tfjs-core. The package would bring the union package `@tensorflow/tfjs`, and with it a second core whose
 * tensors training's operations would not know; while its files load, that name means training's tfjs-core, which
 * has all they use. Only these files see the former `util`. Throws NoNativeTensorFlowError, and what dlopen throws.
 */
export function loadNative(folders: readonly string[] = packageFolders()): NativeVersions {
  if (typeof nodeModule.registerHooks !== "function") {
    throw new NoNativeTensorFlowError(
      `Node ${process.versions.node} has no module hooks`,
      "use Node 22.15 or newer",
    );
  }
  const found = folders.find((candidate) => bindingOf(candidate) !== undefined);
  if (found === undefined) {
    throw new NoNativeTensorFlowError(
      "its native library is not installed",
      "`npm run ballast -- doctor --install-tensorflow` builds it",
    );
  }
  const folder = realpathSync(found);
  // Else libtensorflow greets every process with its processor's features.
  process.env.TF_CPP_MIN_LOG_LEVEL ??= "1";
  const root = pathToFileURL(folder + path.sep).href;
  const core = require.resolve("@tensorflow/tfjs-core");
  const targets: Record<string, string> = {
    "@tensorflow/tfjs": core,
    "@tensorflow/tfjs-core": core,
    util: path.join(import.meta.dirname, "formerUtil.ts"),
  };
  const hooks = nodeModule.registerHooks({
    resolve(specifier, context, nextResolve) {
      const target = context.parentURL?.startsWith(root) ? targets[specifier] : undefined;
      return nextResolve(target ?? specifier, context);
    },
  });
  try {
    const dist = path.join(folder, "dist");
    require(path.join(dist, "register_all_kernels.js"));
    const { NodeJSKernelBackend } = require(path.join(dist, "nodejs_kernel_backend.js"));
    const binding = require(bindingOf(folder)!) as { readonly TF_Version: string };
    if (tf.findBackendFactory(NATIVE_BACKEND) === null) {
      tf.registerBackend(NATIVE_BACKEND, () => new NodeJSKernelBackend(binding, PACKAGE_NAME));
    }
    const { version } = JSON.parse(readFileSync(path.join(folder, "package.json"), "utf8"));
    return { tfjsNode: version, tensorflow: binding.TF_Version };
  } finally {
    hooks.deregister();
  }
}
