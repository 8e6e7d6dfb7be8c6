/**
 * The script that JupyterLite loads: a module-federation container written by hand. It hands JupyterLab's own
 * packages, which exist once in the page, to the plugins, and loads those when JupyterLite asks for them.
 */
type Factory = () => unknown;
interface Shared {
  get(): Factory | Promise<Factory>;
}
/** Package name -> version -> how to get it. */
type ShareScope = Record<string, Record<string, Shared>>;

const NAME = "@tinytorch/workspace";
// Known only while the script runs.
const plugins = new URL("jupyterlite-plugins.js", (document.currentScript as HTMLScriptElement).src).href;

let scope: ShareScope = {};

/** The packages that jupyterlite-plugins.js takes from the page; the bundler makes it look here. */
const wanted = ["@jupyterlab/coreutils", "@jupyterlab/services", "@jupyterlite/services", "@jupyterlite/localforage"];
const page = window as unknown as {
  _JUPYTERLAB: Record<string, unknown>;
  TINYTORCH_SHARED: Record<string, unknown>;
};

async function load(): Promise<Factory> {
  page.TINYTORCH_SHARED ??= {};
  for (const name of wanted) {
    const [version] = Object.values(scope[name] ?? {});
    if (!version) throw new Error(`JupyterLite does not share ${name}.`);
    page.TINYTORCH_SHARED[name] = (await version.get())();
  }
  // JupyterLite marks what it gets with a property, which a module does not allow.
  const module = { __esModule: true, ...((await import(plugins)) as object) };
  return () => module;
}

page._JUPYTERLAB ??= {};
page._JUPYTERLAB[NAME] = {
  init(shared: ShareScope): void {
    scope = shared;
  },
  get(module: string): Promise<Factory> {
    if (module !== "./extension") return Promise.reject(new Error(`${NAME} has no ${module}.`));
    return load();
  },
};
