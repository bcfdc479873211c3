import { realpathSync } from 'node:fs';
import type { GuestImage, GuestProgram } from '../../accelerator/index.ts';
import { BackplaneError, describeThrown } from '../../base/errors.ts';
import type { MachineDefinition } from '../../machine/index.ts';
import type { Arguments } from '../command.ts';
import { statusOf } from '../files.ts';
import type { AcceleratorChoice } from '../options/accelerator.ts';
import { flatBinaries, type LoaderRequest } from '../options/loader.ts';
import { bundle } from '../plugins/bundle.ts';
import { checkMachine, isMachine } from '../plugins/exports.ts';
import { rememberSources, withPlace } from '../plugins/failure-place.ts';
import { evaluate } from '../plugins/load.ts';

/** What runs, and the machine that its file exports. Each accelerator has guests of its own kind. */
export async function guestsOf(
  args: Arguments,
  loaders: readonly LoaderRequest[],
  { name }: AcceleratorChoice,
): Promise<{ readonly guests: readonly GuestProgram[]; readonly own: MachineDefinition | undefined }> {
  if (loaders.length > 0 && args.positional.length > 0) {
    throw new BackplaneError(
      'misplaced-argument',
      `-device loader is for machine code, and '${args.positional[0]}' is a program. Give one of them.`,
    );
  }
  const onHost = name === 'kvm';
  if (onHost) refuseForHost(args);
  if (loaders.length > 0) {
    const binaries = await flatBinaries(args, loaders);
    // The simulated kernel does not execute it, and it says so.
    if (!onHost) for (const binary of binaries) binary.start();
    return { guests: binaries as readonly GuestImage[] as readonly GuestProgram[], own: undefined };
  }
  const file = programFile(args.positional);
  const exported = await loadProgram(file);
  const guests = programsOf(file, exported);
  if (onHost) throw (await import('../../host-kvm/processors.ts')).notMachineCode(guests[0]!.name);
  return { guests, own: ownMachine(file, exported) };
}

/** What needs to see inside a processor. */
function refuseForHost(args: Arguments): void {
  const option = ['save', 'loadvm', 'record', 'trace'].find((one) => args.has(one));
  if (option === undefined) return;
  throw new BackplaneError(
    'misplaced-argument',
    `-${option}: the host's processor does not show what it executes and holds. Use -accel kvm-sim, or leave -${option} out.`,
  );
}

function programFile([file, ...more]: readonly string[]): string {
  if (file === undefined)
    throw new BackplaneError('missing-operand', "run: the program is missing. Write 'backplane run FILE.ts'.");
  if (more.length > 0)
    throw new BackplaneError('too-many-operands', `run takes one file, not also '${more.join(' ')}'.`);
  return file;
}

function programsOf(file: string, exported: Record<string, unknown>): GuestProgram[] {
  const { default: found } = exported;
  const programs = Array.isArray(found) ? found : [found];
  const isProgram = (value: unknown): value is GuestProgram =>
    typeof value === 'object' && value !== null && 'start' in value && typeof value.start === 'function';
  if (programs.length > 0 && programs.every(isProgram)) return programs;
  throw new BackplaneError(
    'program-without-exports',
    `'${file}' exports no guest program. Write: export default guestProgram(function* (guest) { ... });`,
  );
}

function ownMachine(file: string, { machine }: Record<string, unknown>): MachineDefinition | undefined {
  if (!isMachine(machine)) return undefined;
  checkMachine(`'${file}'`, machine);
  return machine;
}

/**
 * Loads a TypeScript file of the user with its imports, in the dialect of the SDK's decorators. The tsconfig and
 * package.json beside it have no effect. No file is written.
 */
export async function loadProgram(path: string): Promise<Record<string, unknown>> {
  const refusal = (code: string, why: string, cause?: unknown) =>
    new BackplaneError(code, `cannot read '${path}': ${why}`, { cause });
  const found = statusOf(path, refusal);
  if (found === undefined) throw refusal('file-not-found', 'there is no such file.');
  if (!found.isFile()) throw refusal('not-a-file', 'it is not a file.');
  const entry = realpathSync(path);
  const { code, files } = await bundle({ label: path, entry });
  rememberSources(files);
  try {
    return await evaluate(code, entry);
  } catch (cause) {
    throw new BackplaneError(
      'program-load-failed',
      withPlace(`'${path}' failed to load: ${describeThrown(cause)}`, cause),
      { cause },
    );
  }
}
