import { pcI440fx } from '../../../machines/index.ts';
import { OperationKind } from '../../../sdk/accelerator/guest/operation.ts';
import { Stop } from '../../../sdk/accelerator/kvm/simulated-kernel/processor.ts';
import { type Assembler, al, assemble, dword, eax } from '../../../sdk/assembler.ts';
import { MiB } from '../../../sdk/index.ts';
import { Machine, simulatedAccelerator } from '../../../sdk/runtime.ts';
import { BareProcessor, executing, x86 } from '../../processor/bare-processor.ts';
import type { BenchCase, Subject } from '../bench-case.ts';
import { type CodeLoop, codeLoops, haltingLoop, Ram } from '../code-loops.ts';
import { TcgLoop, tcgCommand } from '../tcg.ts';

const table = 'Machine code on the x86 processor';
const Instructions = 2_000_000;
const Exits = 20_000;

/** Runs instructions of a loop that needs nothing from outside. */
function instructions(guest: BareProcessor): Subject {
  const { processor, operation } = guest;
  const run = (): void => {
    const end = processor.instructions + Instructions;
    while (processor.instructions < end) processor.enter(100_000, operation);
  };
  for (let round = 0; round < 5; round++) run();
  return { operations: Instructions, run };
}

/** Comes back from the processor for each access of a loop, and answers it. */
function exits(guest: BareProcessor): Subject {
  const { processor, operation } = guest;
  const run = (): void => {
    for (let done = 0; done < Exits; ) {
      if (processor.enter(100_000, operation) !== Stop.Operation) continue;
      done++;
      operation.value = 5;
      if (operation.kind === OperationKind.In || operation.kind === OperationKind.Load) processor.complete(operation);
    }
  };
  for (let round = 0; round < 5; round++) run();
  return { operations: Exits, run };
}

/** A loop around a write that the kernel takes: it does not leave. */
function taken(guest: BareProcessor): Subject {
  guest.bus.portWrite = () => true;
  guest.bus.memoryWrite = () => true;
  return instructions(guest);
}

/** The engine compiles the module's functions well once they have been at work for some time. */
const WarmUps = 12;

/** The loop from its begin to its HLT. */
async function loopRun(loop: CodeLoop, turns: number): Promise<() => void> {
  const bare = new BareProcessor(await x86());
  bare.ram.set(haltingLoop(loop), Ram.code);
  const { processor, operation } = bare;
  const run = (): void => {
    bare.begin(32, Ram.code, { ebx: turns, esp: Ram.stack });
    while (processor.enter(100_000, operation) !== Stop.Halt);
  };
  for (let round = 0; round < WarmUps; round++) run();
  return run;
}

/** The fewest of them a second that are fast enough: of instructions the goal is one for all kinds. */
const perSecond = 45_000_000;
const turnsOf = ({ inTurn }: CodeLoop, instructions = Instructions): number => Math.ceil(instructions / inTurn);

const loop = (kind: CodeLoop): BenchCase => ({
  ...{ table, name: kind.name, throughput: kind.unit, processorTime: true },
  ...(kind.unit === 'instructions' ? { targetPerSecond: perSecond } : {}),
  async prepare() {
    const turns = turnsOf(kind, 5 * Instructions);
    const run = await loopRun(kind, turns);
    return { operations: turns * kind.inTurn, run };
  },
});

const besideTcg = (kind: CodeLoop): BenchCase => ({
  ...{ table: 'Machine code beside QEMU with -accel tcg: times as long', name: kind.name },
  async prepare() {
    const turns = turnsOf(kind);
    const [run, tcg] = [await loopRun(kind, turns), new TcgLoop(kind)];
    return { operations: turns * kind.inTurn, run, baseline: () => tcg.run(turns), end: () => tcg.end() };
  },
});

/** Accesses in a loop on a pc with all chips, from the processor to the device and back: `instructions` of them in each turn. */
const onMachine = (name: string, perTurn: number, source: (a: Assembler) => void): BenchCase => ({
  ...{ table: 'Machine code on pc with all chips, the device included', name, throughput: 'turns of the loop' },
  async prepare() {
    const accelerator = simulatedAccelerator({ machineCode: await x86() });
    const machine = Machine.create(pcI440fx, { accelerator, ram: 1 * MiB, options: { chips: 'all' } });
    const { bytes } = assemble({ origin: Ram.code, bits: 32 }, source);
    const guest = {
      ...{ name, pieces: [{ address: Ram.code, bytes }] },
      start: { mode: 'protected', entry: Ram.code, registers: { esp: Ram.stack } },
    } as const;
    machine.load(guest, {});
    const operationLimit = perTurn * Exits;
    const run = () => machine.resume({ operationLimit });
    for (let round = 0; round < WarmUps; round++) run();
    return { operations: Exits, run };
  },
});

const exit = (name: string, code: string, targetMilliseconds: number): BenchCase => ({
  ...{ table, name, throughput: 'exits', targetMilliseconds },
  prepare: async () => exits(await executing(32, code)),
});

export const cases: readonly BenchCase[] = [
  ...codeLoops.map(loop),
  exit('a true exit: OUT', 'e6 80 eb fc', 0.0005),
  exit('a true exit: IN', 'e4 71 eb fc', 0.0005),
  exit('a true exit: MMIO write', 'a3 00 00 00 fe eb f9', 0.0006),
  exit('a true exit: MMIO read by MOV', 'a1 00 00 00 fe eb f9', 0.0006),
  exit('a true exit: MMIO read by OR, which begins again', '0b 05 00 00 00 fe eb f8', 0.004),
  {
    ...{ table, name: 'an instruction of a loop of coalesced writes', throughput: 'instructions' },
    prepare: async () => taken(await executing(32, 'e6 70 eb fc')),
  },
  ...(tcgCommand === undefined ? [] : codeLoops.map(besideTcg)),
  onMachine('a coalesced write: OUT to 0x70', 2, (a) => {
    a.label('loop');
    a.out(0x70, al);
    a.jmp('loop');
  }),
  onMachine('OUT to 0x71', 2, (a) => {
    a.label('loop');
    a.out(0x71, al);
    a.jmp('loop');
  }),
  onMachine('IN from 0x71', 2, (a) => {
    a.label('loop');
    a.in(al, 0x71);
    a.jmp('loop');
  }),
  onMachine('MMIO write of 4 bytes, where no device is', 2, (a) => {
    a.label('loop');
    a.mov(dword(0xfed0_0000), eax);
    a.jmp('loop');
  }),
  onMachine('MMIO read of 4 bytes, where no device is', 2, (a) => {
    a.label('loop');
    a.mov(eax, dword(0xfed0_0000));
    a.jmp('loop');
  }),
];
