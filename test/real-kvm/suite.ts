import type { ConsoleDocument, Job } from './console-documents.ts';
import type { FetchedPackages } from './fetch.ts';
import { judgeSeaBios, seaBiosJob } from './firmware/judge.ts';
import { runHere } from './here.ts';
import { EmulatedMachine, type MachineRun } from './machine.ts';
import { mergedReplay, recordingJob, simulatedReplay } from './recordings.ts';
import { sentenceOf } from './refusal.ts';

/** A job, and what is made of what it printed. */
export interface Check {
  readonly name: string;
  readonly job: Job;
  /** Told what the job printed; answers what the user sees, and whether it is right. */
  readonly judge?: (output: string) => Promise<{ readonly text: string; readonly isEqual: boolean }>;
}

/** Checks that share one machine. */
export interface Machine {
  readonly checks: readonly Check[];
  readonly children?: readonly string[];
  /** Files of the host that the machine has, by their paths there. */
  readonly files?: Readonly<Record<string, string>>;
  readonly countInstructions?: boolean;
}

const script = (name: string, file: string, args: readonly string[] = []): Check => ({
  name,
  job: { script: file, args },
});

export const vectors = script('vectors', 'test/real-kvm/vectors.ts');
export const randomScripts = (args: readonly string[]): Check =>
  script('random scripts', 'test/real-kvm/random-scripts.ts', args);

export const recording = (name: string): Check => ({
  name: `recording ${name}`,
  job: recordingJob(name),
  judge: async (output) => mergedReplay(output, await simulatedReplay(name)),
});

export const waysOut = script('ways out', 'test/real-kvm/ways-out.ts');
export const machineCode = script('machine code', 'test/real-kvm/machine-code.ts');
export const commandLine = script('command line', 'test/real-kvm/command-line.ts');

/** SeaBIOS on both kernels. Its machine needs the files of `seaBiosOfMachine()`. */
export const firmware: Check = { name: 'firmware', job: seaBiosJob, judge: judgeSeaBios };

/** Two machines at a time: each has one processor. */
export const everything: readonly Machine[] = [
  { checks: [vectors, recording('linux61-boot-rtc')] },
  {
    checks: [recording('seabios-pc-tcg'), randomScripts(['--operations', '50000']), machineCode, commandLine, waysOut],
    children: ['test/real-kvm/ways-out-children.ts'],
  },
];

export interface CheckResult {
  readonly name: string;
  readonly text: string;
  readonly isRight: boolean;
}

export interface SuiteOptions {
  readonly timeout: number;
  /** This host's own KVM is used, but by machines that count instructions. */
  readonly isHere: boolean;
  /** What emulated machines are made of; undefined where there are none. */
  readonly packages: FetchedPackages | undefined;
  readonly planted?: MachineRun['planted'];
  readonly onResult: (result: CheckResult) => void;
  readonly onProgress: (what: string) => void;
}

/** Runs the checks of all machines; answers whether every one was right. */
export async function runSuite(machines: readonly Machine[], options: SuiteOptions): Promise<boolean> {
  const waiting = [...machines];
  const { packages, isHere } = options;
  let isRight = true;
  const work = async (): Promise<void> => {
    for (let machine = waiting.shift(); machine !== undefined; machine = waiting.shift()) {
      const run = runsHere(machine, isHere)
        ? runMachineHere(machine, options)
        : emulated(machine, packages as FetchedPackages, options);
      if (!(await run)) isRight = false;
    }
  };
  await Promise.all(isHere ? [work()] : [work(), work()]);
  return isRight;
}

/** No host's processor counts instructions for us. */
export function runsHere({ countInstructions = false }: Machine, isHere: boolean): boolean {
  return isHere && !countInstructions;
}

async function runMachineHere({ checks }: Machine, options: SuiteOptions): Promise<boolean> {
  let isRight = true;
  for (const { name, job, judge } of checks) {
    options.onProgress(name);
    const { status, output } = await runHere(job, options.timeout);
    const result = await judged({ name, job, ...(judge && { judge }) }, output, status);
    options.onResult(result);
    isRight &&= result.isRight;
  }
  return isRight;
}

async function emulated(machine: Machine, packages: FetchedPackages, options: SuiteOptions): Promise<boolean> {
  const { checks } = machine;
  const outputs = checks.map(() => '');
  const results: Promise<CheckResult>[] = [];
  const onOutput = (document: ConsoleDocument): void => {
    const check = checks[document.job] as Check;
    if ('started' in document) options.onProgress(check.name);
    else if ('status' in document) {
      const result = judged(check, outputs[document.job] as string, document.status);
      results[document.job] = result;
      result.then(options.onResult);
    } else outputs[document.job] += 'stdout' in document ? document.stdout : document.stderr;
  };
  const { timeout, planted, onProgress } = options;
  let why = '';
  try {
    await new EmulatedMachine(packages).run({
      jobs: checks.map(({ job }) => job),
      children: machine.children ?? [],
      files: machine.files ?? {},
      countInstructions: machine.countInstructions ?? false,
      planted,
      timeout,
      onOutput,
      onProgress,
    });
  } catch (cause) {
    why = sentenceOf(cause);
  }
  const done = await Promise.all(results);
  for (const [index, { name }] of checks.entries()) {
    if (done[index] === undefined)
      options.onResult({ name, text: `${outputs[index]}\n${name}: ${why}`, isRight: false });
  }
  return checks.every((_, index) => done[index]?.isRight === true);
}

async function judged({ name, judge }: Check, output: string, status: number | undefined): Promise<CheckResult> {
  if (status === undefined) return { name, text: `${output}\nno status`, isRight: false };
  if (status !== 0 || judge === undefined) return { name, text: output, isRight: status === 0 };
  const { text, isEqual } = await judge(output);
  return { name, text, isRight: isEqual };
}
