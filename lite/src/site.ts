/** Where the site is, whatever folder it is served from. The bundler fills both constants. */
declare const __TO_ROOT__: string | undefined;
declare const __BUILD__: string | undefined;

/** The root of the site, ending in a slash. */
export const siteRoot: string = new URL(
  typeof __TO_ROOT__ === "string" ? __TO_ROOT__ : "./",
  import.meta.url,
).href;

/** Names the build these bundles belong to. */
export const buildId: string = typeof __BUILD__ === "string" ? __BUILD__ : "source";
