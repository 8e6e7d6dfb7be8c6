/** Asking the browser to keep the reader's work for good: once, and when there is work worth it. */

const ASKED = "tinytorch:asked-to-keep";

/** Ask, unless it was asked before or is so already. Some browsers ask the reader; none asks twice. */
export async function askToKeep(storage: StorageManager | null | undefined = navigator.storage, memory: Storage | null = safeMemory()): Promise<void> {
  try {
    // Without a memory it would be asked on every page.
    if (!storage?.persist || !memory || memory.getItem(ASKED)) return;
    memory.setItem(ASKED, "yes");
    if (!(await storage.persisted())) await storage.persist();
  } catch {
    // The work is stored all the same.
  }
}

function safeMemory(): Storage | null {
  try {
    return window.localStorage;
  } catch {
    return null;
  }
}
