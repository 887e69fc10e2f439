#!/usr/bin/env node
// Plain JavaScript that any Node can read: it says one helpful line on an old one instead of a syntax error.
const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
if (major < 22 || (major === 22 && minor < 18)) {
  console.error(
    `Ballast needs Node 22.18 or newer and this is ${process.versions.node}. ` +
      "Run it through npm, which brings its own: npm run ballast -- " +
      `${process.argv.slice(2).join(" ") || "--help"}`,
  );
  process.exit(1);
}
const { main } = await import("./src/main.ts");
await main(process.argv);
