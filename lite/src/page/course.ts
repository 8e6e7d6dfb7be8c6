/** The course as every page carries it, and where its steps are. */
import { siteRoot } from "../site.ts";
import type { CourseChapter } from "../workspace/progress.ts";

let course: CourseChapter[] | undefined;

/** Every chapter, in course order; empty on a page that carries none. */
export function pageCourse(): CourseChapter[] {
  return (course ??= JSON.parse(document.getElementById("tt-course")?.textContent ?? "[]") as CourseChapter[]);
}

export interface Place {
  /** "Exercise 2.1". */
  number: string;
  title: string;
  /** Null where the book has no page of it. */
  address: string | null;
}

/** Where a step is. */
export function placeOf(step: string): Place {
  for (const chapter of pageCourse()) {
    const index = chapter.steps.findIndex(({ id }) => id === step);
    const found = chapter.steps[index];
    if (!found) continue;
    const address = chapter.page && new URL(`${chapter.page}#${step.replace("/", "-")}`, siteRoot).href;
    return { number: `Exercise ${chapter.number}.${index + 1}`, title: found.title, address };
  }
  return { number: step, title: "", address: null };
}
