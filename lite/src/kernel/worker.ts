/** The worker in which Python runs: pyodide-kernel's, with a lean start, bounded output and the workspace. */
import { expose } from "comlink";
import { PyodideRemoteKernel } from "@jupyterlite/pyodide-kernel/lib/worker";
import { buildId } from "../site.ts";
import { boot } from "./boot.ts";
import setup from "./kernel.py";
import { type FileSystem, Mirror } from "./mirror.ts";
import { OutputBudget } from "./output.ts";
import {
  CANNOT_LOAD,
  type FileChanges,
  type Header,
  type InitializeOptions,
  type KernelMessage,
  type WorkerEvent,
  type WorkerReply,
} from "./protocol.ts";

export const WORKSPACE = "/workspace";

/** `tito.service.handle`. */
type Handle = (request: string) => string;

const post = (event: WorkerEvent): void => postMessage(event);

interface PythonError extends Error {
  type?: string;
}

class KernelWorker extends PyodideRemoteKernel {
  readonly #timings: Record<string, number> = {};
  #last = performance.now();
  #budget: OutputBudget | null = null;
  /** What C code wrote; shown at the next chance. Held back because a dying interpreter dumps its stack there. */
  #raw: [name: string, text: string][] = [];
  #interrupt: Uint8Array | null = null;
  #mirror: Mirror | null = null;
  #finish: () => number | undefined = () => undefined;
  #serve: (() => Handle | undefined) | null = null;
  #handle: Handle | undefined;

  constructor() {
    super();
    this._sendWorkerMessage = (message: KernelMessage) => {
      if (this.#budget) this.#budget.message(message);
      else post({ _kernelMessage: message });
    };
    this._logMessage = (message) => post({ _logMessage: message as { type: string; level: string; data: string } });
  }

  override async initialize(options: InitializeOptions): Promise<Record<string, number> & void> {
    if (options.build !== buildId) {
      throw new Error("This site was updated while the page was open. Reload the page to go on.");
    }
    this.#mark("worker");
    await super.initialize(options);
    this.#mark("kernel");
    return this.#timings as Record<string, number> & void;
  }

  protected override async initRuntime(options: InitializeOptions): Promise<void> {
    this.#interrupt = options.interruptBuffer;
    try {
      this._pyodide = await boot({
        indexUrl: options.indexUrl,
        interruptBuffer: options.interruptBuffer,
        write: (name, text) => this.#raw.push([name, text]),
        fatal: (message) => post({ _fatal: message }),
        mark: (phase) => this.#mark(phase),
      });
    } catch (error) {
      throw new Error(`${CANNOT_LOAD} (${(error as Error).message})`);
    }
  }

  protected override async initPackageManager(): Promise<void> {
    // The site's lock file is all there is: nothing is installed from elsewhere.
  }

  protected override async initFilesystem(): Promise<void> {
    this.#mirror = new Mirror(this._pyodide.FS as unknown as FileSystem, WORKSPACE);
  }

  protected override async initKernel(options: InitializeOptions): Promise<void> {
    post({ _phase: "Starting Python" });
    const python = this._pyodide;
    const scope = python.toPy({ __name__: "tinytorch_page_kernel" });
    python.runPython(setup, { globals: scope, filename: "<kernel>" });
    // Where pyodide-kernel looks for itself.
    python.globals.set("pyodide_kernel", python.pyimport("pyodide_kernel"));
    const publish = (name: string, text: string): void => {
      this.#showRaw();
      this.#budget?.stream(name, text);
    };
    const loadImports = (code: string): Promise<void> => this.#loadImports(code);
    this.#finish = scope.get("install")(publish, loadImports, options.colors, WORKSPACE);
    this.#serve = scope.get("serve");
  }

  /** Run a cell. The host sends one at a time. */
  override async execute(content: { code: string }, parent: { header: Header }): Promise<WorkerReply> {
    const budget = new OutputBudget((message) => post({ _kernelMessage: { parentHeader: parent.header, ...message } }));
    this.#budget = budget;
    let reply: WorkerReply;
    try {
      reply = (await super.execute(content as never, parent)) as WorkerReply;
    } catch (error) {
      reply = this.#unexpected(error as PythonError);
    }
    // A stop that came too late for this cell must not hit what follows.
    if (this.#interrupt) this.#interrupt[0] = 0;
    if (!reply.broken) reply.line = this.#finish() ?? null;
    this.#showRaw();
    budget.finish();
    return reply;
  }

  /** Ask the course engine: JSON in, JSON out. */
  async call(request: string): Promise<string> {
    this.#budget = null;
    this.#handle ??= this.#serve?.();
    if (!this.#handle) {
      return JSON.stringify({
        ok: false,
        error: { kind: "unavailable", message: "The course engine is not part of this site.", hint: "" },
        changes: { write: {}, delete: [] },
      });
    }
    const { code } = JSON.parse(request) as { code?: unknown };
    if (typeof code === "string") await this.#loadImports(code);
    try {
      return this.#handle(request);
    } finally {
      if (this.#interrupt) this.#interrupt[0] = 0;
    }
  }

  async sync(write: Record<string, string>, remove: string[]): Promise<void> {
    this.#mirror?.sync(write, remove);
    // A student's module may import what the page has not loaded yet.
    const sources = Object.entries(write).filter(([path]) => path.endsWith(".py"));
    for (const [, text] of sources) if (/\b(?:matplotlib|PIL)\b/.test(text)) await this.#loadImports(text);
  }

  async collect(): Promise<FileChanges> {
    return this.#mirror?.collect() ?? { write: {}, remove: [], skipped: [] };
  }

  protected override sendInputRequest(): undefined {
    return undefined;
  }

  #showRaw(): void {
    for (const [name, text] of this.#raw.splice(0)) this.#budget?.stream(name, text);
  }

  /** Load the packages of the lock file that the code imports. */
  async #loadImports(code: string): Promise<void> {
    await this._pyodide.loadPackagesFromImports(code, {
      messageCallback: (message) => {
        if (message.startsWith("Loading ")) post({ _phase: message });
      },
      errorCallback: (message) => this.#budget?.stream("stderr", message + "\n"),
    });
  }

  /** An error of the kernel's own code, not of the cell's. */
  #unexpected(error: PythonError): WorkerReply {
    if (error.type === "KeyboardInterrupt" || /KeyboardInterrupt\s*$/.test(error.message)) {
      return { status: "error", ename: "KeyboardInterrupt", evalue: "", traceback: [] };
    }
    const evalue = error.message || String(error);
    return { status: "error", ename: error.type ?? error.name, evalue, traceback: [evalue], broken: evalue };
  }

  #mark(phase: string): void {
    const now = performance.now();
    this.#timings[phase] = Math.round(now - this.#last);
    this.#last = now;
  }
}

expose(new KernelWorker());
