/** The sidebar says how far each chapter is. */
import { CHAPTER_WORDS, sign } from "../elements/marks.ts";
import { h } from "../elements/dom.ts";
import { siteRoot } from "../site.ts";
import { markOfChapter, type Progress } from "../workspace/progress.ts";
import { pageCourse } from "./course.ts";

/** Put a mark beside every chapter that was begun, wherever the navigation is. */
export function markSidebar(progress: Progress): void {
  const links = [...document.querySelectorAll<HTMLAnchorElement>(".bd-links a.internal")];
  for (const chapter of pageCourse()) {
    if (!chapter.page) continue;
    const { pathname } = new URL(chapter.page, siteRoot);
    const mark = markOfChapter(progress, chapter);
    for (const link of links) {
      if (link.pathname !== pathname) continue;
      const old = link.querySelector<HTMLElement>(".tt-chapter-mark");
      if (old?.dataset["mark"] === mark) continue;
      old?.remove();
      if (mark === "open") continue;
      const words = h("span", { class: "tt-hidden" }, `, ${CHAPTER_WORDS[mark].toLowerCase()}`);
      link.append(h("span", { class: "tt-chapter-mark", "data-mark": mark, title: CHAPTER_WORDS[mark] }, sign(mark), words));
    }
  }
}
