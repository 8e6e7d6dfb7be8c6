/** How far the reader is, read from the files of the workspace: no Python is needed to know it. */

export const PROGRESS = ".tito/workspace.json";

/** A chapter as every page carries it; `page` is null where the book has no page of it. */
export interface CourseChapter {
  id: string;
  number: number;
  title: string;
  module: string;
  page: string | null;
  steps: { id: string; title: string }[];
}

/** What the engine has on record about a step. */
export interface StepRecord {
  outcome?: "passed" | "failed" | "error" | null;
  /** Its stretch checks passed, too. */
  complete?: boolean;
  revealed?: boolean;
  /** The step whose change made this one fail after it had passed. */
  broken_by?: string;
  /** SHA-256 of the starter the student began with. */
  starter?: string;
}

export interface Progress {
  steps: Record<string, StepRecord>;
  /** Numbers of the chapters in whose place the student takes the reference. */
  reference: number[];
  /** Why the record could not be read, in words for the reader. */
  problem: string | null;
  /** Every file of the workspace. */
  files: Set<string>;
}

export type StepMark = "complete" | "passed" | "broken" | "revealed" | "tried" | "open";
export type ChapterMark = "complete" | "done" | "begun" | "open";

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null && !Array.isArray(value);

/** Read the record; a damaged one shows nothing done rather than something false. */
export function readProgress(files: Map<string, string>): Progress {
  const progress: Progress = { steps: {}, reference: [], problem: null, files: new Set(files.keys()) };
  const text = files.get(PROGRESS);
  if (text === undefined) return progress;
  try {
    const state: unknown = JSON.parse(text);
    if (!isRecord(state) || !isRecord(state["steps"])) throw new Error("no steps");
    for (const [id, entry] of Object.entries(state["steps"])) if (isRecord(entry)) progress.steps[id] = entry;
    const choices = isRecord(state["choices"]) ? state["choices"]["reference"] : [];
    if (Array.isArray(choices)) progress.reference = choices.filter((number) => typeof number === "number");
  } catch {
    progress.problem = "The record of your progress is damaged. Your code is kept; import an export to bring the record back.";
  }
  return progress;
}

export const passed = (progress: Progress, step: string): boolean => progress.steps[step]?.outcome === "passed";

export function markOfStep(progress: Progress, step: string): StepMark {
  const entry = progress.steps[step] ?? {};
  if (entry.outcome === "passed") return entry.complete ? "complete" : "passed";
  if (entry.broken_by) return "broken";
  if (entry.revealed) return "revealed";
  return entry.outcome ? "tried" : "open";
}

/** Done: all but stretch checks pass. Complete: those do, too. */
export function markOfChapter(progress: Progress, chapter: CourseChapter): ChapterMark {
  const marks = chapter.steps.map(({ id }) => markOfStep(progress, id));
  if (marks.every((mark) => mark === "complete")) return "complete";
  if (marks.every((mark) => mark === "complete" || mark === "passed")) return "done";
  const begun =
    marks.some((mark) => mark !== "open") ||
    progress.files.has(`tinytorch/${chapter.module}.py`) ||
    chapter.steps.some(({ id }) => progress.files.has(`.tito/drafts/${id}.py`));
  return begun ? "begun" : "open";
}

/** Open steps of earlier chapters for which nothing was chosen; as the engine counts them. */
export function missing(progress: Progress, course: CourseChapter[], number: number): string[] {
  return course
    .filter((chapter) => chapter.number < number && !progress.reference.includes(chapter.number))
    .flatMap((chapter) => openSteps(progress, chapter));
}

export const openSteps = (progress: Progress, chapter: CourseChapter): string[] =>
  chapter.steps.map(({ id }) => id).filter((id) => !passed(progress, id));

/** The first open step of the course, or null when nothing is left. */
export function nextStep(progress: Progress, course: CourseChapter[]): string | null {
  return missing(progress, course, Number.POSITIVE_INFINITY)[0] ?? null;
}

/** "chapter 2", "chapters 2 and 3", "chapters 2, 3 and 5". */
export function chaptersNamed(numbers: number[]): string {
  const [last, ...others] = [...new Set(numbers)].sort((a, b) => b - a);
  return others.length === 0 ? `chapter ${last ?? ""}` : `chapters ${others.reverse().join(", ")} and ${last ?? ""}`;
}

export const chapterOf = (step: string): number => Number(step.slice(0, 2));
