/** The site's notebooks, with the student's own text in the cells of the steps. */
import type { Contents } from "@jupyterlab/services";
import { extract } from "../elements/regions.ts";
import type { WorkspaceStore } from "../workspace/store.ts";

type Model = Contents.IModel;

interface Cell {
  cell_type: string;
  source: string | string[];
}

const STEP = /^%%step (\d\d-[a-z0-9-]+\/[a-z0-9-]+)[ \t]*\n/;
const MODULE = /^tinytorch\/[^/]+\.py$/;

/** A notebook that comes from the site begins where the student is, not at the starters. */
export async function withOwnTexts(model: Model, store: WorkspaceStore): Promise<Model> {
  const files = await store.readAll();
  const modules = [...files].filter(([path]) => MODULE.test(path)).map(([, text]) => text);
  const own = (step: string): string | undefined => {
    const draft = files.get(`.tito/drafts/${step}.py`);
    if (draft !== undefined) return draft;
    for (const text of modules) {
      const found = extract(text, step);
      if (found !== null) return found;
    }
    return undefined;
  };
  for (const cell of (model.content as { cells: Cell[] }).cells) {
    const source = Array.isArray(cell.source) ? cell.source.join("") : cell.source;
    const head = STEP.exec(source);
    const text = head?.[1] && own(head[1]);
    if (head && text !== undefined) cell.source = head[0] + text;
  }
  return model;
}
