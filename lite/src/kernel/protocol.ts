/** What the page and the worker say to each other. Requests go through comlink; these also travel. */
import type { IPyodideWorkerKernel } from "@jupyterlite/pyodide-kernel/lib/tokens";

export const CANNOT_LOAD =
  "Python could not be loaded from this site. Check the connection, then try again; what you wrote is kept.";

/** A message of the Jupyter kernel, as pyodide-kernel's worker words it. */
export interface KernelMessage {
  type: string;
  bundle?: Record<string, unknown>;
  parentHeader?: unknown;
  [key: string]: unknown;
}

export interface Header {
  msg_id: string;
  msg_type: string;
  session: string;
  username: string;
  version: string;
  date: string;
}

export interface ExecuteContent {
  code: string;
  silent: boolean;
  store_history: boolean;
  user_expressions: Record<string, never>;
  allow_stdin: boolean;
  stop_on_error: boolean;
}

/** The reply to an execute request, with the cell's own line of an error. */
export interface WorkerReply {
  status: "ok" | "error";
  ename?: string;
  evalue?: string;
  traceback?: string[];
  line?: number | null;
  /** The kernel's own code failed: this Python is not to be trusted any longer. */
  broken?: string;
}

/** Files that changed, by path below the workspace's root. */
export interface FileChanges {
  write: Record<string, string>;
  remove: string[];
  /** Files that the workspace does not keep: binary, or too large. */
  skipped: string[];
}

export interface InitializeOptions extends IPyodideWorkerKernel.IOptions {
  /** The build of the page; the worker refuses to work for another. */
  build: string;
  /** One shared byte: 2 asks Python to stop. Absent where the page is not isolated. */
  interruptBuffer: Uint8Array | null;
  /** Colors of tracebacks, a name IPython knows. */
  colors: "nocolor" | "neutral";
}

/** The worker's own methods, seen through comlink. */
export interface WorkerApi {
  initialize(options: InitializeOptions): Promise<Record<string, number>>;
  execute(content: ExecuteContent, parent: { header: Header }): Promise<WorkerReply>;
  /** Completion, inspection, "is it complete?": content and reply as Jupyter's. */
  complete(content: unknown, parent: { header: Header }): Promise<unknown>;
  inspect(content: unknown, parent: { header: Header }): Promise<unknown>;
  isComplete(content: unknown, parent: { header: Header }): Promise<unknown>;
  call(request: string): Promise<string>;
  sync(write: Record<string, string>, remove: string[]): Promise<void>;
  collect(): Promise<FileChanges>;
}

/** What the worker posts beside comlink's answers. */
export type WorkerEvent =
  | { _kernelMessage: KernelMessage }
  | { _logMessage: { type: string; level: string; data: string } }
  | { _phase: string }
  | { _fatal: string };
