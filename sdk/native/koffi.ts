import { createRequire } from 'node:module';
import { BackplaneError } from '../base/errors.ts';

/** The one version that was tried: what it calls, and how, is no promise of its own. */
export const KoffiVersion = '3.3.4';

/** The part of koffi that is used here. Its own types are there only where it is installed. */
export interface Koffi {
  readonly version: string;
  load(path: null): KoffiLibrary;
  /** Bytes at an address of this process. More than 4 GiB end the process. */
  view(address: bigint, length: number): ArrayBuffer;
  /** The address of the first byte of a Buffer, which the caller keeps alive. */
  address(bytes: ArrayBufferView): bigint;
  errno(): number;
  readonly node: { poll(fd: number, events: KoffiPollEvents, callback: () => void): KoffiPoll };
}

export interface KoffiLibrary {
  func(prototype: string): (...values: unknown[]) => unknown;
  symbol(name: string): bigint;
}

export interface KoffiPollEvents {
  readonly readable?: boolean;
  readonly writable?: boolean;
}

/** A descriptor in the event loop of Node. It keeps the process alive until it is closed. */
export interface KoffiPoll {
  /** Waits for other events from here on. */
  start(events: KoffiPollEvents, callback: () => void): void;
  close(): void;
}

/** koffi, which only this file loads, when it is first needed. What needs it begins the sentences of the errors: `-accel kvm`. */
export function loadKoffi(neededBy: string): Koffi {
  const koffi = requireKoffi(neededBy);
  if (koffi.version === KoffiVersion) return koffi;
  throw new BackplaneError(
    'koffi-version',
    `${neededBy}: koffi ${koffi.version} is installed, and version ${KoffiVersion} is needed. Run 'npm install koffi@${KoffiVersion}'.`,
  );
}

function requireKoffi(neededBy: string): Koffi {
  const require = createRequire(import.meta.url);
  try {
    return require('koffi') as Koffi;
  } catch (cause) {
    const isMissing = (cause as { code?: string }).code === 'MODULE_NOT_FOUND';
    const why = isMissing ? 'is not installed' : `cannot be loaded: ${firstLine(cause)}`;
    throw new BackplaneError(
      'koffi-missing',
      `${neededBy}: the package 'koffi', which calls libc, ${why}. Run 'npm install koffi@${KoffiVersion}'.`,
      { cause },
    );
  }
}

function firstLine(cause: unknown): string {
  return (cause instanceof Error ? cause.message : String(cause)).split('\n')[0] as string;
}
