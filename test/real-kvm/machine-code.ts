/** Machine code on a real KVM: modes, the dirty log, ioeventfds, resets, and recordings with 8-byte accesses. */
import { deepEqual, equal, ok } from 'node:assert/strict';
import type { ProcessorMode } from '../../sdk/accelerator/guest/code.ts';
import { FlatBinary } from '../../sdk/accelerator/guest/flat-binary.ts';
import { TraceGuest, TraceParser } from '../../sdk/accelerator/index.ts';
import { hostKvmAccelerator } from '../../sdk/host-kvm/accelerator.ts';
import {
  contains,
  defineMachine,
  device,
  EventNotifiers,
  IsaDevice,
  inject,
  portRegion,
  romRegion,
  use,
} from '../../sdk/index.ts';
import { DirtyLogClient } from '../../sdk/memory/index.ts';
import { Machine } from '../../sdk/runtime.ts';
import { isapc, pcI440fx } from '../small-machines.ts';
import { runChecks } from './checks.ts';

const ports = portRegion({ name: 'probe', base: 0x320, size: 8, accessSizes: [1, 2, 4] });
const Bell = 4;
const Firmware = 0xd000_0000;
const firmware = romRegion({ name: 'probe-rom', base: Firmware, size: 0x1000, image: Uint8Array.of(0x5a) });

/** Keeps what is written; a write to its bell is an ioeventfd. */
@device({ type: 'probe', description: 'Keeps what a guest writes' })
@contains(firmware)
class Probe extends IsaDevice {
  readonly written: number[] = [];
  rings = 0;

  constructor(@inject(EventNotifiers) private readonly events: EventNotifiers) {
    super();
  }

  override onRealize(): void {
    const fd = this.events.add(() => this.rings++, 'bell');
    this.region(ports).addIoeventfd({ offset: Bell, size: 1, fd });
  }

  @ports.write(0, { size: 4 })
  keep(value: number): void {
    this.written.push(value);
  }

  @ports.write(Bell)
  unheard(): void {
    throw new Error('the ioeventfd was to take this');
  }
}

class Bench {
  readonly machine: Machine;
  readonly probe: Probe;

  constructor(definition = isapc) {
    this.machine = Machine.create(
      defineMachine({ ...definition, name: 'probed', devices: [...definition.devices, use(Probe)] }),
      { accelerator: hostKvmAccelerator() },
    );
    this.probe = this.machine.devices.find(({ device: one }) => one instanceof Probe)!.device as Probe;
  }

  run(mode: ProcessorMode, ...code: readonly number[]) {
    const bytes = Uint8Array.from([...code, 0xfa, 0xf4]);
    return this.machine.run(new FlatBinary({ name: mode, bytes, address: 0x1000, mode }));
  }

  get exits() {
    return this.machine.accelerator.statistics.summary();
  }
}

const checks: Readonly<Record<string, () => void>> = {
  'real mode: 16 bits of code': () => {
    const bench = new Bench();
    // mov ax, 0xffff; add ax, 2; movzx eax, ax; mov dx, 0x320; out dx, eax
    const { reason } = bench.run(
      'real',
      0xb8,
      0xff,
      0xff,
      0x83,
      0xc0,
      2,
      0x66,
      0x0f,
      0xb7,
      0xc0,
      0xba,
      0x20,
      3,
      0x66,
      0xef,
    );
    equal(reason, 'halted');
    deepEqual(bench.probe.written, [1]);
    bench.machine.dispose();
  },
  'protected mode: flat segments of 32 bits': () => {
    const bench = new Bench();
    // mov eax, 0x12345678; mov [0x1fff00], eax; mov eax, [0x1fff00]; mov edx, 0x320; out dx, eax
    const code = [0xb8, 0x78, 0x56, 0x34, 0x12, 0xa3, 0, 0xff, 0x1f, 0, 0xb8, 0, 0, 0, 0, 0xa1, 0, 0xff, 0x1f, 0];
    bench.run('protected', ...code, 0xba, 0x20, 3, 0, 0, 0xef);
    deepEqual(bench.probe.written, [0x1234_5678]);
    equal(bench.exits.userspaceExits, 2);
    bench.machine.dispose();
  },
  'long mode: 64 bits, and the first 4 GiB one to one': () => {
    const bench = new Bench();
    // mov rax, 0x1122334455667788; shr rax, 32; mov edx, 0x320; out dx, eax; mov eax, [0xfee00020]
    const code = [
      0x48, 0xb8, 0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11, 0x48, 0xc1, 0xe8, 32, 0xba, 0x20, 3, 0, 0, 0xef,
    ];
    const { reason } = bench.run('long', ...code, 0xa1, 0x20, 0, 0xe0, 0xfe, 0, 0, 0, 0);
    equal(reason, 'halted');
    deepEqual(bench.probe.written, [0x1122_3344]);
    equal(bench.exits.memoryUserspaceExits, 1);
    bench.machine.dispose();
  },
  'the dirty log has the pages that the guest stored into': () => {
    const bench = new Bench();
    const { region } = bench.machine.memory.lookup(0x3000)!;
    const own = region.aliasTarget ?? region;
    own.setDirtyLog(DirtyLogClient.Vga, true);
    bench.machine.load(
      new FlatBinary({
        name: 'stores',
        bytes: Uint8Array.of(0xb0, 7, 0xa2, 0, 0x30, 0xa2, 0, 0x50, 0xfa, 0xf4),
        address: 0x1000,
      }),
      {},
    );
    own.dirty.snapshotAndClear(DirtyLogClient.Vga);
    bench.machine.resume();
    // The page of the code is logged too: a fault of a read maps a page that may be written so that it is writable, and logs it.
    // @see Linux, arch/x86/kvm/mmu/spte.c, make_spte()
    const stored = own.dirty.snapshotAndClear(DirtyLogClient.Vga).offsets.filter((offset) => offset !== 0x1000);
    deepEqual(stored, [0x3000, 0x5000]);
    deepEqual(own.dirty.snapshotAndClear(DirtyLogClient.Vga).offsets, []);
    own.setDirtyLog(DirtyLogClient.Vga, false);
    bench.machine.dispose();
  },
  'ROM is read in guest mode, and a store to it leaves guest mode and changes nothing': () => {
    const bench = new Bench();
    // mov al, [Firmware]; mov dx, 0x320; out dx, eax; mov byte [Firmware], 7; mov al, [Firmware]; out dx, eax
    const load = [0x31, 0xc0, 0xa0, 0, 0, 0, 0xd0];
    const store = [0xc6, 0x05, 0, 0, 0, 0xd0, 7];
    bench.run('protected', ...load, 0xba, 0x20, 3, 0, 0, 0xef, ...store, ...load, 0xef);
    deepEqual(bench.probe.written, [0x5a, 0x5a]);
    // Two writes of the port, the store, and HLT: no read of the ROM is among them.
    const { userspaceExits, memoryUserspaceExits } = bench.exits;
    deepEqual({ userspaceExits, memoryUserspaceExits }, { userspaceExits: 4, memoryUserspaceExits: 1 });
    bench.machine.dispose();
  },
  'an ioeventfd is signalled in the kernel, and its consumer is called': () => {
    const bench = new Bench();
    // mov al, 1; mov dx, 0x324; out dx, al
    bench.run('real', 0xb0, 1, 0xba, 0x24, 3, 0xee);
    equal(bench.probe.rings, 1);
    equal(bench.exits.portUserspaceExits, 0);
    bench.machine.dispose();
  },
  'a guest that resets the machine begins anew, from the bytes of its file': () => {
    const bench = new Bench(pcI440fx);
    // Counts in its own code at 0x1020, writes the count, and resets by 0xcf9 = 6: the count must start over.
    const code = [
      0xfe, 0x06, 0x20, 0x10, 0x66, 0x31, 0xc0, 0xa0, 0x20, 0x10, 0xba, 0x20, 3, 0x66, 0xef, 0xb0, 6, 0xba, 0xf9, 0x0c,
      0xee,
    ];
    const bytes = new Uint8Array(0x24);
    bytes.set([...code, 0xfa, 0xf4]);
    equal(bench.machine.run(new FlatBinary({ name: 'resets', bytes, address: 0x1000 })).reason, 'reset');
    equal(bench.machine.resume().reason, 'reset');
    deepEqual(bench.probe.written, [1, 1]);
    bench.machine.dispose();
  },
  'a reset takes the breakpoints of the guest before': () => {
    const bench = new Bench(pcI440fx);
    // mov eax, dr7; mov edx, 0x320; out dx, eax; mov eax, 0x403; mov dr7, eax; mov al, 6; mov edx, 0xcf9; out dx, al
    const report = [0x0f, 0x21, 0xf8, 0xba, 0x20, 3, 0, 0, 0xef];
    const set = [0xb8, 3, 4, 0, 0, 0x0f, 0x23, 0xf8, 0xb0, 6, 0xba, 0xf9, 0x0c, 0, 0, 0xee];
    equal(bench.run('protected', ...report, ...set).reason, 'reset');
    equal(bench.machine.resume().reason, 'reset');
    deepEqual(bench.probe.written, [0x400, 0x400]);
    bench.machine.dispose();
  },
  'a reset takes the model-specific registers of the guest before': () => {
    const bench = new Bench(pcI440fx);
    // mov ecx, 0x174 (SYSENTER_CS); rdmsr; mov edx, 0x320; out dx, eax
    const report = [0xb9, 0x74, 1, 0, 0, 0x0f, 0x32, 0xba, 0x20, 3, 0, 0, 0xef];
    // mov eax, 0x18; xor edx, edx; wrmsr
    const set = [0xb8, 0x18, 0, 0, 0, 0x31, 0xd2, 0x0f, 0x30];
    // mov al, 6; mov edx, 0xcf9; out dx, al
    const reset = [0xb0, 6, 0xba, 0xf9, 0x0c, 0, 0, 0xee];
    equal(bench.run('protected', ...report, ...set, ...report, ...reset).reason, 'reset');
    equal(bench.machine.resume().reason, 'reset');
    deepEqual(bench.probe.written, [0, 0x18, 0, 0x18]);
    bench.machine.dispose();
  },
  'a guest that lowers its CR8 goes on': () => {
    const bench = new Bench();
    // mov eax, 15; mov cr8, rax; xor eax, eax; mov cr8, rax; mov edx, 0x320; out dx, eax
    const code = [
      0xb8, 15, 0, 0, 0, 0x44, 0x0f, 0x22, 0xc0, 0x31, 0xc0, 0x44, 0x0f, 0x22, 0xc0, 0xba, 0x20, 3, 0, 0, 0xef,
    ];
    equal(bench.run('long', ...code).reason, 'halted');
    deepEqual(bench.probe.written, [0]);
    bench.machine.dispose();
  },
  'a recording with accesses of 8 bytes is replayed, each compared': () => {
    const parser = new TraceParser('wide');
    const lines = [
      '# iotrace v1',
      '0 MW fed000f0 8 1122334455667788',
      '1000 PW 70 1 b',
      '2000 MR fed000f0 8 99',
      '3000 MW fed00100 4 5',
    ];
    parser.push(new TextEncoder().encode(lines.join('\n')));
    const machine = Machine.create(pcI440fx, { accelerator: hostKvmAccelerator() });
    equal(machine.run(new TraceGuest(parser.end())).reason, 'finished');
    const { userspaceExits, memoryUserspaceExits, coalescedWrites } = machine.accelerator.statistics.summary();
    deepEqual(
      { userspaceExits, memoryUserspaceExits, coalescedWrites },
      { userspaceExits: 3, memoryUserspaceExits: 3, coalescedWrites: 1 },
    );
    machine.dispose();
  },
  'a recorded address that is RAM of the machine is refused with its line': () => {
    const parser = new TraceParser('low');
    parser.push(new TextEncoder().encode(['# iotrace v1', '# a comment', '0 PW 70 1 b', '1 MW 1000 4 0'].join('\n')));
    const machine = Machine.create(pcI440fx, { accelerator: hostKvmAccelerator() });
    let message = '';
    try {
      machine.run(new TraceGuest(parser.end()));
    } catch (error) {
      message = (error as Error).message;
    }
    ok(message.startsWith("Recording 'low', line 4: 0x1000 is RAM of the machine"), message);
    machine.dispose();
  },
};

await runChecks('machine code', checks);
