/** The one service worker of the site: isolation headers, the runtime by content hash, pages when offline. */
import { type Manifest, SiteCache } from "./site-cache.ts";

interface ExtendableEvent extends Event {
  waitUntil(work: Promise<unknown>): void;
}
interface FetchEvent extends ExtendableEvent {
  readonly request: Request;
  respondWith(response: Promise<Response>): void;
}
interface MessageFromPage extends ExtendableEvent {
  readonly data: unknown;
  readonly source: { postMessage(message: unknown): void } | null;
}
interface Worker {
  /** Set by the line that service-worker/manifest.mjs writes before this script. */
  readonly TINYTORCH_FILES?: Manifest;
  readonly registration: { readonly scope: string; update(): Promise<unknown> };
  readonly clients: { claim(): Promise<void> };
  skipWaiting(): Promise<void>;
  addEventListener(type: "install" | "activate", listener: (event: ExtendableEvent) => void): void;
  addEventListener(type: "fetch", listener: (event: FetchEvent) => void): void;
  addEventListener(type: "message", listener: (event: MessageFromPage) => void): void;
}

const worker = self as unknown as Worker;
const manifest = worker.TINYTORCH_FILES ?? { build: "none", runtime: {}, pages: {} };

let askedForUpdate = false;
const site = (keep: (work: Promise<unknown>) => void): SiteCache =>
  new SiteCache(manifest, {
    scope: worker.registration.scope,
    caches,
    fetch: (input, init) => fetch(input, init),
    keep,
    outdated() {
      if (askedForUpdate) return;
      askedForUpdate = true;
      keep(worker.registration.update().catch(() => undefined));
    },
  });

// A new build takes over at once; what the open pages of the old one still need stays in the cache.
worker.addEventListener("install", (event) => event.waitUntil(worker.skipWaiting()));

worker.addEventListener("activate", (event) => {
  event.waitUntil(
    site((work) => event.waitUntil(work))
      .clean()
      .finally(() => worker.clients.claim()),
  );
});

worker.addEventListener("fetch", (event) => {
  const response = site((work) => event.waitUntil(work)).answer(event.request);
  if (response) event.respondWith(response);
});

// {precache: "runtime" | "pages"} from a page; answered when everything is there.
worker.addEventListener("message", (event) => {
  const part = (event.data as { precache?: unknown } | null)?.precache;
  if (part !== "runtime" && part !== "pages") return;
  const cache = site((work) => event.waitUntil(work));
  event.waitUntil(
    cache.precache(part).then((result) => event.source?.postMessage({ precached: part, ...result })),
  );
});
