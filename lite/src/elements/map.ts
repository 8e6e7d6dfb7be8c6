/** `<tt-map>`: the course as a list that says what is passed, what is open and what is next. No Python is started. */
import { placeOf, pageCourse } from "../page/course.ts";
import { FoundationsNote } from "../page/foundations.ts";
import { followProgress } from "../page/progress.ts";
import { pageSession } from "../page/session.ts";
import { markOfChapter, markOfStep, nextStep, passed, type CourseChapter, type Progress } from "../workspace/progress.ts";
import { h } from "./dom.ts";
import { CHAPTER_WORDS, sign, STEP_WORDS } from "./marks.ts";
import { count } from "./words.ts";

interface Row {
  chapter: CourseChapter;
  element: HTMLElement;
  mark: HTMLElement;
  chosen: FoundationsNote;
  lacking: FoundationsNote;
}

export class TinyTorchMap extends HTMLElement {
  readonly #session = pageSession();
  readonly #rows: Row[] = [];
  readonly #summary = h("p", { class: "tt-map-summary", role: "status" });
  readonly #next = h("p", { class: "tt-map-next" });

  connectedCallback(): void {
    if (this.#rows.length > 0) return;
    for (const chapter of pageCourse()) {
      const element = this.querySelector<HTMLElement>(`[data-chapter="${chapter.number}"]`);
      if (!element) continue;
      const mark = h("p", { class: "tt-map-mark" });
      const chosen = new FoundationsNote(this.#session, chapter.number, true);
      const lacking = new FoundationsNote(this.#session, chapter.number);
      element.querySelector(".tt-map-title")?.after(mark);
      element.append(chosen.element, lacking.element);
      this.#rows.push({ chapter, element, mark, chosen, lacking });
    }
    this.querySelector(".tt-map-now")?.replaceChildren(this.#summary, this.#next);
    followProgress(this.#session, (progress) => this.#show(progress));
  }

  #show(progress: Progress): void {
    for (const row of this.#rows) this.#showChapter(row, progress);
    this.#showNow(progress);
  }

  #showChapter({ chapter, element, mark, chosen, lacking }: Row, progress: Progress): void {
    const standing = markOfChapter(progress, chapter);
    element.dataset["mark"] = standing;
    mark.replaceChildren(sign(standing), CHAPTER_WORDS[standing]);
    for (const { id } of chapter.steps) {
      const item = element.querySelector<HTMLElement>(`[data-step="${id}"]`);
      const kind = markOfStep(progress, id);
      if (!item || item.dataset["mark"] === this.#key(progress, id)) continue;
      item.dataset["mark"] = this.#key(progress, id);
      const by = kind === "broken" ? progress.steps[id]?.broken_by : undefined;
      const words = by ? `Broke when ${placeOf(by).number} changed` : STEP_WORDS[kind];
      item.querySelector(".tt-map-mark")?.remove();
      item.append(h("span", { class: "tt-map-mark" }, sign(kind), words));
    }
    chosen.show(progress);
    // Ahead of the reader everything is open; that is no choice to be made yet.
    lacking.show(progress, standing !== "begun");
  }

  /** What the mark of a step depends on. */
  #key(progress: Progress, step: string): string {
    return `${markOfStep(progress, step)} ${progress.steps[step]?.broken_by ?? ""}`.trim();
  }

  #showNow(progress: Progress): void {
    const course = pageCourse();
    const steps = course.flatMap((chapter) => chapter.steps);
    const finished = steps.filter(({ id }) => passed(progress, id)).length;
    const marks = course.map((chapter) => markOfChapter(progress, chapter));
    const done = marks.filter((mark) => mark === "done" || mark === "complete").length;
    const complete = marks.filter((mark) => mark === "complete").length;
    const broken = steps.filter(({ id }) => markOfStep(progress, id) === "broken").length;
    const sentences = [
      progress.problem,
      `${finished} of ${count(steps.length, "step")} passed. ${done} of ${count(course.length, "chapter")} done, ${complete} complete.`,
      broken > 0 && `${count(broken, "step")} no longer ${broken === 1 ? "passes" : "pass"} after a change.`,
    ].filter(Boolean);
    const summary = sentences.join(" ");
    if (this.#summary.textContent !== summary) this.#summary.textContent = summary;
    this.#showNext(nextStep(progress, course), finished);
  }

  #showNext(step: string | null, finished: number): void {
    if ((step ?? "none") === this.#next.dataset["step"]) return;
    this.#next.dataset["step"] = step ?? "none";
    if (step === null) {
      this.#next.replaceChildren("Nothing is left open.");
      return;
    }
    const { number, title, address } = placeOf(step);
    const words = `${number}: ${title}`;
    this.#next.replaceChildren(
      h("span", { class: "tt-map-next-word" }, finished === 0 ? "Begin with" : "Next"),
      " ",
      address ? h("a", { href: address }, words) : words,
    );
  }
}
