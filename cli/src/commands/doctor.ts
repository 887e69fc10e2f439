import { Command } from "commander";
import { openTerminal } from "../terminal.ts";

export const doctorCommand = (): Command =>
  new Command("doctor")
    .description("Says what this machine has, what is missing, and how to get it.")
    .option("--json", "the findings as JSON on stdout")
    .option("--install-tensorflow", "build native TensorFlow, on which large networks train faster")
    .option("--remove-tensorflow", "remove that build")
    .addHelpText("after", "\nExample:\n  npm run ballast -- doctor")
    .action(async (options) => {
      const terminal = openTerminal();
      const { installTensorFlow, removeTensorFlow } = await import("../tensorflow.ts");
      if (options.removeTensorflow) removeTensorFlow(terminal);
      else if (options.installTensorflow) await installTensorFlow(terminal);
      else await (await import("../doctor.ts")).runDoctor(options, terminal);
    });
