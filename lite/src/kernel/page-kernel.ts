/** The kernel of a page: one request at a time, a stop that always works, a restart that keeps the files. */
import type { WorkspaceStore } from "../workspace/store.ts";
import { Engine } from "./engine.ts";
import { WorkspaceLink } from "./link.ts";
import { toOutput } from "./messages.ts";
import type { Header, KernelMessage } from "./protocol.ts";
import {
  type ExecuteReply,
  type Kernel,
  KernelCrashed,
  type KernelStatus,
  KernelStopped,
  type Output,
  ServiceError,
} from "./types.ts";

/** How long an interrupt may take before Python is thrown away: a sleep or a long C call does not hear it. */
const WATCHDOG = 1_000;

const KEPT = "It was restarted: your files are kept, the variables are gone.";

interface Session {
  engine: Engine;
  link: WorkspaceLink;
}

interface Answer {
  ok: boolean;
  error?: { kind: string; message: string; hint?: string };
  changes?: { write: Record<string, string>; delete: string[] };
}

export class PageKernel extends EventTarget implements Kernel {
  status: KernelStatus = "off";
  timings: Record<string, number> = {};
  readonly #store: WorkspaceStore;
  #starting: Promise<Session> | null = null;
  #engine: Engine | null = null;
  /** The end of the queue. */
  #tail: Promise<unknown> = Promise.resolve();
  /** Counts the stops: a request that waited through one is dropped. */
  #stops = 0;
  #stopping = false;
  /** Resolves when the running request has ended. */
  #running: Promise<unknown> | null = null;
  #sink: ((message: KernelMessage) => void) | null = null;
  #requests = 0;

  readonly #colors: "nocolor" | "neutral";

  constructor(store: WorkspaceStore, colors: "nocolor" | "neutral" = "nocolor") {
    super();
    this.#store = store;
    this.#colors = colors;
  }

  async start(): Promise<void> {
    await this.#session();
  }

  async execute(
    code: string,
    onOutput: (output: Output) => void,
    { silent = false } = {},
  ): Promise<ExecuteReply> {
    const show = silent ? () => undefined : onOutput;
    try {
      return await this.#enqueue((session) => this.#execute(session, code, silent, show));
    } catch (error) {
      if (error instanceof KernelStopped) return { status: "stopped" };
      if (!(error instanceof KernelCrashed)) throw error;
      const evalue = `${error.message} ${KEPT}`;
      show({ kind: "error", ename: error.name, evalue, traceback: [evalue] });
      return { status: "error", ename: error.name, evalue };
    }
  }

  async call<T>(request: { call: string; [key: string]: unknown }): Promise<T> {
    return this.#enqueue((session) => this.#call<T>(session, request));
  }

  /** A Jupyter request about code that is being written; its content and reply are Jupyter's. */
  async ask(request: "complete" | "inspect" | "isComplete", content: unknown): Promise<unknown> {
    const parent = { header: this.#header(request) };
    return this.#enqueue(({ engine }) => engine.remote[request](content, parent));
  }

  /** Throw Python away for good. */
  dispose(): void {
    this.#stops += 1;
    const old = this.#engine;
    this.#engine = this.#starting = null;
    old?.terminate(new KernelStopped());
    this.#set("off");
  }

  async stop(): Promise<"interrupted" | "restarted"> {
    this.#stops += 1;
    const [engine, running] = [this.#engine, this.#running];
    if (!engine || !running) return "interrupted";
    this.#stopping = true;
    if (engine.interrupt() && (await within(running, WATCHDOG))) return "interrupted";
    if (engine !== this.#engine) return "restarted";
    this.#replaceSoon(new KernelStopped(), "Stopped. " + KEPT);
    return "restarted";
  }

  async restart(): Promise<void> {
    this.#stops += 1;
    if (!this.#starting) return this.start();
    await this.#replace(new KernelStopped(), KEPT);
  }

  #session(): Promise<Session> {
    this.#starting ??= this.#boot("booting");
    return this.#starting;
  }

  async #boot(status: "booting" | "restarting"): Promise<Session> {
    const begin = performance.now();
    this.#stopping = false;
    this.#set(status, "Loading Python");
    const engine = new Engine({
      colors: this.#colors,
      phase: (text) => this.#set(this.status, text),
      message: (message) => this.#sink?.(message),
    });
    this.#engine = engine;
    try {
      const timings = await engine.initialize();
      const opening = performance.now();
      this.#set(this.status, "Opening your work");
      const session = { engine, link: new WorkspaceLink(this.#store, engine.remote) };
      await this.#open(session);
      this.timings = {
        ...timings,
        workspace: Math.round(performance.now() - opening),
        total: Math.round(performance.now() - begin),
      };
      // From now on a death of the interpreter is noticed even when nothing runs.
      engine.lost.catch((reason: Error) => {
        if (engine === this.#engine) this.#replaceSoon(reason, `${reason.message} ${KEPT}`);
      });
      this.#set("idle");
      return session;
    } catch (error) {
      if (engine === this.#engine) {
        engine.terminate(error as Error);
        this.#engine = this.#starting = null;
        this.#set("dead", (error as Error).message);
      }
      throw error;
    }
  }

  /** The workspace's files, and the engine's own view of them. A course that cannot open still runs cells. */
  async #open(session: Session): Promise<void> {
    await session.engine.alive(session.link.push());
    try {
      await this.#call(session, { call: "open", root: "/workspace" });
    } catch (error) {
      if (!(error instanceof ServiceError)) throw error;
      if (error.kind !== "unavailable") console.error(error);
    }
  }

  /** Throw this Python away and start another one. */
  async #replace(reason: Error, said: string): Promise<void> {
    const old = this.#engine;
    this.#engine = null;
    old?.terminate(reason);
    this.#starting = this.#boot("restarting");
    await this.#starting;
    this.dispatchEvent(new CustomEvent("restarted", { detail: { reason: said } }));
  }

  #replaceSoon(reason: Error, said: string): void {
    // A failure shows in the status, and to whoever asks next.
    this.#replace(reason, said).catch(() => undefined);
  }

  /** Run after everything before it; dropped when a stop came in between. */
  async #enqueue<T>(work: (session: Session) => Promise<T>): Promise<T> {
    const stops = this.#stops;
    const before = this.#tail;
    const turn = before.then(async () => {
      if (stops !== this.#stops) throw new KernelStopped();
      const session = await this.#session();
      if (stops !== this.#stops) throw new KernelStopped();
      session.engine.clearInterrupt();
      this.#stopping = false;
      this.#set("busy");
      const running = session.engine.alive(work(session));
      this.#running = running;
      try {
        return await running;
      } finally {
        this.#running = this.#sink = null;
        if (this.status === "busy") this.#set("idle");
      }
    });
    this.#tail = turn.catch(() => undefined);
    return turn;
  }

  async #execute(
    { engine, link }: Session,
    code: string,
    silent: boolean,
    onOutput: (output: Output) => void,
  ): Promise<ExecuteReply> {
    await link.push();
    const header = this.#header("execute_request");
    this.#sink = (message) => {
      const output = toOutput(message);
      // A stop is not an error of the student's; the reply says it.
      if (output && !(this.#stopping && output.kind === "error" && output.ename === "KeyboardInterrupt")) {
        onOutput(output);
      }
    };
    const content = {
      code,
      silent,
      store_history: !silent,
      user_expressions: {},
      allow_stdin: false,
      stop_on_error: true,
    };
    const reply = await engine.remote.execute(content, { header });
    if (reply.broken) {
      const crash = new KernelCrashed(`Python is in a state in which it cannot go on (${reply.broken.slice(-500)}).`);
      engine.terminate(crash);
      throw crash;
    }
    for (const path of await link.pull()) {
      const text = `${path} lasts for this session only: the workspace keeps text files of up to 2 MB.\n`;
      onOutput({ kind: "stream", name: "stderr", text });
    }
    const { status, ename, evalue } = reply;
    const line = reply.line ?? undefined;
    if (status === "ok") return { status };
    if (this.#stopping && ename === "KeyboardInterrupt") return { status: "stopped", line };
    return { status, ename, evalue, line };
  }

  async #call<T>({ engine, link }: Session, request: { call: string; [key: string]: unknown }): Promise<T> {
    await link.push();
    let answer: Answer;
    try {
      answer = JSON.parse(await engine.remote.call(JSON.stringify(request))) as Answer;
    } catch (error) {
      if (this.#stopping) throw new KernelStopped();
      throw error;
    }
    await link.pull(answer.changes);
    if (this.#stopping) throw new KernelStopped();
    if (!answer.ok) {
      const { kind = "unknown", message = "The course engine failed.", hint } = answer.error ?? {};
      throw new ServiceError(kind, message, hint);
    }
    return answer as T;
  }

  #header(type: string): Header {
    this.#requests += 1;
    return {
      msg_id: `page-${this.#requests}`,
      msg_type: type,
      session: "page",
      username: "",
      version: "5.3",
      date: new Date().toISOString(),
    };
  }

  #set(status: KernelStatus, phase?: string): void {
    this.status = status;
    this.dispatchEvent(new CustomEvent("status", { detail: { status, phase } }));
  }
}

/** Whether the promise settles within the time. */
function within(promise: Promise<unknown>, milliseconds: number): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(false), milliseconds);
    const settled = (): void => {
      clearTimeout(timer);
      resolve(true);
    };
    promise.then(settled, settled);
  });
}
