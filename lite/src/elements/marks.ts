/** The marks of steps and chapters: a small sign, and the words that say the same. */
import type { ChapterMark, StepMark } from "../workspace/progress.ts";
import { h, icon } from "./dom.ts";

export const STEP_WORDS: Record<StepMark, string> = {
  complete: "Passed",
  passed: "Passed, stretch open",
  broken: "Broken by a change",
  revealed: "Solution seen",
  tried: "Not yet",
  open: "Open",
};

export const CHAPTER_WORDS: Record<ChapterMark, string> = { complete: "Complete", done: "Done", begun: "Begun", open: "Open" };

/** A ring that fills. */
export function sign(mark: StepMark | ChapterMark): HTMLElement {
  const inside = mark === "complete" || mark === "done" || mark === "passed" ? icon("check") : mark === "broken" && icon("cross");
  return h("span", { class: "tt-sign", "data-mark": mark, "aria-hidden": "true" }, inside);
}
