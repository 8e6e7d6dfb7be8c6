/** The database behind the workspace: its layout, and how an older layout becomes this one. */

/** One file. A removed file stays as a record without text, so that other tabs can learn that it went. */
export interface FileRecord {
  path: string;
  text: string | null;
  /** Counts the transactions of this workspace; every record carries the one that wrote it. */
  revision: number;
  /** When it was written, in milliseconds since 1970. */
  modified: number;
}

export const FILES = "files";
export const META = "meta";

type Migration = (database: IDBDatabase, transaction: IDBTransaction) => void;

/** migrations[n] turns layout n into layout n + 1. Append; never edit one that was published. */
export const migrations: Migration[] = [
  (database) => {
    const files = database.createObjectStore(FILES, { keyPath: "path" });
    files.createIndex("revision", "revision");
    database.createObjectStore(META);
  },
];

export const SCHEMA_VERSION = migrations.length;

/** Why the database cannot be used, in words for the reader. */
export class StorageProblem extends Error {
  override readonly name = "StorageProblem";
}

export interface DatabaseEvents {
  /** It cannot be opened until something else happens. */
  blocked(reason: string): void;
  /** The browser or a newer page took it away. */
  lost(reason: string): void;
}

/** Open the database, bringing it to this layout. */
export function openDatabase(name: string, events: DatabaseEvents): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    if (typeof indexedDB === "undefined") throw new StorageProblem("This browser offers no storage to this page.");
    const request = indexedDB.open(name, SCHEMA_VERSION);
    request.onupgradeneeded = (event) => {
      const transaction = request.transaction;
      if (!transaction) return;
      for (const migrate of migrations.slice(event.oldVersion)) migrate(request.result, transaction);
    };
    request.onblocked = () =>
      events.blocked("Another tab with an older version of this site holds your work. Close that tab.");
    request.onerror = () => reject(explain(request.error));
    request.onsuccess = () => {
      const database = request.result;
      database.onversionchange = () => {
        database.close();
        events.lost("A newer version of this site was opened in another tab. Reload this page.");
      };
      database.onclose = () => events.lost("The browser closed the storage of this page. Reload it.");
      resolve(database);
    };
  });
}

/** Say a storage error in words for the reader. */
export function explain(error: unknown): StorageProblem {
  if (error instanceof StorageProblem) return error;
  const name = error instanceof Error ? error.name : "";
  if (name === "VersionError") {
    return new StorageProblem(
      "Your work was saved by a newer version of this site. Reload the page; it is left untouched.",
    );
  }
  if (name === "QuotaExceededError") {
    return new StorageProblem("The browser's storage is full: what you write now is not kept. Export your work.");
  }
  const detail = error instanceof Error ? ` (${error.name}: ${error.message})` : "";
  return new StorageProblem(
    `The browser does not let this page keep your work${detail}: it is lost when you close the tab. Export it.`,
  );
}
