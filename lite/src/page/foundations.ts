/** A chapter whose foundations are open: the reader decides, and may decide again. */
import { button, enable, h } from "../elements/dom.ts";
import { chaptersNamed, chapterOf, missing, openSteps, type Progress } from "../workspace/progress.ts";
import { pageCourse, placeOf } from "./course.ts";
import type { Session } from "./session.ts";

/** A note with the choice; empty and out of the way where there is nothing to decide. */
export class FoundationsNote {
  readonly element = h("div", { class: "tt-foundations", hidden: true });
  #shown = "";

  constructor(
    readonly session: Session,
    /** The chapter that builds on others, or with `own` the one that was left to the reference. */
    readonly chapter: number,
    readonly own = false,
  ) {}

  show(progress: Progress, quiet = false): void {
    const course = pageCourse();
    const open = this.own || quiet ? [] : missing(progress, course, this.chapter);
    const replaced = course.filter(
      (chapter) =>
        progress.reference.includes(chapter.number) &&
        (this.own ? chapter.number === this.chapter : chapter.number < this.chapter && openSteps(progress, chapter).length > 0),
    );
    const numbers = replaced.map(({ number }) => number);
    const state = JSON.stringify([open, numbers]);
    if (state === this.#shown) return;
    const focused = this.element.contains(document.activeElement);
    this.#shown = state;
    this.element.replaceChildren(...(open.length > 0 ? [this.#lacking(open)] : []), ...(numbers.length > 0 ? [this.#chosen(numbers)] : []));
    this.element.hidden = this.element.childElementCount === 0;
    // The button that was pressed is gone: what came of it is next.
    if (focused) (this.element.querySelector<HTMLElement>("p") ?? this.element).focus();
  }

  #lacking(open: string[]): HTMLElement {
    const numbers = [...new Set(open.map(chapterOf))];
    const named = chaptersNamed(numbers);
    const [first = ""] = open;
    const { address } = placeOf(first);
    return this.#note(
      `This chapter builds on ${named}, where ${open.length === 1 ? "1 step is" : `${open.length} steps are`} open. Until then, its cells run on the reference.`,
      `Use the reference for ${named}`,
      () => this.session.useReference(numbers, true),
      address && h("a", { class: "tt-button", href: address }, "Take me to the first open step"),
    );
  }

  #chosen(numbers: number[]): HTMLElement {
    const named = this.own ? "this chapter" : chaptersNamed(numbers);
    return this.#note(`You let the reference stand in for the open steps of ${named}.`, "Take it back", () => this.session.useReference(numbers, false));
  }

  #note(words: string, label: string, act: () => Promise<void>, more?: Node | string | null): HTMLElement {
    const said = h("span", { class: "tt-foundations-said", role: "status" });
    const press = button(label, () => {
      enable(press, false);
      said.textContent = "Saving your choice…";
      act().catch((error: unknown) => {
        enable(press, true);
        said.textContent = error instanceof Error ? error.message : String(error);
      });
    });
    const actions = h("div", { class: "tt-foundations-actions" }, press, more, said);
    return h("div", { class: "tt-foundation" }, h("p", { tabindex: "-1" }, words), actions);
  }
}
