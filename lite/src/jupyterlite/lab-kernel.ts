/** The page's kernel, spoken to by JupyterLite. */
import type { KernelMessage } from "@jupyterlab/services";
import { BaseKernel, type IKernel } from "@jupyterlite/services";
import { PageKernel } from "../kernel/page-kernel.ts";
import { type Output, ServiceError } from "../kernel/types.ts";
import type { WorkspaceChange, WorkspaceStore } from "../workspace/store.ts";

type Content<Message extends KernelMessage.IMessage> = Message["content"];
type Reply<Message extends { content: unknown }> = Promise<Message["content"]>;

/** A change of one of these makes `import tinytorch` mean another package. */
const PACKAGE = /^(?:tinytorch\/.+\.py|\.tito\/workspace\.json)$/;

export class LabKernel extends BaseKernel {
  readonly #kernel: PageKernel;
  readonly #store: WorkspaceStore;
  readonly #onChange: (event: Event) => void;
  #prepared = false;

  constructor(options: IKernel.IOptions, store: WorkspaceStore) {
    super(options);
    this.#store = store;
    this.#kernel = new PageKernel(store, "neutral");
    this.#kernel.addEventListener("restarted", () => (this.#prepared = false));
    this.#onChange = (event) => {
      if ((event as WorkspaceChange).detail.paths.some((path) => PACKAGE.test(path))) this.#prepared = false;
    };
    store.addEventListener("change", this.#onChange);
    // Whoever opens a notebook is about to run it.
    void this.#kernel.start().catch(() => undefined);
  }

  override dispose(): void {
    if (this.isDisposed) return;
    this.#store.removeEventListener("change", this.#onChange);
    this.#kernel.dispose();
    super.dispose();
  }

  async interrupt(): Promise<void> {
    await this.#kernel.stop();
  }

  override async executeRequest(
    content: Content<KernelMessage.IExecuteRequestMsg>,
  ): Reply<KernelMessage.IExecuteReplyMsg> {
    const header = this.parentHeader;
    const send = (output: Output): void => this.#send(output, header);
    const failed = (ename: string, evalue: string): Content<KernelMessage.IExecuteReplyMsg> => ({
      status: "error",
      ename,
      evalue,
      traceback: [],
      execution_count: this.executionCount,
    });
    try {
      await this.#prepare(send);
      const reply = await this.#kernel.execute(content.code, send, { silent: content.silent });
      if (reply.status === "ok") {
        return { status: "ok", execution_count: this.executionCount, user_expressions: {} };
      }
      if (reply.status === "error") return failed(reply.ename ?? "", reply.evalue ?? "");
      send({ kind: "error", ename: "Stopped", evalue: "", traceback: ["Stopped."] });
      return failed("KeyboardInterrupt", "");
    } catch (error) {
      const { name, message } = error as Error;
      send({ kind: "error", ename: name, evalue: message, traceback: [message] });
      return failed(name, message);
    }
  }

  /** Let `import tinytorch` be the student's package as it is now. */
  async #prepare(send: (output: Output) => void): Promise<void> {
    if (this.#prepared) return;
    this.#prepared = true;
    try {
      const { problem } = await this.#kernel.call<{ problem?: string }>({ call: "prepare_live" });
      if (problem) {
        const text = `Your package does not import, so cells run on the reference: ${problem}\n`;
        send({ kind: "stream", name: "stderr", text });
      }
    } catch (error) {
      this.#prepared = false;
      // A site without the engine still runs cells.
      if (!(error instanceof ServiceError)) throw error;
      if (error.kind !== "unavailable") send({ kind: "stream", name: "stderr", text: `${error.message}\n` });
    }
  }

  #send(output: Output, header: KernelMessage.IHeader | undefined): void {
    if (output.kind === "stream") this.stream({ name: output.name, text: output.text }, header);
    else if (output.kind === "clear") this.clearOutput({ wait: output.wait }, header);
    else if (output.kind === "error") {
      const { ename, evalue, traceback } = output;
      this.publishExecuteError({ ename, evalue, traceback }, header);
    } else {
      const data = output.data;
      const metadata = output.metadata as Content<KernelMessage.IDisplayDataMsg>["metadata"];
      const transient = output.id ? { display_id: output.id } : {};
      if (output.update) this.updateDisplayData({ data, metadata, transient: { display_id: output.id ?? "" } }, header);
      else if (output.result) {
        this.publishExecuteResult({ data, metadata, execution_count: this.executionCount }, header);
      } else this.displayData({ data, metadata, transient }, header);
    }
  }

  override async kernelInfoRequest(): Reply<KernelMessage.IInfoReplyMsg> {
    return {
      status: "ok",
      implementation: "tinytorch",
      implementation_version: "1",
      protocol_version: "5.3",
      banner: "Python in this browser, on your TinyTorch workspace",
      help_links: [],
      language_info: {
        name: "python",
        version: "3.14",
        mimetype: "text/x-python",
        file_extension: ".py",
        codemirror_mode: { name: "python", version: 3 },
        nbconvert_exporter: "python",
        pygments_lexer: "ipython3",
      },
    };
  }

  override async completeRequest(content: Content<KernelMessage.ICompleteRequestMsg>): Reply<KernelMessage.ICompleteReplyMsg> {
    return this.#ask("complete", content);
  }

  override async inspectRequest(content: Content<KernelMessage.IInspectRequestMsg>): Reply<KernelMessage.IInspectReplyMsg> {
    return this.#ask("inspect", content);
  }

  override async isCompleteRequest(content: Content<KernelMessage.IIsCompleteRequestMsg>): Reply<KernelMessage.IIsCompleteReplyMsg> {
    return this.#ask("isComplete", content);
  }

  async #ask<T>(request: "complete" | "inspect" | "isComplete", content: unknown): Promise<T> {
    return (await this.#kernel.ask(request, content)) as T;
  }

  // Widgets are not part of the site, so there is nobody to talk to.
  override async commInfoRequest(): Reply<KernelMessage.ICommInfoReplyMsg> {
    return { status: "ok", comms: {} };
  }
  override async commOpen(): Promise<void> {}
  override async commMsg(): Promise<void> {}
  override async commClose(): Promise<void> {}
  override inputReply(): void {}
}
