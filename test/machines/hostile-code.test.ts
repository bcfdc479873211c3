import { describe, expect, it } from 'vitest';
import { Edu } from '../../devices/index.ts';
import { pcFirmware, pcI440fx } from '../../machines/index.ts';
import { FlatBinary, type KvmAccelerator } from '../../sdk/accelerator/index.ts';
import {
  type Assembler,
  al,
  assemble,
  cr0,
  cr3,
  cr4,
  dword,
  dx,
  eax,
  ebx,
  ecx,
  edi,
  sp,
  word,
} from '../../sdk/assembler.ts';
import { type MachineDefinition, MiB, use } from '../../sdk/index.ts';
import { Machine, type RunOutcome, simulatedAccelerator } from '../../sdk/runtime.ts';
import { needs, whyNoX86 } from '../needs.ts';
import { x86 } from '../processor/bare-processor.ts';

const Start = 0x1000;
const Result = 0x9_0000;
const Limit = 3_000_000;

const pc = {
  ...pcI440fx,
  devices: [...pcI440fx.devices, use(Edu, { id: 'edu', addr: '05.0' })],
} as MachineDefinition;

const binary = (bits: 16 | 32, put: (a: Assembler) => void): FlatBinary =>
  new FlatBinary({
    name: 'hostile.bin',
    address: Start,
    mode: bits === 16 ? 'real' : 'protected',
    bytes: assemble({ origin: Start, bits }, put).bytes,
  });

const machine = async (): Promise<Machine> =>
  Machine.create(pc, {
    firmware: pcFirmware(),
    ram: 16 * MiB,
    options: { chips: 'all' },
    accelerator: simulatedAccelerator({ machineCode: await x86() }),
  });

async function run(guest: FlatBinary, limit = Limit): Promise<{ machine: Machine; outcome: RunOutcome }> {
  const made = await machine();
  return { machine: made, outcome: made.run(guest, { operationLimit: limit }) };
}

const out = (a: Assembler, port: number, value: number) => {
  a.mov(dx, port);
  a.mov(al, value);
  a.out(dx, al);
};

/** Both interrupt controllers, with vectors from 0x20 on; all lines but one are masked. */
function putControllers(a: Assembler, line: number): void {
  for (const [port, ...words] of [
    [0x20, 0x11],
    [0x21, 0x20, 0x04, 0x01, ~(1 << line) & 0xff],
  ])
    for (const value of words) out(a, port!, value);
  a.mov(word((0x20 + line) * 4), 'handler');
  a.mov(word((0x20 + line) * 4 + 2), 0);
}

/** Counts itself, and says that it has ended. */
function putHandler(a: Assembler): void {
  a.label('handler');
  a.inc(word(0x800));
  a.mov(al, 0x20);
  a.out(0x20, al);
  a.iret();
}

describe('a machine with a hostile guest in machine code', needs('host', whyNoX86()), () => {
  it('reaches its limit with a guest that never halts', async () => {
    const { outcome } = await run(
      binary(16, (a) => {
        a.label('again');
        a.jmp('again');
      }),
    );
    expect(outcome).toMatchObject({ reason: 'operation-limit', operations: Limit });
  });

  it('reaches its limit in an interrupt whose line stays high: the guest does nothing else', async () => {
    const storm = binary(16, (a) => {
      a.mov(sp, 0x900);
      putControllers(a, 4);
      // The lines of IRQ 4 are levels; COM1 reports an empty transmitter, and is not asked why.
      out(a, 0x4d0, 0x10);
      out(a, 0x3fc, 0x08);
      out(a, 0x3f9, 0x02);
      a.sti();
      a.label('again');
      a.inc(word(0x802));
      a.jmp('again');
      putHandler(a);
    });
    const { machine, outcome } = await run(storm, 500_000);
    expect(outcome.reason).toBe('operation-limit');
    const { injectedInterrupts } = (machine.accelerator as KvmAccelerator).statistics.summary();
    expect(injectedInterrupts).toBeGreaterThan(50_000);
    expect(machine.memory.read(0x802, 2)).toBeLessThan(2);
  });

  it('goes on between the interrupts of a timer that is set to its shortest period', async () => {
    const ticking = binary(16, (a) => {
      a.mov(sp, 0x900);
      putControllers(a, 0);
      for (const [port, value] of [
        [0x43, 0x34],
        [0x40, 0x02],
        [0x40, 0x00],
      ] as const)
        out(a, port, value);
      a.sti();
      a.label('again');
      a.inc(dword(0x804));
      a.jmp('again');
      putHandler(a);
    });
    const { machine, outcome } = await run(ticking);
    expect(outcome.reason).toBe('operation-limit');
    // 100,000 a second at most.
    const { injectedInterrupts } = (machine.accelerator as KvmAccelerator).statistics.summary();
    expect(injectedInterrupts).toBeGreaterThan(1000);
    expect(injectedInterrupts).toBeLessThanOrEqual(machine.clock.now / 10_000 + 1);
    expect(machine.memory.read(0x804, 4)).toBeGreaterThan(100_000);
  });

  it.each([0xb_8000, 0xfec0_0000, 0xe000_0000])(
    'names the place where it executes from device memory: %i',
    async (address) => {
      const made = await machine();
      const jump = binary(32, (a) => {
        a.mov(eax, address);
        a.jmp(eax);
      });
      expect(() => made.run(jump, { operationLimit: Limit })).toThrow(/executes from 0x/);
    },
  );

  it('shuts down where a card has overwritten its page tables by DMA', async () => {
    const Tables = 0x10_0000;
    const Bar = 0xe000_0000;
    const overwriting = binary(32, (a) => {
      a.mov(edi, Tables);
      a.mov(eax, 0x83);
      a.mov(ecx, 1024);
      a.label('entry');
      a.mov(dword(edi), eax);
      a.add(edi, 4);
      a.add(eax, 0x40_0000);
      a.dec(ecx);
      a.jnz('entry');
      a.mov(eax, 0x10);
      a.mov(cr4, eax);
      a.mov(eax, Tables);
      a.mov(cr3, eax);
      a.mov(eax, cr0);
      a.or(eax, 0x8000_0000);
      a.mov(cr0, eax);
      for (const [index, value] of [
        [0x8000_2810, Bar],
        [0x8000_2804, 0x06],
      ] as const) {
        a.mov(eax, index);
        a.mov(dx, 0xcf8);
        a.out(dx, eax);
        a.mov(eax, value);
        a.mov(dx, 0xcfc);
        a.out(dx, eax);
      }
      a.mov(ebx, Bar);
      for (const [offset, value] of [
        [0x80, 0x4_0000],
        [0x88, Tables],
        [0x90, 0x1000],
        [0x98, 0x03],
      ] as const)
        a.mov(dword({ base: ebx, offset }), value);
      a.label('again');
      a.mov(eax, cr3);
      a.mov(cr3, eax);
      a.inc(dword(Result));
      a.jmp('again');
    });
    const { machine, outcome } = await run(overwriting, 20_000_000);
    expect(outcome.reason).toBe('shutdown');
    expect(machine.memory.read(Tables, 4)).toBe(0);
    // The card takes 100 ms.
    expect(machine.memory.read(Result, 4)).toBeGreaterThan(1_000_000);
  });
});
