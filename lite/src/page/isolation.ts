/** The site's service worker: offline pages, and the isolation that lets Stop interrupt Python. */
import { siteRoot } from "../site.ts";
import type { Session } from "./session.ts";

const RELOADED = "tt-reloaded-for-isolation";

/** Whether a reload now would take something from the reader. */
function untouched(session: Session): boolean {
  return session.kernel.status === "off" && !session.hasEdits && document.activeElement === document.body;
}

/** Have the book kept at once, and Python once the reader has used it: both then work without a network. */
function keepForOffline({ kernel }: Session, worker: ServiceWorker | null): void {
  if (!worker) return;
  const later = (work: () => void) => ("requestIdleCallback" in window ? requestIdleCallback(work) : setTimeout(work, 2_000));
  later(() => worker.postMessage({ precache: "pages" }));
  const used = () => {
    if (kernel.status !== "idle") return;
    kernel.removeEventListener("status", used);
    later(() => worker.postMessage({ precache: "runtime" }));
  };
  kernel.addEventListener("status", used);
}

/**
 * Register the worker. On a server that sends no isolation headers the worker supplies them from the
 * next load on; that load is brought about once, and only while the reader has not begun to work.
 */
export async function registerServiceWorker(session: Session): Promise<void> {
  if (!("serviceWorker" in navigator)) return;
  try {
    if (crossOriginIsolated) sessionStorage.removeItem(RELOADED);
    await navigator.serviceWorker.register(new URL("sw.js", siteRoot), { scope: siteRoot });
    const { active } = await navigator.serviceWorker.ready;
    keepForOffline(session, active);
    if (crossOriginIsolated || sessionStorage.getItem(RELOADED)) return;
    if (!navigator.serviceWorker.controller) {
      await new Promise((resolve) => navigator.serviceWorker.addEventListener("controllerchange", resolve, { once: true }));
    }
    if (!untouched(session)) return;
    // Noted before: a page that is still not isolated afterwards must not reload again.
    sessionStorage.setItem(RELOADED, "1");
    location.reload();
  } catch {
    // Blocked, or no storage to note the reload in: the page works as it is, and Stop restarts Python.
  }
}
