import { createRequire } from 'node:module';
import { isThorough } from './depth.ts';

/** The tests of a tag are left out by `npm test`: see vitest.config.ts. */
const tags = { qemu: 'qemu', browser: 'browser', package: 'package', host: [], koffi: [], time: [] } as const;

/** What a test needs that a machine may not have. */
export type Need = keyof typeof tags;

declare module 'vitest' {
  interface TaskMeta {
    /** Why the test is skipped. */
    skipped?: string;
  }
}

/** Options of a test, or of a group of tests. */
export interface Needed {
  readonly tags: string | string[];
  readonly skip: boolean;
  readonly meta: { readonly skipped?: string };
}

/**
 * `it('asks QEMU', needs('qemu', whyNoQemu()), ...)`: with a reason the test is skipped, and the end of the run counts it under that
 * reason. Where REQUIRE_ALL_TESTS is set that is a failure.
 */
export function needs(what: Need, missing: string | undefined): Needed {
  const [...own] = [tags[what]].flat();
  return { tags: own, skip: missing !== undefined, meta: missing === undefined ? {} : { skipped: missing } };
}

/** A test that only .ci/run has the patience for. */
export const thoroughly: Needed = needs(
  'time',
  isThorough ? undefined : 'it takes long, and BACKPLANE_THOROUGH=1 is not set.',
);

/** Why what calls libc cannot be tested; undefined where it can. */
export function whyNoKoffi(): string | undefined {
  if (process.platform !== 'linux' || process.arch !== 'x64') return 'libc is called on Linux on x64 only.';
  try {
    createRequire(import.meta.url)('koffi');
    return undefined;
  } catch {
    return "the optional package 'koffi' is not installed (npm install).";
  }
}

/** Why no machine code can be executed; undefined where it can. */
export function whyNoX86(): string | undefined {
  try {
    createRequire(import.meta.url).resolve('v86/build/v86.wasm');
    return undefined;
  } catch {
    return "the optional package 'v86' is not installed (npm install).";
  }
}
