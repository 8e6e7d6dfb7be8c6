/** What the page knows of the kernel: outputs, replies, states, errors. */

/** One output of a cell, after Jupyter's messages of the same meaning. */
export type Output =
  | { kind: "stream"; name: "stdout" | "stderr"; text: string }
  | {
      kind: "data";
      /** The mime bundle. */
      data: Record<string, string>;
      metadata: Record<string, unknown>;
      /** Jupyter's display_id. */
      id?: string;
      /** Replace the output shown under the same id. */
      update?: boolean;
      /** The value of the cell's last expression. */
      result?: boolean;
    }
  | { kind: "error"; ename: string; evalue: string; traceback: string[] }
  | { kind: "clear"; wait: boolean };

export interface ExecuteReply {
  status: "ok" | "error" | "stopped";
  ename?: string;
  evalue?: string;
  /** The line of the cell, counted from 1, that raised or does not parse. */
  line?: number;
}

export type KernelStatus = "off" | "booting" | "idle" | "busy" | "restarting" | "dead";
export type StatusEvent = CustomEvent<{ status: KernelStatus; phase?: string }>;
export type RestartedEvent = CustomEvent<{ reason: string }>;

/** Events: "status" (StatusEvent); "restarted" (RestartedEvent: ready again, the session's variables are gone). */
export interface Kernel extends EventTarget {
  readonly status: KernelStatus;
  /** Milliseconds of each phase of the last start. */
  readonly timings: Record<string, number>;
  /** Start Python; the same promise for every caller. Rejects with a readable message when it cannot. */
  start(): Promise<void>;
  /** Run code after everything asked before it. Starts the kernel if it is off. */
  execute(code: string, onOutput: (output: Output) => void, options?: { silent?: boolean }): Promise<ExecuteReply>;
  /** Ask the course engine (`tito.service`). What it changes in the workspace is stored before this resolves. */
  call<T>(request: { call: string; [key: string]: unknown }): Promise<T>;
  /** Stop what runs and drop what waits. "restarted" when Python had to be thrown away; the files are kept. */
  stop(): Promise<"interrupted" | "restarted">;
  /** A fresh Python with the workspace's files. */
  restart(): Promise<void>;
}

/** What `call()` throws when the request was stopped. */
export class KernelStopped extends Error {
  override readonly name = "KernelStopped";
  constructor(message = "Stopped.") {
    super(message);
  }
}

/** Python itself failed; the kernel restarts by itself. */
export class KernelCrashed extends Error {
  override readonly name = "KernelCrashed";
}

/** What `call()` throws when the engine answers that it could not. */
export class ServiceError extends Error {
  override readonly name = "ServiceError";
  constructor(
    readonly kind: string,
    message: string,
    readonly hint?: string,
  ) {
    super(message);
  }
}
