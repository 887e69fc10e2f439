import { installNative, removeNative } from "@ballast/training";
import { interruptible } from "./interrupt.ts";
import type { Terminal } from "./terminal.ts";

/** Builds native TensorFlow for training under a progress bar. Errors: those of installNative, StoppedError */
export async function installTensorFlow(terminal: Terminal): Promise<void> {
  const { folder, versions, isNew } = await interruptible(
    "what was fetched is kept for the next try",
    (signal) => terminal.track("native TensorFlow", (onProgress) => installNative({ signal, onProgress })),
  );
  terminal.result(
    `tfjs-node ${versions.tfjsNode} on libtensorflow ${versions.tensorflow} ${isNew ? "is built" : "was here"} and trains, in ${folder}`,
  );
}

export function removeTensorFlow(terminal: Terminal): void {
  terminal.result(removeNative() ? "native TensorFlow is removed" : "there was no native TensorFlow");
}
