import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { brotliCompress, gzip } from "node:zlib";
import { defineConfig, type Plugin } from "vite";

/** Ballast's rooms, of which the page takes functions without I/O alone. */
const ROOMS = /\/(?:data|model|contracts|attest|agent)\/src\//;
const BUNDLED = /^(?:[./\0]|@ballast\/|@noble\/|typebox|ethers$|ethers\/|uplot)/;

/**
 * A room's index names all it has, files and exchanges included. What the page does not call is left out, with the
 * packages that it would need; a build that comes to need one of them after all fails.
 */
const withoutIo: Plugin = {
  name: "without-io",
  enforce: "pre",
  resolveId: (source, importer) =>
    importer !== undefined && ROOMS.test(importer) && !BUNDLED.test(source)
      ? { id: source, external: true, moduleSideEffects: false }
      : null,
  generateBundle(_options, bundle) {
    for (const chunk of Object.values(bundle)) {
      if (chunk.type !== "chunk") continue;
      const foreign = [...chunk.imports, ...chunk.dynamicImports].find((name) => !(name in bundle));
      if (foreign !== undefined) this.error(`${chunk.fileName} imports ${foreign}, which no browser has.`);
    }
  },
};

/** Beside each file its brotli and gzip, so that serving it costs no compression. */
const compressed: Plugin = {
  name: "compressed",
  async writeBundle({ dir = "" }) {
    for (const name of await readdir(dir, { recursive: true })) {
      if (!/\.(?:html|js|css|svg)$/.test(name)) continue;
      const path = join(dir, name);
      const bytes = await readFile(path);
      await writeFile(`${path}.br`, await promisify(brotliCompress)(bytes));
      await writeFile(`${path}.gz`, await promisify(gzip)(bytes));
    }
  },
};

export default defineConfig({
  root: import.meta.dirname,
  // Paths relative to the page: it may also stand under a prefix, behind a proxy.
  base: "./",
  plugins: [withoutIo, compressed],
  build: {
    target: "es2023",
    // The page's policy allows no inline script and no font or style from `data:`.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rolldownOptions: { treeshake: { moduleSideEffects: (id) => !ROOMS.test(id) } },
  },
});
