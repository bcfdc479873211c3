import { mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, statSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { hostDate } from '../../../clock/host-time.ts';
import { cacheFolder } from '../debian/package-cache.ts';

/** Each is as large as the memory that the guest has used. */
const MostStates = 8;
const Suffix = '.state';
const DraftPrefix = '.draft-';
/** In milliseconds. No state takes so long to write: the process of an older draft was killed. */
const OldestDraft = 60 * 60 * 1000;

/** States of booted guests by what shaped them, in the cache of this user. Those that were used last are kept. */
export class SavedStates {
  readonly folder: string;

  constructor(environment: NodeJS.ProcessEnv = process.env) {
    this.folder = join(cacheFolder(environment), 'guests');
  }

  /** The file of a state; undefined where there is none. */
  find(key: string): string | undefined {
    const file = this.#file(key);
    const now = hostDate('utc');
    try {
      utimesSync(file, now, now);
      return file;
    } catch {
      return undefined; // Another process may take it away at any time.
    }
  }

  /** Lets `write` write a file, and keeps it if that succeeds. Another guest may do the same at once: both files are right. */
  async save(key: string, write: (file: string) => Promise<void>): Promise<void> {
    mkdirSync(this.folder, { recursive: true, mode: 0o700 });
    const draft = mkdtempSync(join(this.folder, DraftPrefix));
    try {
      const file = join(draft, 'state');
      await write(file);
      renameSync(file, this.#file(key));
    } finally {
      rmSync(draft, { recursive: true, force: true });
    }
    this.#prune();
  }

  forget(key: string): void {
    rmSync(this.#file(key), { force: true });
  }

  #file(key: string): string {
    return join(this.folder, `${key}${Suffix}`);
  }

  #prune(): void {
    const entries = readdirSync(this.folder).flatMap((name) => {
      const path = join(this.folder, name);
      const used = statSync(path, { throwIfNoEntry: false })?.mtimeMs;
      return used === undefined ? [] : [{ name, path, used }];
    });
    const states = entries.filter(({ name }) => name.endsWith(Suffix)).sort((a, b) => b.used - a.used);
    const earliest = hostDate('utc').getTime() - OldestDraft;
    const abandoned = entries.filter(({ name, used }) => name.startsWith(DraftPrefix) && used < earliest);
    for (const { path } of [...states.slice(MostStates), ...abandoned]) rmSync(path, { recursive: true, force: true });
  }
}
