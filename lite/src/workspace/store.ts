/** The student's files, kept in the browser: the truth that the kernel's /workspace folder mirrors. */

export type WorkspaceChange = CustomEvent<{ paths: string[]; origin: "here" | "other-tab" }>;

/** Events: "change" (WorkspaceChange) and "problem" (read `problem`). */
export interface WorkspaceStore extends EventTarget {
  /** False when the files live in this page's memory only. Known after the first read or write. */
  readonly available: boolean;
  /** What is wrong with the storage, in words for the reader, or null. */
  readonly problem: string | null;
  readAll(): Promise<Map<string, string>>;
  read(path: string): Promise<string | undefined>;
  /** Write and remove files in one transaction. Rejects when they could not be stored; they stay readable here. */
  write(files: Record<string, string>, remove?: string[]): Promise<void>;
  /** Make these the only files, in one transaction. */
  replaceAll(files: Map<string, string>): Promise<void>;
}

/** The one store of this page. */
export function workspaceStore(): WorkspaceStore {
  throw new Error("not built yet");
}
