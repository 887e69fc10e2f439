import { Command } from "commander";
export const agentCommand = (): Command => new Command("agent");
