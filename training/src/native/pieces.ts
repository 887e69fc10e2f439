import { createHash } from "node:crypto";
import {
  createReadStream,
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import { pipeline } from "node:stream/promises";
import { NATIVE_PACKAGE } from "./load.ts";
import type { Run } from "./tools.ts";

/** Shares of the step that is done, from 0 to 1. */
type Report = (share: number) => void;

/** What is fetched, each named by the hash of its bytes. */
const PACKAGES = [
  {
    spec: "@tensorflow/tfjs-node@4.22.0",
    file: "tensorflow-tfjs-node-4.22.0.tgz",
    sha512: "uHrXeUlfgkMxTZqHkESSV7zSdKdV0LlsBeblqkuKU9nnfxB1pC6DtoyYVaLxznzZy7WQSegjcohxxCjAf6Dc7w==",
    into: NATIVE_PACKAGE,
  },
  {
    spec: "google-protobuf@3.21.4",
    file: "google-protobuf-3.21.4.tgz",
    sha512: "MnG7N936zcKTco4Jd2PX2U96Kf9PxygAPKBug+74LHzmHXmceN16MmRcdgZv+DGef/S9YvQAfRsNCn4cjf9yyQ==",
    into: path.join(NATIVE_PACKAGE, "node_modules", "google-protobuf"),
  },
  {
    spec: "node-api-headers@1.9.0",
    file: "node-api-headers-1.9.0.tgz",
    sha512: "2oNILP4jXwRB4ywnYKjVk1YyJ96n2D4EOVJO6S3oYZ5PtbJrw3Yt9TpAuX3nBLMuzn74rnfGQrv13pS9vC+YiA==",
    into: "node-api-headers",
  },
] as const;

/**
 * The oldest wheel near the C interface that tfjs-node 4.22 was written for, 2.9; that interface only grows. The
 * Python it is for does not matter, as none of its Python runs.
 */
const WHEEL = {
  spec: "tensorflow-cpu==2.12.1",
  sha256: "7ffb595707a8fb376deaddc768784c7a0242b16cbc6e06393b1733b2ce19f855",
  bytes: 231_826_663,
  python: "3.11",
  abi: "cp311",
  platform: "manylinux2014_x86_64",
};
export const LIBRARIES = ["libtensorflow_cc.so.2", "libtensorflow_framework.so.2"];
const LIBRARY_BYTES = 577_575_968;
/** The C interface, and what its inline functions for strings need. */
const HEADERS = [
  "tensorflow/include/tensorflow/c/",
  "tensorflow/include/tensorflow/tsl/c/",
  "tensorflow/include/tensorflow/core/platform/ctstring",
  "tensorflow/include/tensorflow/tsl/platform/ctstring",
];
/** Names all pieces by their bytes. */
export const PIECES = JSON.stringify([...PACKAGES.map(({ sha512 }) => sha512), WHEEL.sha256]);

const UNPACK_PACKAGE = `
import sys, tarfile, pathlib
archive, target = sys.argv[1:]
with tarfile.open(archive) as t:
    for member in t.getmembers():
        if member.isfile():
            file = pathlib.Path(target, *pathlib.PurePosixPath(member.name).parts[1:])
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(t.extractfile(member).read())
`;

const UNPACK_WHEEL = `
import sys, zipfile
archive, target, *members = sys.argv[1:]
with zipfile.ZipFile(archive) as z:
    z.extractall(target, [n for n in z.namelist() if n.startswith(tuple(members))])
`;

const PIP_OPTIONS = [
  ...["--no-deps", "--only-binary=:all:", "--require-hashes", "--no-cache-dir", "--retries=2"],
  ...["--disable-pip-version-check", "--progress-bar=off", "--quiet"],
  ...["--python-version", WHEEL.python, "--implementation=cp", "--abi", WHEEL.abi],
  ...["--platform", WHEEL.platform],
];

/** Fetches the packages through npm, those that are not there yet, and unpacks them below `folder`. */
export async function fetchPackages(folder: string, python: string, run: Run, report: Report): Promise<void> {
  for (const [i, { spec, file, sha512, into }] of PACKAGES.entries()) {
    const archive = path.join(folder, file);
    if (!(await hasHash(archive, "sha512", sha512))) {
      await run("npm", ["pack", spec, "--workspaces=false", "--loglevel=error"], folder);
      if (!(await hasHash(archive, "sha512", sha512)))
        throw new Error(`npm left no ${spec} with its known hash`);
    }
    rmSync(path.join(folder, into), { recursive: true, force: true });
    await run(python, ["-c", UNPACK_PACKAGE, archive, into], folder);
    report((i + 1) / PACKAGES.length);
  }
}

/** Fetches the wheel through pip below `folder`, where it is not there yet, and returns its path. */
export async function fetchWheel(folder: string, python: string, run: Run, report: Report): Promise<string> {
  const downloads = path.join(folder, "downloads");
  const found = await wheelIn(downloads);
  if (found !== undefined) return found;
  rmSync(downloads, { recursive: true, force: true });
  mkdirSync(downloads);
  writeFileSync(path.join(folder, "requirements.txt"), `${WHEEL.spec} --hash=sha256:${WHEEL.sha256}\n`);
  const pip = ["-m", "pip", "download", "-r", "requirements.txt", "--dest", downloads, ...PIP_OPTIONS];
  // pip downloads into its temporary folder, whose growth is the only progress it lets another program see.
  await watched(downloads, WHEEL.bytes, report, () => run(python, pip, folder, { TMPDIR: downloads }));
  const fetched = await wheelIn(downloads);
  if (fetched === undefined) throw new Error(`pip left no ${WHEEL.spec} with its known hash`);
  return fetched;
}

/** Unpacks libraries and headers, all or nothing, into the new folder `into`. */
export async function unpackWheel(
  wheel: string,
  into: string,
  python: string,
  run: Run,
  report: Report,
): Promise<void> {
  const partial = `${into}.partial`;
  rmSync(partial, { recursive: true, force: true });
  const members = [...LIBRARIES.map((file) => `tensorflow/${file}`), ...HEADERS];
  await watched(partial, LIBRARY_BYTES, report, () =>
    run(python, ["-c", UNPACK_WHEEL, wheel, partial, ...members], path.dirname(into)),
  );
  renameSync(partial, into);
}

async function hasHash(file: string, algorithm: "sha256" | "sha512", expected: string): Promise<boolean> {
  if (!existsSync(file)) return false;
  const hash = createHash(algorithm);
  await pipeline(createReadStream(file), hash);
  return hash.digest(algorithm === "sha256" ? "hex" : "base64") === expected;
}

async function wheelIn(folder: string): Promise<string | undefined> {
  const name = existsSync(folder) ? readdirSync(folder).find((file) => file.endsWith(".whl")) : undefined;
  const file = name && path.join(folder, name);
  return file && (await hasHash(file, "sha256", WHEEL.sha256)) ? file : undefined;
}

/** Reports how far a folder has grown towards `bytes` while work runs. */
async function watched<T>(folder: string, bytes: number, report: Report, work: () => Promise<T>): Promise<T> {
  const timer = setInterval(() => report(bytesIn(folder) / bytes), 250);
  try {
    return await work();
  } finally {
    clearInterval(timer);
  }
}

function bytesIn(folder: string): number {
  try {
    const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((f) => f.isFile());
    return files.reduce((sum, f) => sum + statSync(path.join(f.parentPath, f.name)).size, 0);
  } catch {
    // Files come and go while it looks.
    return 0;
  }
}
