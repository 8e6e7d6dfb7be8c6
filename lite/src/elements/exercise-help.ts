/** Hints one by one, the solution after an honest try, and the questions asked before something is given up. */
import { button, enable, h } from "./dom.ts";
import type { TinyTorchExercise } from "./exercise.ts";
import type { ExerciseData } from "./types.ts";
import { count, prose, type Verdict } from "./words.ts";

/** Failed checks after which the solution is no longer called early. */
const HONEST_TRIES = 3;
const NO_HINT_YET = "Check your code first: hints open after a failed check";

export class ExerciseHelp {
  readonly element = h("div", { class: "tt-help" });
  readonly hintButton: HTMLButtonElement;
  readonly solutionButton: HTMLButtonElement;
  readonly #hints = h("ol", { class: "tt-hints" });
  readonly #panel = h("div", { class: "tt-panel" });
  #given = 0;
  #tries = 0;

  constructor(
    readonly exercise: TinyTorchExercise,
    readonly data: ExerciseData,
  ) {
    this.hintButton = button("Hint", () => this.#giveHint(), { icon: "hint", className: "tt-quiet" });
    this.solutionButton = button("Show solution", () => this.#askSolution(), { className: "tt-quiet" });
    enable(this.hintButton, false, NO_HINT_YET);
    this.element.append(this.#hints, this.#panel);
    this.#panel.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && this.#panel.querySelector(".tt-ask")) this.closePanel(true);
    });
  }

  /** A check has ended: what help fits its verdict? */
  judged(kind: Verdict): void {
    if (kind === "failed" || kind === "raised") this.#tries += 1;
    if (kind === "passed") this.#hints.replaceChildren();
    const more = this.#given < this.data.hints.length;
    // Why code does not parse or run is said by Python; a hint about the task would lead away from it.
    if (kind === "failed" || kind === "unwritten") enable(this.hintButton, more, "There are no more hints");
    else enable(this.hintButton, false, kind === "passed" ? "You have passed" : "First mend the error that is shown");
    this.hintButton.title = this.hintButton.getAttribute("aria-disabled") === "true" ? this.hintButton.title : "";
  }

  #giveHint(): void {
    const hint = this.data.hints[this.#given];
    if (hint === undefined) return;
    this.#given += 1;
    const total = this.data.hints.length;
    const item = h(
      "li",
      { class: "tt-hint", tabindex: "-1" },
      h("p", {}, h("strong", {}, `Hint ${this.#given} of ${total} `), prose(hint)),
    );
    this.#hints.append(item);
    item.focus();
    if (this.#given === total) enable(this.hintButton, false, "There are no more hints");
  }

  askReset(): void {
    if (this.exercise.code === this.data.starter) {
      this.exercise.reset();
      return;
    }
    this.#ask("Replace your text by the starter? You can take it back.", "Replace it", () => this.exercise.reset());
  }

  #askSolution(): void {
    if (this.exercise.status === "passed" || this.exercise.status === "revealed") {
      void this.#showSolution();
      return;
    }
    const tried = this.#tries === 0 ? "You have not checked anything yet." : `You have tried ${count(this.#tries, "time")}.`;
    const advice = this.#tries < HONEST_TRIES ? " A hint may be enough." : "";
    this.#ask(
      `${tried}${advice} Once you have seen the solution, this step is recorded as revealed, not as passed.`,
      "Show me anyway",
      () => void this.#showSolution(),
    );
  }

  #ask(question: string, yes: string, act: () => void): void {
    const keep = button("Keep trying", () => this.closePanel(true));
    const go = button(yes, () => {
      this.closePanel();
      act();
    });
    this.#panel.replaceChildren(
      h("div", { class: "tt-ask", role: "group", "aria-label": "Please confirm" }, h("p", {}, question), go, keep),
    );
    keep.focus();
  }

  closePanel(refocus = false): void {
    this.#panel.replaceChildren();
    if (refocus) this.exercise.focusCode();
  }

  async #showSolution(): Promise<void> {
    try {
      const { solution, revealed } = await this.exercise.askSolution();
      await this.compare(solution, "The solution");
      if (revealed) this.exercise.revealed();
    } catch (error) {
      this.exercise.reportProblem(error);
    }
  }

  /** The student's text beside another one, differences marked. */
  async compare(other: string, title: string): Promise<void> {
    const close = button("Close", () => this.closePanel(true), { className: "tt-quiet" });
    const host = h("div", { class: "tt-compare" });
    const box = h(
      "section",
      { class: "tt-solution", "aria-label": title, tabindex: "-1" },
      h("div", { class: "tt-compare-head" }, h("span", {}, "Your text"), h("span", {}, title), close),
      host,
    );
    this.#panel.replaceChildren(box);
    const { showBoth } = await import("./compare.ts");
    showBoth(host, this.exercise.code, other, title);
    box.focus();
  }
}
