/**
 * The start of Python, in one place: whatever makes it faster (snapshots, a spare kernel) belongs here.
 * Lean: no micropip, no piplite, no jedi; packages come from the site's own lock file only.
 */
import type { loadPyodide, PyodideAPI } from "pyodide";

/** What the kernel and the course need before the first cell; what the lock lacks is left out. */
export const PACKAGES = ["comm", "pyodide-kernel", "ipython", "numpy", "pytest", "tinytorch"];

export interface BootOptions {
  /** The folder of the distribution, ending in a slash. */
  indexUrl: string;
  interruptBuffer: Uint8Array | null;
  /** Text that bypasses Python's sys.stdout and sys.stderr. */
  write(name: "stdout" | "stderr", text: string): void;
  /** Called when the interpreter is beyond repair. */
  fatal(message: string): void;
  mark(phase: string): void;
}

interface Lock {
  packages: Record<string, { name: string }>;
}

/** Private parts of Pyodide, which is pinned to one version. */
interface Internals {
  _api: { on_fatal: (error: { name: string; message: string }) => void };
  _module: {
    _PyThreadState_Get(): number;
    _emscripten_stack_get_base(): number;
    _PyUnstable_ThreadState_SetStackProtection(thread: number, start: number, size: number): number;
  };
}

/**
 * How much of its stack C code may use before Python raises RecursionError. A worker's own stack, on which it
 * really runs, is small (0.5 MB in Chromium), unknown to Python, and fatal to overflow.
 */
const STACK = 128 * 1024;

/** Load the interpreter and the packages that every session needs. */
export async function boot(options: BootOptions): Promise<PyodideAPI> {
  const { failed, stopWatching } = watchFetches();
  try {
    return await Promise.race([start(options), failed]);
  } finally {
    stopWatching();
  }
}

async function start({ indexUrl, interruptBuffer, write, fatal, mark }: BootOptions): Promise<PyodideAPI> {
  const [loader, lock] = await Promise.all([
    import(indexUrl + "pyodide.mjs") as Promise<{ loadPyodide: typeof loadPyodide }>,
    fetch(indexUrl + "pyodide-lock.json").then((response) => response.json() as Promise<Lock>),
  ]);
  mark("loader");
  const python = await loader.loadPyodide({
    indexURL: indexUrl,
    lockFileContents: JSON.stringify(lock),
    packageBaseUrl: indexUrl,
    packages: PACKAGES.filter((name) => name in lock.packages),
    env: { HOME: "/home/pyodide", PYTHONDONTWRITEBYTECODE: "1" },
    stdout: (text) => write("stdout", text + "\n"),
    stderr: (text) => write("stderr", text + "\n"),
  });
  const { _api: api, _module: module } = python as unknown as Internals;
  api.on_fatal = (error) => fatal(`${error.name}: ${error.message}`);
  const base = module._emscripten_stack_get_base();
  module._PyUnstable_ThreadState_SetStackProtection(module._PyThreadState_Get(), base - STACK, STACK);
  if (interruptBuffer) python.setInterruptBuffer(interruptBuffer);
  mark("runtime");
  return python;
}

/** Pyodide waits for ever for an interpreter that cannot be fetched, and starts without a package that cannot. */
function watchFetches(): { failed: Promise<never>; stopWatching: () => void } {
  const original = globalThis.fetch;
  let fail: (reason: Error) => void = () => undefined;
  const failed = new Promise<never>((_, reject) => (fail = reject));
  failed.catch(() => undefined);
  globalThis.fetch = async (input, init) => {
    const url = input instanceof Request ? input.url : String(input);
    try {
      const response = await original(input, init);
      if (!response.ok) fail(new Error(`${url} answered ${response.status}`));
      return response;
    } catch (error) {
      fail(new Error(`${url}: ${(error as Error).message}`));
      throw error;
    }
  };
  return { failed, stopWatching: () => (globalThis.fetch = original) };
}
