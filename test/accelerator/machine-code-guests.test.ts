import { describe, expect, it } from 'vitest';
import { isapc, pcI440fx } from '../../machines/index.ts';
import { FlatBinary, type GuestCode, type KvmAccelerator, simulatedAccelerator } from '../../sdk/accelerator/index.ts';
import type { MachineCode } from '../../sdk/accelerator/kvm/simulated-kernel/processor.ts';
import { al, assemble, ax, bx, sp, word } from '../../sdk/assembler.ts';
import { Machine, pump } from '../../sdk/runtime.ts';
import { x86 } from '../processor/bare-processor.ts';
import { expectRefusal } from '../refusal.ts';
import { type Step, scriptedCode } from './scripted-processor.ts';
import { indexAndData, SmallMachine } from './small-machine.ts';

const Start = 0x1000;
const Result = 0x2000;
const Interrupts = 5;

/** Real mode: lets the clock interrupt at 1,024 Hz, waits in HLT for five of them, and stores how many came. */
const clockGuest = new FlatBinary({
  name: 'clock.bin',
  address: Start,
  bytes: assemble({ origin: Start, bits: 16 }, (a) => {
    const out = (port: number, value: number) => {
      a.mov(al, value);
      a.out(port, al);
    };
    a.mov(sp, 0x900);
    a.mov(word(0x70 * 4), 'handler');
    a.mov(word(0x70 * 4 + 2), 0);
    for (const [port, ...words] of [
      [0x20, 0x11],
      [0x21, 0x08, 0x04, 0x01, 0xfb],
      [0xa0, 0x11],
      [0xa1, 0x70, 0x02, 0x01, 0xfe],
    ])
      for (const value of words) out(port!, value);
    for (const [index, value] of [
      [0x0a, 0x26],
      [0x0b, 0x42],
    ] as const) {
      out(0x70, index);
      out(0x71, value);
    }
    out(0x70, 0x0c);
    a.in(al, 0x71);
    a.mov(bx, 0);
    a.sti();
    a.label('wait');
    a.hlt();
    a.cmp(bx, Interrupts);
    a.jb('wait');
    a.cli();
    a.mov(word(Result), bx);
    a.hlt();
    a.label('handler');
    a.push(ax);
    out(0x70, 0x0c);
    a.in(al, 0x71);
    out(0xa0, 0x20);
    out(0x20, 0x20);
    a.inc(bx);
    a.pop(ax);
    a.iret();
  }).bytes,
});

async function machineFor(definition = isapc, options = {}): Promise<Machine> {
  return Machine.create(definition, {
    ram: 2 * 2 ** 20,
    accelerator: simulatedAccelerator({ machineCode: await x86(), ...options }),
  });
}

const result = (machine: Machine) => machine.memory.read(Result, 2);
const accelerator = (machine: Machine) => machine.accelerator as KvmAccelerator;

/** All of a snapshot that a guest can tell. */
function guestState(machine: Machine) {
  const { clock, devices, memory, accelerator: saved } = JSON.parse(JSON.stringify(machine.save()));
  const [{ code, ...processor }] = saved.processors;
  return { clock, devices, memory, processor, guestTime: saved.guestTime, bytes: code?.processor.bytes };
}

describe('machine code on', () => {
  it.each([isapc, pcI440fx])('$name is interrupted by its clock, and wakes from HLT', async (definition) => {
    const machine = await machineFor(definition);
    const { reason, message } = machine.run(clockGuest);
    expect([reason, result(machine)]).toEqual(['halted', Interrupts]);
    expect(message).toContain('interrupts disabled');
    expect(accelerator(machine).statistics.summary().injectedInterrupts).toBe(Interrupts);
    // The first one comes after less than a period.
    expect(Math.ceil(machine.clock.now / (1e9 / 1024))).toBe(Interrupts);
    machine.dispose();
  });

  it('does the same at the same time, whether its writes are queued or not', async () => {
    const runOf = async (coalescedPio: boolean) => {
      const machine = await machineFor(isapc, { coalescedPio });
      const { operations } = machine.run(clockGuest);
      const { coalescedWrites = 0 } = accelerator(machine).statistics.summary();
      const state = guestState(machine);
      machine.dispose();
      return { operations, state, isQueued: coalescedWrites > 0 };
    };
    const [queued, exiting] = [await runOf(true), await runOf(false)];
    expect([queued.isQueued, exiting.isQueued]).toEqual([true, false]);
    expect(queued.operations).toBe(exiting.operations);
    expect(queued.state).toEqual(exiting.state);
  });

  it('is at the same time wherever its runs end, though its stores fill the ring of the screen', async () => {
    // mov ax, 0xb800; mov es, ax; xor di, di; again: mov es:[di], al; inc di; and di, 0xfff; jmp again
    const code = [0xb8, 0x00, 0xb8, 0x8e, 0xc0, 0x31, 0xff, 0x26, 0x88, 0x05, 0x47, 0x81, 0xe7, 0xff, 0x0f, 0xeb, 0xf6];
    const guest = new FlatBinary({ name: 'screen.bin', address: Start, bytes: Uint8Array.from(code) });
    const runOf = async (...limits: readonly number[]) => {
      const machine = Machine.create(pcI440fx, {
        ram: 2 * 2 ** 20,
        options: { chips: 'all' },
        deviceOptions: { vga: { textMode: true } },
        accelerator: simulatedAccelerator({ machineCode: await x86() }),
      });
      machine.load(guest, {});
      for (const operationLimit of limits) machine.resume({ operationLimit });
      const { ringFullExits = 0 } = accelerator(machine).statistics.summary();
      return { now: machine.clock.now, ringFullExits };
    };
    const [whole, divided] = [await runOf(4000), await runOf(500, 1111, 1889, 300, 200)];
    expect(whole.ringFullExits).toBeGreaterThan(divided.ringFullExits);
    expect(whole.now).toBe(divided.now);
  });

  it('goes on from a snapshot of any moment as if there had been none', async () => {
    const machine = await machineFor();
    const { operations } = machine.run(clockGuest);
    const end = guestState(machine);
    machine.dispose();
    const machineCode = await x86();
    for (let limit = 1; limit < operations; limit += 17) {
      const first = await machineFor();
      first.run(clockGuest, { operationLimit: limit });
      const snapshot = JSON.parse(JSON.stringify(first.save()));
      first.dispose();
      const second = Machine.restore(isapc, snapshot, {
        accelerator: simulatedAccelerator({ machineCode }),
        guests: [clockGuest],
      });
      second.accelerator.run();
      expect(guestState(second)).toEqual(end);
      second.dispose();
    }
  });

  it('runs in slices of any length, and in a pump, as in one run', async () => {
    const machine = await machineFor();
    machine.run(clockGuest);
    const end = guestState(machine);
    machine.dispose();
    for (const operations of [1, 13, 1000]) {
      const sliced = await machineFor();
      sliced.load(clockGuest, {});
      sliced.accelerator.begin();
      while (typeof sliced.accelerator.runSlice({ operations }) === 'string');
      expect(guestState(sliced)).toEqual(end);
      sliced.dispose();
    }
    const pumped = await machineFor();
    expect((await pump(pumped, clockGuest)).reason).toBe('halted');
    expect(guestState(pumped)).toEqual(end);
    pumped.dispose();
  });

  it('is put in place again by a reset of the machine, whatever it has made of its own bytes', async () => {
    const machine = await machineFor();
    machine.run(clockGuest);
    machine.memory.write(Start, 0xf4, 1);
    machine.memory.write(Result, 0, 2);
    machine.reset();
    machine.accelerator.run();
    expect(result(machine)).toBe(Interrupts);
    machine.dispose();
  });

  it('is not restored with other bytes, nor as another kind of guest', async () => {
    const machine = await machineFor();
    machine.run(clockGuest, { operationLimit: 20 });
    const snapshot = machine.save();
    const machineCode = await x86();
    const restore =
      (guest: GuestCode, code: MachineCode | undefined = machineCode) =>
      () =>
        Machine.restore(isapc, snapshot, {
          accelerator: simulatedAccelerator(code === undefined ? {} : { machineCode: code }),
          guests: [guest],
        });
    const other = new FlatBinary({ name: 'other.bin', bytes: Uint8Array.of(0xf4), address: Start });
    expect(restore(other)).toThrow("the machine code 'other.bin' is not what was saved, 'clock.bin'");
    const plain = () => Machine.restore(isapc, snapshot, { accelerator: simulatedAccelerator(), guests: [clockGuest] });
    expect(plain).toThrow('there is no processor for machine code');
    machine.dispose();
  });

  it('is shown without its bytes, and executes nothing then: what it was is no longer there to save', async () => {
    const machine = await machineFor();
    machine.run(clockGuest, { operationLimit: 20 });
    const snapshot = JSON.parse(JSON.stringify(machine.save()));
    const { registerDump } = machine.accelerator;
    machine.dispose();
    const accelerator = simulatedAccelerator({ machineCode: await x86() });
    const shown = Machine.restore(isapc, snapshot, { accelerator });
    expect(accelerator.registerDump).toBe(registerDump);
    expect(shown.memory.read(Start, 4)).toBe(new DataView(clockGuest.bytes.buffer).getUint32(0, true));
    expect([shown.resume().reason, accelerator.operations]).toEqual(['finished', 20]);
    shown.reset();
    expect([shown.resume().reason, accelerator.operations]).toEqual(['finished', 20]);
    const again = JSON.parse(JSON.stringify(shown.save()));
    expect(again.accelerator.processors[0]).toMatchObject({ guest: null, finished: true });
    shown.run(clockGuest);
    expect(result(shown)).toBe(Interrupts);
    shown.dispose();
  });

  it.each([
    ['registers', 'specialRegisters'],
    ['code', 'guest'],
  ])('has a snapshot whose damage at %s and %s is refused', async (...members) => {
    const machine = await machineFor();
    machine.run(clockGuest, { operationLimit: 20 });
    const machineCode = await x86();
    for (const member of members) {
      const snapshot = JSON.parse(JSON.stringify(machine.save()));
      snapshot.accelerator.processors[0][member] = { damaged: 1 };
      const restore = () =>
        Machine.restore(isapc, snapshot, { accelerator: simulatedAccelerator({ machineCode }), guests: [clockGuest] });
      expect(restore).toThrow(member);
    }
    machine.dispose();
  });

  it('shuts down by a triple fault: the run says where, and nothing is saved of it', async () => {
    const machine = await machineFor();
    const fault = new FlatBinary({
      name: 'fault.bin',
      address: Start,
      mode: 'protected',
      // lidt [0x800], whose limit is 0; int 3
      bytes: Uint8Array.of(0x0f, 0x01, 0x1d, 0x00, 0x08, 0x00, 0x00, 0xcc),
    });
    const { reason } = machine.run(fault, { operationLimit: 1_000_000 });
    expect(reason).toBe('shutdown');
    expectRefusal(() => machine.save(), 'processor-stopped');
    machine.dispose();
  });
});

describe('the machine of a guest in machine code', () => {
  const machineOf = (script: readonly Step[]) => {
    const code = scriptedCode(script);
    const machine = new SmallMachine(indexAndData(), { machineCode: code });
    const guest: GuestCode = { name: 'script', pieces: [], start: 'reset' };
    machine.accelerator.load([guest]);
    return { code, machine, run: () => machine.accelerator.run() };
  };

  it('tells the processor what a device writes into RAM by DMA, in each width, and nothing of what it reads', () => {
    const { code, machine, run } = machineOf([['in', 0x71, 1], ['hlt']]);
    run();
    const [memory] = code.memories;
    memory!.calls.length = 0;
    machine.memory.write(0x1000, 1, 1);
    machine.memory.write(0x1002, 1, 4);
    machine.memory.write64(0x1008, 1n);
    machine.memory.writeBytes(0x1ffe, Uint8Array.of(1, 2, 3, 4));
    machine.memory.writeRom(0x3000, Uint8Array.of(1));
    machine.memory.read(0x1000, 4);
    expect(memory!.calls).toEqual([
      'written 0x1000+1',
      'written 0x1002+4',
      'written 0x1008+8',
      'written 0x1ffe+4',
      'written 0x3000+1',
    ]);
    expect(memory!.bytes[0x1008]).toBe(1);
  });

  it('does not end an instruction between two of its parts, at whichever place it is paused', () => {
    const { code, machine, run } = machineOf([['stores', 0xd_0000, 1], ['out', 0x80, 1, 1], ['hlt']]);
    machine.accelerator.begin({});
    machine.accelerator.runSlice({ operations: 1 });
    expect(() => machine.accelerator.saveState()).not.toThrow();
    expect(code.processors[0]!.underWay).toBe(false);
    expect(run).toThrow('a run in slices is under way');
  });

  it('counts a guest error for read-only memory that the guest has changed', () => {
    const { code, machine, run } = machineOf([['in', 0x71, 1], ['hlt']]);
    run();
    const errors: string[] = [];
    Object.assign(machine.host, { guestError: (what: string) => errors.push(what) });
    code.memories[0]!.overwritten = 0xf_0123;
    machine.accelerator.saveState();
    expect(errors).toEqual([expect.stringContaining('first at 0xf0123')]);
  });
});
