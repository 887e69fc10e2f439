/** `npm run attack -w @ballast/contracts -- <name|all>`: attacks the vault on a fresh devnet, and says what came of it. */
import { GALLERY, runAttack } from "./gallery.ts";

const [wanted] = process.argv.slice(2);
const names = wanted === "all" ? Object.keys(GALLERY) : [wanted ?? ""];
const unknown = names.find((name) => GALLERY[name] === undefined);
if (unknown !== undefined) {
  console.error(`${unknown === "" ? "no attack named" : `${unknown} is no attack`}: give one of`);
  console.error(`  all ${Object.keys(GALLERY).join(" ")}`);
  process.exitCode = 2;
} else {
  let succeeded = 0;
  for (const name of names) {
    const attack = GALLERY[name]!;
    const { isStopped, stoppedBy, cost } = await runAttack(attack);
    if (!isStopped) succeeded += 1;
    console.log(`${name} ${attack.tries}`);
    console.log(`  ${isStopped ? "stopped by" : "NOT STOPPED:"} ${stoppedBy}`);
    console.log(`  cost ${cost}`);
  }
  if (succeeded > 0) console.error(`${succeeded} of ${names.length} attacks succeeded`);
  process.exitCode = succeeded > 0 ? 1 : 0;
}
