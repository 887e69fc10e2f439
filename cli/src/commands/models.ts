import { Command } from "commander";
import { toList, toWhole } from "../options.ts";
import { openTerminal } from "../terminal.ts";

/** The folder of models, and the bars that a comparison reads. */
const withStore = (command: Command): Command =>
  command
    .exitOverride()
    .showHelpAfterError("(--help shows the options and an example)")
    .option("--artefacts <folder>", "where models are", ".ballast/artefacts")
    .option("--json", "the result as one line of JSON on stdout");
const withBars = (command: Command): Command =>
  withStore(command)
    .option("--bars <folder>", "recorded bars that reach beyond both trainings")
    .option("--store <folder>", "bars that `ballast fetch` stored; default: .ballast/market")
    .option("--assets <list>", "only these; default: those the challenger was trained on", toList);

export const modelsCommand = (): Command =>
  new Command("models")
    .description(
      "Lists, compares and promotes models; the champion is the one `ballast agent --model champion` uses.",
    )
    .addCommand(
      withStore(new Command("list"))
        .description("All models, with their scores and which is champion.")
        .action(async (options) => (await import("../models.ts")).listModels(options, openTerminal())),
    )
    .addCommand(
      withStore(new Command("show"))
        .description("One model: where it comes from, how good it was, and its promotions.")
        .argument("<id>", "modelId, its first digits, or champion")
        .action(async (id, options) => (await import("../models.ts")).showModel(id, options, openTerminal())),
    )
    .addCommand(
      withBars(new Command("compare"))
        .description("Two models on bars that neither was trained on.")
        .argument("<a>", "as the champion: modelId, its first digits, or champion")
        .argument("<b>", "as the challenger")
        .action(async (a, b, options) =>
          (await import("../models.ts")).compareModels(a, b, options, openTerminal()),
        ),
    )
    .addCommand(
      withBars(new Command("promote"))
        .description(
          "Makes a model the champion if it beats the present one on bars that neither was trained on.",
        )
        .argument("<id>", "modelId or its first digits")
        .option(
          "--expires-days <n>",
          "days after the last bar it proved itself on until it must not be used",
          toWhole(1, 3650),
          60,
        )
        .option("--force", "promote without a comparison, or against it; needs --reason")
        .option("--reason <text>", "why, for the history")
        .action(async (id, options) =>
          (await import("../models.ts")).promoteModel(id, options, openTerminal()),
        ),
    )
    .addCommand(
      withStore(new Command("rollback"))
        .description("Makes the champion before the present one champion again.")
        .requiredOption("--reason <text>", "why, for the history")
        .action(async (options) => (await import("../models.ts")).rollbackModel(options, openTerminal())),
    )
    .addCommand(
      withStore(new Command("attest"))
        .description(
          "Signs, off chain, what a model was trained on and how good it was: what a vault registers it under.",
        )
        .argument("<id>", "modelId, its first digits, or champion")
        .requiredOption("--rpc <url>", "node of the vault's chain")
        .requiredOption("--eas <address>", "EAS of that chain")
        .requiredOption("--keystore <file>", "encrypted JSON keystore of the key that signs")
        .option(
          "--password-file <file>",
          "file with the keystore's password; default: the variable BALLAST_PASSWORD",
        )
        .option("--out <file>", "where the attestations go", "references.json")
        .action(async (id, options) =>
          (await import("../attestModel.ts")).runAttestModel(id, options, openTerminal()),
        ),
    )
    .addHelpText(
      "after",
      "\nExamples:\n  npm run ballast -- models list\n  npm run ballast -- models promote 0x5f…c2 --bars ./bars\n  npm run ballast -- models rollback --reason drift",
    );
