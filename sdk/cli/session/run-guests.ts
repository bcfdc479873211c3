import { realpathSync } from 'node:fs';
import type { GuestImage, GuestProgram } from '../../accelerator/index.ts';
import { BackplaneError, describeThrown } from '../../base/errors.ts';
import type { MachineDefinition } from '../../machine/index.ts';
import type { Arguments } from '../command.ts';
import { statusOf } from '../files.ts';
import type { AcceleratorChoice } from '../options/accelerator.ts';
import type { BootRequest } from '../options/boot.ts';
import { flatBinaries, type LoaderRequest } from '../options/loader.ts';
import { checkProcessors } from '../options/smp.ts';
import { bundle } from '../plugins/bundle.ts';
import { checkMachine, isMachine } from '../plugins/exports.ts';
import { rememberSources, withPlace } from '../plugins/failure-place.ts';
import { evaluate } from '../plugins/load.ts';

/** What runs. */
export interface RunGuests {
  /** The guests for a machine with so many bytes of RAM. */
  images(ramSize: number): Promise<readonly GuestImage[]>;
  /** The machine that their file exports. */
  readonly own?: MachineDefinition | undefined;
  /** Machine code: it has finished when it halts for ever, and its operations are instructions. */
  readonly isCode: boolean;
}

/** What the command line asks to run: a program, flat binaries, or what the machine boots. */
export async function guestsOf(
  args: Arguments,
  loaders: readonly LoaderRequest[],
  { name }: AcceleratorChoice,
  boot: BootRequest | undefined,
): Promise<RunGuests> {
  refuseBoth(args, loaders, boot);
  const onHost = name === 'kvm';
  if (onHost) refuseForHost(args);
  if (boot !== undefined) {
    checkProcessors(args, { kind: 'boot', guests: 1, onHost });
    return codeOf(args, async (ramSize) => [await boot.code(ramSize)]);
  }
  if (loaders.length > 0) {
    checkProcessors(args, { kind: 'loaders', guests: loaders.length, onHost });
    const binaries = flatBinaries(args, loaders);
    return codeOf(args, async () => binaries);
  }
  const file = programFile(args.positional);
  const exported = await loadProgram(file);
  const guests = programsOf(file, exported);
  checkProcessors(args, { kind: 'programs', guests: guests.length, file, onHost });
  if (onHost) throw (await import('../../host-kvm/processors.ts')).notMachineCode(guests[0]!.name);
  return { images: async () => guests, own: ownMachine(file, exported), isCode: false };
}

function codeOf(args: Arguments, images: RunGuests['images']): RunGuests {
  if (!args.has('trace')) return { images, isCode: true };
  throw new BackplaneError(
    'misplaced-argument',
    '-trace prints the operations of a program, and this is machine code. Leave it out, or write its accesses down: -record FILE.iotrace.',
  );
}

/** One processor begins in one place. */
function refuseBoth(args: Arguments, loaders: readonly LoaderRequest[], boot: BootRequest | undefined): void {
  const [program] = args.positional;
  const what = loaders.length > 0 ? '-device loader' : '-bios or -kernel';
  if (program !== undefined && (loaders.length > 0 || boot !== undefined)) {
    throw new BackplaneError(
      'misplaced-argument',
      `${what} is for machine code, and '${program}' is a program. Give one of them.`,
    );
  }
  if (loaders.length > 0 && boot !== undefined) {
    throw new BackplaneError(
      'misplaced-argument',
      '-device loader begins at its own code, and -bios or -kernel at theirs. Give one of them.',
    );
  }
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

function programFile([file = '', ...more]: readonly string[]): string {
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

/** Codes of machine code that cannot go on, on either kernel. */
const stops: readonly string[] = [
  'code-outside-memory',
  'instruction-not-executed',
  'instruction-not-emulated',
  'entry-refused',
];

/** What to do about machine code that cannot go on. `doubt` is what is odd about its file. */
export const codeAdvice = (doubt = '', onHost = false): string =>
  `${doubt}${onHost ? '' : ' To look at it, stop it before that: -limit N -save FILE, then backplane info registers -c -loadvm FILE.'}`;

/** Runs machine code. Where it cannot go on, the refusal says what to do. */
export async function withCodeAdvice<Outcome>(run: () => Promise<Outcome>, advice: string): Promise<Outcome> {
  try {
    return await run();
  } catch (cause) {
    if (!(cause instanceof BackplaneError && stops.includes(cause.code))) throw cause;
    throw new BackplaneError(cause.code, `${cause.message}${advice}`, { cause });
  }
}
