/** One live Python: a worker, the way to it, and the news of its death. */
import { type Remote, wrap } from "comlink";
import { buildId, siteRoot } from "../site.ts";
import { CANNOT_LOAD, type InitializeOptions, type KernelMessage, type WorkerApi, type WorkerEvent } from "./protocol.ts";
import { KernelCrashed } from "./types.ts";

export interface EngineOptions {
  /** Colors of tracebacks, a name IPython knows. */
  colors: InitializeOptions["colors"];
  phase(text: string): void;
  message(message: KernelMessage): void;
}

export class Engine {
  readonly remote: Remote<WorkerApi>;
  /** Rejects when this Python is gone, with the reason; it never resolves. */
  readonly lost: Promise<never>;
  readonly #worker: Worker;
  readonly #interrupt: Uint8Array | null;
  readonly #colors: InitializeOptions["colors"];
  #fail: (reason: Error) => void = () => undefined;

  constructor(options: EngineOptions) {
    this.#colors = options.colors;
    this.lost = new Promise((_, reject) => (this.#fail = reject));
    this.lost.catch(() => undefined);
    this.#interrupt = crossOriginIsolated ? new Uint8Array(new SharedArrayBuffer(1)) : null;
    this.#worker = new Worker(new URL("tt/kernel-worker.js", siteRoot), { type: "module" });
    this.#worker.addEventListener("message", (event: MessageEvent<WorkerEvent>) => {
      const news = event.data;
      if ("_kernelMessage" in news) options.message(news._kernelMessage);
      else if ("_phase" in news) options.phase(news._phase);
      else if ("_fatal" in news) this.terminate(new KernelCrashed(`Python crashed (${news._fatal}).`));
    });
    this.#worker.addEventListener("error", (event) => {
      event.preventDefault();
      this.terminate(new KernelCrashed(event.message ? `Python failed: ${event.message}` : CANNOT_LOAD));
    });
    this.remote = wrap<WorkerApi>(this.#worker);
  }

  /** Load and start Python; resolves to the milliseconds of each phase. */
  async initialize(): Promise<Record<string, number>> {
    const indexUrl = new URL("pyodide/", siteRoot).href;
    const options: InitializeOptions = {
      build: buildId,
      interruptBuffer: this.#interrupt,
      colors: this.#colors,
      baseUrl: siteRoot,
      pyodideUrl: indexUrl + "pyodide.mjs",
      indexUrl,
      pipliteWheelUrl: "",
      pipliteUrls: [],
      disablePyPIFallback: true,
      location: "",
      mountDrive: false,
      loadPyodideOptions: { lockFileURL: indexUrl + "pyodide-lock.json", packages: [] },
    };
    return this.alive(this.remote.initialize(options));
  }

  /** The work's result, or the reason of this Python's death, whichever comes first. */
  alive<T>(work: Promise<T>): Promise<T> {
    return Promise.race([work, this.lost]);
  }

  /** Ready for the next request: an interrupt that came while nothing ran must not hit it. */
  clearInterrupt(): void {
    if (this.#interrupt) this.#interrupt[0] = 0;
  }

  /** Ask Python to raise KeyboardInterrupt; false where the page shares no memory with it. */
  interrupt(): boolean {
    if (!this.#interrupt) return false;
    this.#interrupt[0] = 2;
    return true;
  }

  terminate(reason: Error): void {
    this.#worker.terminate();
    this.#fail(reason);
  }
}
