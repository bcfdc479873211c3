import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import type { CharHost } from '../../../sdk/backend/transport.ts';

/** A machine that remembers what a transport says to it. */
export class FakeHost implements CharHost {
  text = '';
  /** Bytes that a device behind it has not got. */
  waiting = 0;
  sentCount = 0;
  /** Openings and closings, and what arrived between them. */
  readonly events: string[] = [];
  readonly failures: string[] = [];
  private readonly watchers = new Set<() => void>();

  received(bytes: Uint8Array): void {
    this.text += Buffer.from(bytes).toString('latin1');
    this.changed();
  }
  sent(count: number): void {
    this.sentCount += count;
    this.changed();
  }
  opened(): void {
    this.note('open');
  }
  closed(): void {
    this.note('close');
  }
  break(): void {
    this.note('break');
  }
  failed(message: string): void {
    this.failures.push(message);
    this.changed();
  }

  /** Waits until something is so; a test that waits for ever ends by its own limit. */
  async until(isSo: () => boolean): Promise<void> {
    while (!isSo()) {
      await new Promise<void>((resolve) => {
        const once = () => {
          this.watchers.delete(once);
          resolve();
        };
        this.watchers.add(once);
      });
    }
  }

  private note(event: string): void {
    this.events.push(event);
    this.changed();
  }

  private changed(): void {
    for (const watcher of this.watchers) watcher();
  }
}

/** A folder for the files of a test, removed behind all tests of its file. */
export function testFolder(name: string): string {
  const folder = mkdtempSync(join(tmpdir(), `backplane-${name}-`));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export const bytes = (text: string): Uint8Array => Buffer.from(text, 'latin1');
