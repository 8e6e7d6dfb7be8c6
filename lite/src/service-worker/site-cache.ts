/** What the service worker answers: the runtime by content hash, pages from the network first, always isolated. */

/** Written by service-worker/manifest.mjs when the site is put together: path below the root -> content hash. */
export interface Manifest {
  build: string;
  /** Never changes under its hash: served from the cache. */
  runtime: Record<string, string>;
  /** Served from the network while there is one. */
  pages: Record<string, string>;
}

export interface Surroundings {
  /** The root of the site, ending in a slash. */
  scope: string;
  caches: CacheStorage;
  fetch: typeof fetch;
  /** Keeps the worker alive until the promise settles. */
  keep(work: Promise<unknown>): void;
  /** The manifest is older than what the server sends. */
  outdated(): void;
}

/** With these a page is cross-origin isolated, so that it may share the memory that interrupts Python. */
const ISOLATION = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
  "Cross-Origin-Resource-Policy": "same-origin",
};

const PREFIX = "tinytorch-";
const PRECACHED_AT_ONCE = 4;

export class SiteCache {
  readonly #runtimeName: string;
  readonly #pagesName: string;

  constructor(
    private readonly manifest: Manifest,
    private readonly site: Surroundings,
  ) {
    // Sites in folders of one origin share its cache storage.
    this.#runtimeName = `${PREFIX}runtime:${site.scope}`;
    this.#pagesName = `${PREFIX}pages:${site.scope}`;
  }

  /** The answer to a request, or null for one that is none of ours. */
  answer(request: Request): Promise<Response> | null {
    if (request.method !== "GET" || !request.url.startsWith(this.site.scope)) return null;
    if (request.cache === "only-if-cached" && request.mode !== "same-origin") return null;
    const path = this.#path(request.url);
    return path in this.manifest.runtime ? this.#fromCache(path) : this.#fromNetwork(request);
  }

  /** Drop what this build and the one before it do not use: pages that are open still load the one before. */
  async clean(): Promise<void> {
    const cache = await this.#runtime();
    const last = `${this.site.scope}?manifest`;
    const previous = (await (await cache.match(last))?.json().catch(() => null)) as Manifest | null | undefined;
    const used = new Set([last]);
    for (const { runtime } of [this.manifest, ...(previous?.runtime ? [previous] : [])]) {
      for (const [path, hash] of Object.entries(runtime)) used.add(this.#key(path, hash));
    }
    for (const request of await cache.keys()) if (!used.has(request.url)) await cache.delete(request);
    if (previous?.build !== this.manifest.build) await cache.put(last, Response.json(this.manifest));
    for (const name of await this.site.caches.keys()) {
      const ours = name.startsWith(PREFIX) && name.endsWith(`:${this.site.scope}`);
      if (ours && name !== this.#runtimeName && name !== this.#pagesName) await this.site.caches.delete(name);
    }
  }

  /** Fetch what is not in the cache yet; how many files are there, and how many could not be had. */
  async precache(part: "runtime" | "pages"): Promise<{ files: number; failed: number }> {
    const paths = Object.keys(this.manifest[part]);
    let failed = 0;
    const next = async (): Promise<void> => {
      for (let path = paths.shift(); path !== undefined; path = paths.shift()) {
        const stored = part === "runtime" ? await this.#storeRuntime(path) : await this.#storePage(path);
        if (!stored) failed += 1;
      }
    };
    const files = paths.length;
    await Promise.all(Array.from({ length: PRECACHED_AT_ONCE }, next));
    return { files, failed };
  }

  async #fromCache(path: string): Promise<Response> {
    const cache = await this.#runtime();
    const hit = await cache.match(this.#key(path));
    if (hit) return hit;
    try {
      const response = isolated(await this.site.fetch(this.site.scope + path, { cache: "no-cache" }));
      if (response.ok) this.site.keep(this.#keepIfSame(path, response.clone()));
      return response;
    } catch {
      // Another build's file is better than none only for a page of that build, which says so itself.
      return (await cache.match(this.site.scope + path, { ignoreSearch: true })) ?? unreachable(path);
    }
  }

  async #fromNetwork(request: Request): Promise<Response> {
    const path = this.#path(request.url);
    const pages = await this.site.caches.open(this.#pagesName);
    const key = this.site.scope + path;
    try {
      const response = isolated(await this.site.fetch(request));
      // A broken server is as good as none.
      if (response.status >= 500) return (await pages.match(key)) ?? response;
      if (response.ok && response.type !== "opaque" && response.status !== 206) {
        this.site.keep(pages.put(key, response.clone()).catch(() => undefined));
      }
      return response;
    } catch {
      const hit = (await pages.match(key)) ?? (await pages.match(`${key.replace(/\/?$/, "/")}index.html`));
      // A file of the build before this one, asked for by a page that is still open.
      const older = hit ?? (await (await this.#runtime()).match(key, { ignoreSearch: true }));
      return older ?? (request.mode === "navigate" ? offlinePage(this.site.scope) : unreachable(path));
    }
  }

  async #storeRuntime(path: string): Promise<boolean> {
    const cache = await this.#runtime();
    if (await cache.match(this.#key(path))) return true;
    try {
      const response = isolated(await this.site.fetch(this.site.scope + path, { cache: "no-cache" }));
      return response.ok && (await this.#keepIfSame(path, response));
    } catch {
      return false;
    }
  }

  async #storePage(path: string): Promise<boolean> {
    const pages = await this.site.caches.open(this.#pagesName);
    const key = this.site.scope + path;
    const hash = this.manifest.pages[path];
    const known = await pages.match(key);
    if (known && known.headers.get("X-Content-Hash") === hash) return true;
    try {
      const response = isolated(await this.site.fetch(key, { cache: "no-cache" }), { "X-Content-Hash": hash ?? "" });
      if (response.ok) await pages.put(key, response);
      return response.ok;
    } catch {
      return false;
    }
  }

  /** Store a file of the runtime if it is the one of this build. */
  async #keepIfSame(path: string, response: Response): Promise<boolean> {
    const bytes = await response.arrayBuffer();
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
    const found = Array.from(digest.subarray(0, 8), (byte) => byte.toString(16).padStart(2, "0")).join("");
    if (found !== this.manifest.runtime[path]) {
      this.site.outdated();
      return false;
    }
    try {
      await (await this.#runtime()).put(this.#key(path), new Response(bytes, { headers: response.headers }));
      return true;
    } catch {
      return false; // No room: the network serves it next time.
    }
  }

  #runtime(): Promise<Cache> {
    return this.site.caches.open(this.#runtimeName);
  }

  #path(url: string): string {
    const { origin, pathname } = new URL(url);
    return decodeURI((origin + pathname).slice(this.site.scope.length));
  }

  #key(path: string, hash = this.manifest.runtime[path]): string {
    return `${this.site.scope}${path}?h=${hash}`;
  }
}

/** The same response with the isolation headers; a redirect or an opaque one passes as it is. */
function isolated(response: Response, more: Record<string, string> = {}): Response {
  if (response.status === 0 || response.type === "opaqueredirect") return response;
  const headers = new Headers(response.headers);
  for (const [name, value] of Object.entries({ ...ISOLATION, ...more })) headers.set(name, value);
  const { status, statusText } = response;
  const empty = status === 204 || status === 205 || status === 304;
  return new Response(empty ? null : response.body, { status, statusText, headers });
}

function unreachable(path: string): Response {
  const text = `${path} is not stored in this browser, and the site cannot be reached.`;
  return new Response(text, {
    status: 504,
    statusText: "Site not reachable",
    headers: { ...ISOLATION, "Content-Type": "text/plain; charset=utf-8" },
  });
}

function offlinePage(scope: string): Response {
  const page = `<!doctype html><html lang="en"><meta charset="utf-8"><title>Not available offline</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>body{font:1.1rem/1.6 system-ui,sans-serif;max-width:36rem;margin:4rem auto;padding:0 1rem;color-scheme:light dark}</style>
<h1>This page is not stored yet</h1>
<p>The site cannot be reached, and this page was not opened before. Your work is safe in this browser.</p>
<p><a href="${scope}">Go to the first page</a></p></html>`;
  return new Response(page, {
    status: 503,
    statusText: "Site not reachable",
    headers: { ...ISOLATION, "Content-Type": "text/html; charset=utf-8" },
  });
}
