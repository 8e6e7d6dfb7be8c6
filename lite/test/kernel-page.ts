/** The smallest page of the site: the kernel and the store, for the browser tests to drive. */
import { pageKernel, type Output } from "../src/kernel/kernel.ts";
import { siteRoot } from "../src/site.ts";
import { workspaceStore } from "../src/workspace/store.ts";

const kernel = pageKernel();
const store = workspaceStore();
const statuses: string[] = [];
const restarts: string[] = [];
kernel.addEventListener("status", (event) => {
  const { status, phase } = (event as CustomEvent<{ status: string; phase?: string }>).detail;
  statuses.push(phase ? `${status}: ${phase}` : status);
});
kernel.addEventListener("restarted", (event) => {
  restarts.push((event as CustomEvent<{ reason: string }>).detail.reason);
});

/** Run code; the reply with its outputs and the milliseconds it took. */
async function run(code: string): Promise<Record<string, unknown>> {
  const outputs: Output[] = [];
  const begin = performance.now();
  const reply = await kernel.execute(code, (output) => outputs.push(output));
  const streams = outputs.filter((output) => output.kind === "stream");
  const text = (name: string): string => streams.filter((o) => o.name === name).map((o) => o.text).join("");
  return { ...reply, outputs, stdout: text("stdout"), stderr: text("stderr"), ms: performance.now() - begin };
}

/** Start code, and stop it after some time; the reply, how it stopped, and the milliseconds from the stop on. */
async function runAndStop(code: string, after: number): Promise<Record<string, unknown>> {
  const running = run(code);
  await new Promise((resume) => setTimeout(resume, after));
  const begin = performance.now();
  const how = await kernel.stop();
  const reply = await running;
  return { ...reply, how, ms: performance.now() - begin };
}

Object.assign(window, { kernel, store, run, runAndStop, statuses, restarts });

const installed = navigator.serviceWorker?.register(new URL("sw.js", siteRoot));
Object.assign(window, { installed });
