import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { BackplaneError } from '../base/errors.ts';
import { PackageName, PackageVersion } from '../processor/x86/wasm-patch.ts';
import type { MachineCode } from '../x86.ts';

const File = `${PackageName}/build/v86.wasm`;

let loaded: Promise<MachineCode> | undefined;

/** The bytes for `loadX86`, from the optional package. Throws a `BackplaneError` where it is not installed. */
export function x86Wasm(file = File): Uint8Array {
  try {
    return readFileSync(createRequire(import.meta.url).resolve(file));
  } catch (cause) {
    throw new BackplaneError(
      'x86-missing',
      `Machine code: the package '${PackageName}', whose processor executes it, has no readable '${file}' here. Run 'npm install ${PackageName}@${PackageVersion}'.`,
      { cause },
    );
  }
}

/**
 * The processor for all machines of this process, loaded when the first one executes machine code. Each machine has an instance of its own.
 *
 * @throws BackplaneError `x86-missing` where the package is not installed, and what `loadX86` throws
 */
export function x86MachineCode(): Promise<MachineCode> {
  loaded ??= import('../x86.ts').then(({ loadX86 }) => loadX86({ wasm: x86Wasm() }));
  return loaded;
}
