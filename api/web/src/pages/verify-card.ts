import { type DecisionDetail, ProblemError, readNetwork } from "../api.ts";
import { badge, card, h, notice, type Tone } from "../dom.ts";
import type { Finding } from "../verify/verify.ts";

const NO_MODEL = /^0x0+$/;
const WORD: Readonly<Record<Finding["status"], readonly [Tone, string]>> = {
  pass: ["good", "holds"],
  fail: ["bad", "fails"],
  open: ["plain", "not checked here"],
};

/** The button that checks a decision in this browser, and what it found. */
export function verifyCard(
  shown: DecisionDetail,
  evidence: unknown,
  announce: (text: string) => void,
): HTMLElement {
  const title = "Verify";
  if (evidence === undefined)
    return card(title, null, notice("Not signed yet", "There is no attestation to check."));
  const result = h("div", { class: "findings", id: "findings" });
  const button = h("button", { type: "button", class: "primary", id: "verify" }, "Verify in this browser");
  button.addEventListener("click", async () => {
    button.disabled = true;
    button.textContent = "Verifying…";
    try {
      // Hashes and elliptic curves are loaded when somebody wants them.
      const [{ verifyDecision }, network] = await Promise.all([
        import("../verify/verify.ts"),
        networkOf(shown),
      ]);
      const start = performance.now();
      const findings = verifyDecision(shown, JSON.stringify(evidence), network);
      const verdict = toVerdict(findings);
      result.replaceChildren(...report(verdict, findings, performance.now() - start));
      announce(verdict.text);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      result.replaceChildren(notice("It could not be verified", why));
      announce(`It could not be verified: ${why}`);
    }
    button.disabled = false;
    button.textContent = "Verify again";
  });
  return card(
    title,
    "Recomputes hashes and signatures and runs the vault's integer network again, here, with the agent's own code. The server is not asked whether it is right.",
    button,
    result,
  );
}

async function networkOf({ decision }: DecisionDetail): Promise<string | undefined> {
  if (NO_MODEL.test(decision.modelId)) return undefined;
  return (await readNetwork(decision.modelId).catch(noneIfMissing))?.bytes;
}

const noneIfMissing = (error: unknown): undefined => {
  if (error instanceof ProblemError && error.status === 404) return undefined;
  throw error;
};

function toVerdict(findings: readonly Finding[]): { readonly tone: Tone; readonly text: string } {
  const failed = findings.filter(({ status }) => status === "fail");
  const passed = findings.filter(({ status }) => status === "pass").length;
  const open = findings.length - passed - failed.length;
  if (failed.length > 0)
    return {
      tone: "bad",
      text: `Does not hold: ${failed.length} of ${findings.length - open} checks fail. First: ${failed[0]!.title}.`,
    };
  return {
    tone: "good",
    text: `Holds: all ${passed} checks that a browser can make pass; ${open} need more than this page.`,
  };
}

const report = (
  verdict: ReturnType<typeof toVerdict>,
  findings: readonly Finding[],
  ms: number,
): HTMLElement[] => [
  h(
    "p",
    { class: `verdict ${verdict.tone}`, id: "verdict" },
    verdict.text,
    h("small", {}, ` ${Math.max(1, Math.round(ms))} ms`),
  ),
  h(
    "ol",
    { class: "checks" },
    findings.map(({ title, status, detail }) =>
      h(
        "li",
        { class: status },
        badge(...WORD[status]),
        h("strong", {}, title),
        h("span", { class: "detail" }, detail),
      ),
    ),
  ),
];
