import { spawn, spawnSync } from 'node:child_process';
import { BackplaneError } from '../../base/errors.ts';
import { printableLines, sentence } from '../../base/text.ts';

/** Programs of the host that are run to their end, and the package of Debian that has each. */
const packages = {
  'apt-get': 'apt',
  'apt-cache': 'apt',
  dpkg: 'dpkg',
  'dpkg-deb': 'dpkg',
  make: 'make',
  xz: 'xz-utils',
} as const;

export type HostProgram = keyof typeof packages;

export interface ProgramOptions {
  readonly cwd?: string;
  readonly environment?: NodeJS.ProcessEnv | undefined;
  /** Milliseconds after which the program is killed. */
  readonly timeout?: number;
}

const LongestComplaint = 2000;
const LargestOutput = 512 * 1024 * 1024;

/** What a program printed. A failure has what it complained of. */
export class ProgramFailure extends BackplaneError {
  override readonly name: string = 'ProgramFailure';

  constructor(
    code: string,
    message: string,
    readonly complaint: string,
  ) {
    super(code, message);
  }
}

/** Runs a program, and answers its standard output. */
export function runProgram(program: HostProgram, args: readonly string[], options: ProgramOptions = {}): Buffer {
  const { cwd, environment: env, timeout } = options;
  const result = spawnSync(program, args, { cwd, env, timeout, maxBuffer: LargestOutput });
  if (result.error !== undefined) throw notStarted(program, result.error);
  if (result.status !== 0) throw failed(program, args, result.status ?? result.signal, `${result.stderr}`);
  return result.stdout;
}

/** Runs a program while the process goes on with its other work. */
export function followProgram(
  program: HostProgram,
  args: readonly string[],
  options: ProgramOptions & {
    /** The end of its standard error, where it has succeeded all the same. */
    readonly onComplaint?: (text: string) => void;
  },
): Promise<void> {
  const { cwd, environment: env, timeout, onComplaint } = options;
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd, env, timeout, stdio: ['ignore', 'ignore', 'pipe'] });
    let complaint = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      complaint = (complaint + text).slice(-LongestComplaint);
    });
    child.on('error', (cause) => reject(notStarted(program, cause)));
    child.on('close', (status, signal) => {
      if (status === 0) {
        if (complaint.trim() !== '') onComplaint?.(complaint);
        resolve();
      } else reject(failed(program, args, status ?? signal, complaint));
    });
  });
}

function notStarted(program: HostProgram, cause: Error): BackplaneError {
  return new BackplaneError(
    'program-missing',
    `Cannot run '${program}' (${(cause as NodeJS.ErrnoException).code ?? cause.message}). On Debian the package '${packages[program]}' has it.`,
    { cause },
  );
}

function failed(
  program: HostProgram,
  args: readonly string[],
  how: number | string | null,
  complaint: string,
): ProgramFailure {
  const end = typeof how === 'number' ? `ended with status ${how}` : `was ended by ${how}`;
  const said = printableLines(complaint.trim().slice(-LongestComplaint)) || 'it did not say why';
  return new ProgramFailure('program-failed', `'${[program, ...args].join(' ')}' ${end}: ${sentence(said)}`, complaint);
}
