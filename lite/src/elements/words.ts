/** Sentences of feedback: `code` in backticks becomes code, line breaks stay, everything else is text. */
import { h } from "./dom.ts";
import type { Report } from "./types.ts";

/** Text with its backticked parts as code elements. */
export function prose(text: string): DocumentFragment {
  const fragment = document.createDocumentFragment();
  text.split(/(`[^`\n]+`)/).forEach((piece, index) => {
    if (index % 2 === 1) fragment.append(h("code", {}, piece.slice(1, -1)));
    else fragment.append(piece);
  });
  return fragment;
}

export const count = (n: number, one: string, many = `${one}s`): string => `${n} ${n === 1 ? one : many}`;

export type Verdict = "passed" | "failed" | "raised" | "parse" | "unwritten";

/** The engine's words for an answer that is still the starter. */
const UNWRITTEN = "This step is not written yet.";

/** Which of the kinds of outcome a report is; they are never shown alike. */
export function verdictOf(report: Report): Verdict {
  if (report.outcome === "passed") return "passed";
  if (report.phase === "parse") return "parse";
  if (report.phase === "import" || report.outcome === "error") return "raised";
  const open = report.tests.filter((test) => test.kind !== "stretch" && test.outcome !== "passed");
  if (open.every((test) => test.message === UNWRITTEN)) return "unwritten";
  return open.every((test) => test.outcome === "error") ? "raised" : "failed";
}

/** The sentence that is shown first and read out. */
export function headline(report: Report): string {
  const needed = report.tests.filter((test) => test.kind !== "stretch");
  const failed = needed.filter((test) => test.outcome !== "passed");
  const where = report.line ? ` on line ${report.line}` : "";
  switch (verdictOf(report)) {
    case "passed": {
      const open = report.tests.filter((test) => test.kind === "stretch" && test.outcome !== "passed").length;
      const all = needed.length === 1 ? "The check passes." : `All ${needed.length} checks pass.`;
      return `Passed. ${all}${open > 0 ? ` ${count(open, "stretch check")} still open.` : ""}`;
    }
    case "parse":
      return report.message?.includes("does not parse") ? `Python cannot read this yet${where}.` : "This cannot be checked yet.";
    case "raised":
      return report.tests.length > 0
        ? `Your code stopped with an error${where}.`
        : `Your code stopped with an error${where}, before any check could run.`;
    case "unwritten":
      return "Not written yet. Put your answer in place of the last line.";
    case "failed":
      return `Not yet. ${failed.length} of ${count(needed.length, "check")} ${failed.length === 1 ? "fails" : "fail"}.`;
  }
}
