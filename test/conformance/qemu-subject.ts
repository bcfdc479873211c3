import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KiB } from '../../sdk/index.ts';
import { type QemuEmulator, QemuProcess } from '../../sdk/testing/qemu/process.ts';
import type { QtestClient } from '../../sdk/testing/qemu/qtest-client.ts';
import {
  type Answer,
  ComparedLines,
  hasCome,
  type Operation,
  RamMebibytes,
  ResetRegister,
  type Script,
  type Subject,
  widthOfReply,
  withoutRepeatedLevels,
} from './script.ts';
import { SerialSocket } from './serial-socket.ts';
import { steppedQemu } from './stepped-qemu.ts';

/** Lines of an object of QEMU's machine that are heard: of the first one of its type, or of number `index`. */
export type Watched = {
  readonly type: string;
  readonly index?: number;
  /** Some line is high after a reset: reset the machine once more when its lines are heard. */
  readonly highAfterReset?: boolean;
} & (
  | { readonly outputs: readonly number[] }
  /** What QEMU calls \`sysbus-irq\` is no output that qtest can hear: hear the input that it is wired to. */
  | { readonly inputs: readonly number[] }
);

export interface QemuSubjectOptions {
  /** Default: the emulator of a PC. */
  readonly emulator?: QemuEmulator;
  /** Default: `pc`. */
  readonly machine?: string;
  /** More of the command line, where our machine has what `-nodefaults` leaves out. */
  readonly arguments?: readonly string[];
  /** Objects of this type are the chips of a script, in the order of their names here. */
  readonly chips?: { readonly type: string; readonly names: readonly string[] };
  /** An input is driven only when its level changes, on both sides. Without it QEMU's device is told of each `input`. */
  readonly edgesOnly?: boolean;
  /** Report the levels of these lines with every answer. */
  readonly watch?: Watched;
  /** Hear the ISA lines: those that QEMU's I/O APIC hears. */
  readonly lines?: boolean;
  /**
   * Let QEMU's processor run, into a halt that is its whole firmware: while it is stopped QEMU keeps back what comes from outside,
   * and no time passes.
   */
  readonly running?: boolean;
  /** Time moves by the operation `step`, with the accelerator qtest. */
  readonly steps?: boolean;
  /** The first serial port is a socket, by which bytes come in. */
  readonly serial?: boolean;
  /**
   * A script is run within one second of the host, if need be again: where a clock is set, QEMU takes the seconds of the host that
   * have passed since its start for guest time.
   */
  readonly withinSecond?: boolean;
}

const DefaultEmulator = 'qemu-system-x86_64';
const Hlt = 0xf4;
/** Tries to run a script within one second. */
const MostSeconds = 20;
/** More than any request takes. */
const RoundsOfWork = 8;
/** Of a millisecond each. */
const MostTurns = 5_000;
/** Operations that are no single command of qtest. */
const isOnItsOwn: ReadonlySet<Operation['kind']> = new Set(['reset', 'await', 'start', 'send']);
const Suffix = { 1: 'b', 2: 'w', 4: 'l' } as const;

/** An installed QEMU, one process for each script. Its clock stands still, so nothing happens between operations. */
export class QemuSubject implements Subject {
  readonly name = 'QEMU';
  version = '';

  constructor(private readonly options: QemuSubjectOptions = {}) {}

  async run(script: Script): Promise<readonly Answer[]> {
    if (!this.options.withinSecond) return this.runOnce(script);
    for (let turn = 0; ; turn++) {
      await new Promise((resolve) => setTimeout(resolve, 1000 - (Date.now() % 1000)));
      const second = Math.floor(Date.now() / 1000);
      const answers = await this.runOnce(script);
      if (Math.floor(Date.now() / 1000) === second || turn === MostSeconds) return answers;
    }
  }

  private async runOnce(script: Script): Promise<readonly Answer[]> {
    if (!this.options.serial) return this.runWith(script, undefined);
    const line = await SerialSocket.listen();
    try {
      return await this.runWith(script, line);
    } finally {
      line.close();
    }
  }

  private runWith({ date, operations }: Script, line: SerialSocket | undefined): Promise<readonly Answer[]> {
    const { machine = 'pc', arguments: more = [], running = false, watch, emulator = DefaultEmulator } = this.options;
    const args = [
      '-m',
      `${RamMebibytes}M`,
      ...(running ? ['-bios', haltingFirmware()] : []),
      ...more,
      ...(line?.arguments ?? []),
    ];
    const stepped = this.options.steps ? ({ binary: steppedQemu(), accelerator: 'qtest' } as const) : {};
    return QemuProcess.with({ emulator, machine, rtcBase: date, arguments: args, ...stepped }, async (qemu) => {
      this.version = qemu.version;
      if (running) await qemu.qmp.execute('cont');
      const paths = await this.findChips(qemu);
      if (watch) await hear(qemu, watch);
      if (this.options.lines) await this.hearLines(qemu);
      const answers: Answer[] = [];
      let rises = 0;
      qemu.qtest.onInterrupt = (line, level) => {
        if (level && isWatched(line, watch)) rises++;
      };
      let rest = this.options.edgesOnly ? withoutRepeatedLevels(operations) : operations;
      while (rest.length > 0) {
        const end = rest.findIndex(({ kind }) => isOnItsOwn.has(kind));
        const before = end < 0 ? rest : rest.slice(0, end);
        rises = 0;
        const commands = before.map((operation) => commandFor(operation, paths));
        await qemu.qtest.commands(commands, (index, answer) => {
          const operation = before[index] as Operation;
          const answered = widthOfReply(operation) > 0 ? Number(answer) : undefined;
          const seen = { lines: () => linesOf(qemu), step: () => rises } as const;
          const value = operation.kind in seen ? seen[operation.kind as keyof typeof seen]() : answered;
          answers.push({ value, output: levelsOf(qemu.qtest, watch) });
          rises = 0;
        });
        const last = rest[end];
        if (last?.kind === 'reset') answers.push(await this.reset(qemu, last, watch));
        if (last?.kind === 'send') answers.push(await this.send(qemu, line as SerialSocket, last.bytes));
        if (last?.kind === 'start') answers.push(await this.start(qemu, last, watch));
        if (last?.kind === 'await') answers.push(await this.wait(qemu, last, watch));
        rest = end < 0 ? [] : rest.slice(end + 1);
      }
      return answers;
    });
  }

  private async reset(
    qemu: QemuProcess,
    { written, at = ResetRegister }: Extract<Operation, { readonly kind: 'reset' }>,
    watch: Watched | undefined,
  ): Promise<Answer> {
    if (written === undefined) await qemu.qmp.reset();
    else await Promise.all([qemu.qmp.event('RESET'), qemu.qtest.out8(at, written)]);
    // Interrupt messages of the reset precede the answer of any command sent after it.
    await qemu.qtest.command('endianness');
    return { value: undefined, output: levelsOf(qemu.qtest, watch) };
  }

  /** QEMU reads some of the bytes in each round of its main loop, at least one. */
  private async send({ qtest }: QemuProcess, line: SerialSocket, bytes: readonly number[]): Promise<Answer> {
    await line.send(bytes);
    for (let round = 0; round < bytes.length + RoundsOfWork; round++) await qtest.command('endianness');
    return { value: undefined, output: levelsOf(qtest, this.options.watch) };
  }

  /** Each command waits for one more round of QEMU's main loop, in which one more piece of work is done. */
  private async start(
    { qtest }: QemuProcess,
    { port, size, value }: Extract<Operation, { readonly kind: 'start' }>,
    watch: Watched | undefined,
  ): Promise<Answer> {
    await qtest.command(`out${Suffix[size]} ${port} ${value}`);
    for (let round = 0; round < RoundsOfWork; round++) await qtest.command('endianness');
    return { value: undefined, output: levelsOf(qtest, watch) };
  }

  /** What QEMU does in a thread of its own takes time of the host. */
  private async wait(
    { qtest }: QemuProcess,
    operation: Extract<Operation, { readonly kind: 'await' }>,
    watch: Watched | undefined,
  ): Promise<Answer> {
    let value = Number(await qtest.command(`readl ${operation.address}`));
    for (let turn = 0; !hasCome(value, operation) && turn < MostTurns; turn++) {
      await new Promise((resolve) => setTimeout(resolve, 1));
      value = Number(await qtest.command(`readl ${operation.address}`));
    }
    return { value, output: levelsOf(qtest, watch) };
  }

  private async hearLines({ qmp, qtest }: QemuProcess): Promise<void> {
    const [apic] = await qmp.findObjects('ioapic');
    await qtest.command(`irq_intercept_in ${apic}`);
  }

  private async findChips({ qmp }: QemuProcess): Promise<Map<string, string>> {
    const { chips } = this.options;
    if (!chips) return new Map();
    const paths = await qmp.findObjects(chips.type);
    if (paths.length !== chips.names.length) {
      throw new Error(`QEMU has ${paths.length} objects of type '${chips.type}', not ${chips.names.length}`);
    }
    return new Map(chips.names.map((name, index) => [name, paths[index] as string]));
  }
}

async function hear({ qmp, qtest }: QemuProcess, watch: Watched): Promise<void> {
  const { type, index = 0 } = watch;
  const path = (await qmp.findObjects(type))[index];
  if (path === undefined) throw new Error(`QEMU has no object ${index} of type '${type}'`);
  await ('outputs' in watch ? qtest.watchOutputs(path) : qtest.watchInputs(path));
  if (watch.highAfterReset) await qmp.reset();
}

const watchedLines = (watch: Watched): readonly number[] => ('outputs' in watch ? watch.outputs : watch.inputs);

const isWatched = (line: number, watch: Watched | undefined): boolean =>
  watch !== undefined && watchedLines(watch).includes(line);

/** A bit for each watched line. A line that has not been heard yet counts as low. */
function levelsOf(qtest: QtestClient, watch: Watched | undefined): number | undefined {
  if (watch === undefined) return undefined;
  return watchedLines(watch).reduce((levels, line, bit) => levels | (qtest.level(line) ? 1 << bit : 0), 0);
}

let firmware: string | undefined;

/** One for all runs: a file of nothing but halts, gone when this process is. */
export function haltingFirmware(): string {
  if (firmware !== undefined) return firmware;
  const folder = mkdtempSync(join(tmpdir(), 'backplane-halt-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  firmware = join(folder, 'halt.bin');
  writeFileSync(firmware, new Uint8Array(64 * KiB).fill(Hlt));
  return firmware;
}

function linesOf({ qtest }: QemuProcess): number {
  let high = 0;
  for (let line = 0; line < 16; line++) if (qtest.level(line)) high |= 1 << line;
  return high & ComparedLines;
}

function commandFor(operation: Operation, paths: ReadonlyMap<string, string>): string {
  switch (operation.kind) {
    case 'out':
      return `out${Suffix[operation.size]} ${operation.port} ${operation.value}`;
    case 'in':
      return `in${Suffix[operation.size]} ${operation.port}`;
    case 'store':
      return `write${Suffix[operation.size]} ${operation.address} ${operation.value}`;
    case 'load':
      return `read${Suffix[operation.size]} ${operation.address}`;
    case 'input':
      return `set_irq_in ${paths.get(operation.chip)} unnamed-gpio-in ${operation.line} ${operation.level ? 1 : 0}`;
    case 'step':
      return `clock_step ${operation.nanoseconds}`;
    case 'nothing':
    case 'lines':
      // What has happened to the lines before comes in front of its answer.
      return 'endianness';
    case 'await':
    case 'start':
    case 'send':
    case 'reset':
      throw new Error(`'${operation.kind}' is no command of qtest`);
  }
}
