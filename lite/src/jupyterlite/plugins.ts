/** What JupyterLite runs on here instead of its own: the site's workspace, and the kernel of the book's pages. */
import { IDefaultDrive, ServerConnection } from "@jupyterlab/services";
import { PageConfig } from "@jupyterlab/coreutils";
import { ILocalForage } from "@jupyterlite/localforage";
import { IKernelClient, IKernelSpecs, LiteKernelClient } from "@jupyterlite/services";
import { installServiceWorker, keepForOffline } from "../service-worker/register.ts";
import { workspaceStore } from "../workspace/store.ts";
import { WorkspaceDrive } from "./drive.ts";
import { LabKernel } from "./lab-kernel.ts";

type Activate = (app: unknown, ...services: never[]) => unknown;
interface Plugin {
  id: string;
  description: string;
  autoStart: true;
  requires?: unknown[];
  optional?: unknown[];
  provides?: unknown;
  activate: Activate;
}

/** The running kernels, by id. */
const kernels = new Map<string, LabKernel>();

/** JupyterLite's client only drops the waiting cells; this one stops the running one too. */
class KernelClient extends LiteKernelClient {
  override async interrupt(id: string): Promise<void> {
    const stopped = kernels.get(id)?.interrupt();
    await super.interrupt(id);
    await stopped;
  }
}

const drive: Plugin = {
  id: "@tinytorch/workspace:drive",
  description: "The workspace of the site as JupyterLite's files.",
  autoStart: true,
  provides: IDefaultDrive,
  requires: [ILocalForage],
  activate: (_app: unknown, { localforage }: ILocalForage) =>
    new WorkspaceDrive(workspaceStore(), {
      localforage,
      storageName: `JupyterLite Storage - ${PageConfig.getOption("baseUrl")}`,
    }),
};

const client: Plugin = {
  id: "@tinytorch/workspace:kernel-client",
  description: "Kernels that can be interrupted.",
  autoStart: true,
  provides: IKernelClient,
  requires: [IKernelSpecs],
  activate: (_app: unknown, kernelSpecs: IKernelSpecs) =>
    new KernelClient({ kernelSpecs, serverSettings: ServerConnection.makeSettings() }),
};

const kernel: Plugin = {
  id: "@tinytorch/workspace:kernel",
  description: "The Python of the book's pages.",
  autoStart: true,
  requires: [IKernelSpecs],
  activate: (_app: unknown, specs: IKernelSpecs) => {
    specs.register({
      spec: { name: "python", display_name: "Python (TinyTorch)", language: "python", argv: [], resources: {} },
      create: async (options) => {
        const created = new LabKernel(options, workspaceStore());
        kernels.set(options.id, created);
        keepForOffline("runtime", "pages");
        created.disposed.connect(() => {
          if (kernels.get(options.id) === created) kernels.delete(options.id);
        });
        return created;
      },
    });
  },
};

// Whoever comes here first gets the site's service worker here; nothing is open yet that a reload would take.
void installServiceWorker(workspaceStore(), () => kernels.size === 0);

export default [drive, client, kernel];
