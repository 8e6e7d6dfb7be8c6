/** Everything on a page that shows how far the reader is, kept up with the workspace, other tabs' work included. */
import { type Progress, PROGRESS, readProgress } from "../workspace/progress.ts";
import type { WorkspaceChange } from "../workspace/store.ts";
import { FoundationsNote } from "./foundations.ts";
import type { Session } from "./session.ts";
import { markSidebar } from "./sidebar-marks.ts";

/** A change of many files is shown once. */
const PAUSE = 50;

/** Call `show` now and after every change of the workspace that may have to do with progress. */
export function followProgress(session: Session, show: (progress: Progress) => void): void {
  const { store } = session;
  const read = async () => show(readProgress(await store.readAll()));
  let timer: ReturnType<typeof setTimeout> | undefined;
  store.addEventListener("change", (event) => {
    const { paths } = (event as WorkspaceChange).detail;
    if (!paths.some((path) => path === PROGRESS || path.startsWith(".tito/drafts/") || path.startsWith("tinytorch/"))) return;
    clearTimeout(timer);
    timer = setTimeout(() => void read(), PAUSE);
  });
  void read();
}

/** The sidebar's marks, and on a chapter's page what it lacks, where its exercises begin. */
export function showProgress(session: Session): void {
  const first = document.querySelector("tt-exercise");
  const note = first && session.level ? new FoundationsNote(session, session.level) : null;
  if (note) first?.before(note.element);
  followProgress(session, (progress) => {
    markSidebar(progress);
    note?.show(progress);
  });
}
