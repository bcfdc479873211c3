import { describe, expect, it } from 'vitest';
import {
  Errno,
  ExitReason,
  FailEntryExit,
  KvmRun,
  Registers,
  Rflags,
  SpecialRegisters,
  VcpuRequest,
  VmRequest,
} from '../../sdk/accelerator/kvm/abi.ts';
import { expectRefusal } from '../refusal.ts';
import { KernelBench } from './kernel-bench.ts';

const interrupt = (bench: KernelBench, vector: number) =>
  bench.request(bench.vcpuFds[0]!, VcpuRequest.Interrupt, new Uint8Array(new Uint32Array([vector]).buffer));
const requestWindow = (bench: KernelBench, on: boolean) =>
  bench.runPage.setUint8(KvmRun.requestInterruptWindow, on ? 1 : 0);
const ready = (bench: KernelBench) => bench.runPage.getUint8(KvmRun.readyForInterruptInjection) === 1;
const interruptFlag = (bench: KernelBench) => bench.runPage.getUint8(KvmRun.ifFlag) === 1;

describe('the interrupt window', () => {
  it('opens one instruction behind STI, and says that an interrupt can be injected', () => {
    const bench = new KernelBench();
    const done: string[] = [];
    bench.attach(function* (guest) {
      yield* guest.sti();
      done.push('sti');
      yield* guest.pause(1);
      done.push('next');
      yield* guest.pause(1);
    });
    requestWindow(bench, true);
    expect([bench.run(), bench.exitReason]).toEqual([0, ExitReason.IrqWindowOpen]);
    expect([done, ready(bench), interruptFlag(bench)]).toEqual([['sti'], true, true]);
    expect(bench.kernel.counts).toMatchObject({ vmExits: 1, userspaceExits: 1, interruptWindowExits: 1 });
  });

  it('does not open while interrupts are masked', () => {
    const bench = new KernelBench();
    bench.attach(function* (guest) {
      yield* guest.hlt();
    });
    requestWindow(bench, true);
    expect([bench.run(), bench.exitReason, ready(bench)]).toEqual([0, ExitReason.Hlt, false]);
  });
});

describe('KVM_INTERRUPT', () => {
  it('right behind each return from a handler nests no deeper: a line that stays high holds the guest up, and no more', () => {
    const bench = new KernelBench();
    const order: number[] = [];
    let handled = 0;
    bench.attach(function* (guest) {
      guest.onInterrupt(0x70, function* () {
        handled++;
        yield* guest.pause(1);
      });
      yield* guest.sti();
      yield* guest.pause(1);
      order.push(handled);
      yield* guest.pause(1);
      order.push(handled);
    });
    requestWindow(bench, true);
    for (let time = 1; time <= 600; time++) {
      expect([bench.run(), bench.exitReason]).toEqual([0, ExitReason.IrqWindowOpen]);
      expect(interrupt(bench, 0x70)).toBe(0);
    }
    requestWindow(bench, false);
    expect([bench.run(), handled, order]).toEqual([Errno.EINTR, 600, [600, 600]]);
  });

  it('runs the handler of the guest, with interrupts masked, and goes on where the guest was', () => {
    const bench = new KernelBench();
    const order: string[] = [];
    bench.attach(function* (guest) {
      guest.onInterrupt(0x70, function* () {
        order.push('handler');
        yield* guest.out8(0x20, 0x20);
      });
      yield* guest.sti();
      yield* guest.hlt();
      order.push('woken');
      yield* guest.hlt();
    });
    bench.run();
    expect([bench.exit, ready(bench)]).toEqual(['exit 5', true]);
    expect(interrupt(bench, 0x70)).toBe(0);
    expect([bench.run(), bench.exit, interruptFlag(bench)]).toEqual([0, 'out 0x20/1', false]);
    expect([bench.run(), bench.exit, interruptFlag(bench)]).toEqual([0, 'exit 5', true]);
    expect(order).toEqual(['handler', 'woken']);
  });

  it('keeps the value that the guest had just read', () => {
    const bench = new KernelBench();
    let read = 0;
    bench.attach(function* (guest) {
      guest.onInterrupt(0x70, function* () {
        yield* guest.in8(0x99);
      });
      yield* guest.sti();
      read = yield* guest.in8(0x71);
    });
    bench.run();
    expect(bench.exit).toBe('in 0x71/1');
    bench.portPage.setUint8(0, 0x11);
    interrupt(bench, 0x70);
    bench.run();
    expect(bench.exit).toBe('in 0x99/1');
    bench.portPage.setUint8(0, 0x99);
    expect([bench.run(), read]).toEqual([Errno.EINTR, 0x11]);
  });

  it('comes between two elements of a string, which then goes on', () => {
    const bench = new KernelBench();
    bench.attach(function* (guest) {
      guest.onInterrupt(0x70, function* () {
        yield* guest.repOuts8(0x20, [9]);
      });
      yield* guest.sti();
      yield* guest.repOuts8(0x80, [1, 2, 3]);
    });
    const seen: string[] = [];
    while (bench.run() === 0) {
      seen.push(`${bench.exit} ${bench.portPage.getUint8(0)}`);
      if (seen.length === 1) interrupt(bench, 0x70);
    }
    expect(seen).toEqual(['out 0x80/1 1', 'out 0x20/1 9', 'out 0x80/1 2', 'out 0x80/1 3']);
  });

  it('comes in the middle of a pause, whose rest follows the handler', () => {
    const bench = new KernelBench({ costs: { plain: 0, userspace: 0 } });
    const times: number[] = [];
    bench.attach(function* (guest) {
      guest.onInterrupt(0x70, function* () {
        times.push(bench.kernel.now);
        yield* guest.pause(30);
      });
      yield* guest.sti();
      yield* guest.pause(1000);
      times.push(bench.kernel.now);
    });
    bench.kernel.kickAt(400);
    expect([bench.run(), ready(bench)]).toEqual([Errno.EINTR, true]);
    bench.kernel.kickAt(Infinity);
    interrupt(bench, 0x70);
    bench.run();
    expect(times).toEqual([400, 1030]);
  });

  it('nests when a handler lets interrupts in again, and unwinds in order', () => {
    const bench = new KernelBench();
    const order: string[] = [];
    bench.attach(function* (guest) {
      guest.onInterrupt(1, function* () {
        order.push('one begins');
        yield* guest.sti();
        yield* guest.out8(0x81, 1);
        order.push('one ends');
      });
      guest.onInterrupt(2, function* () {
        order.push('two');
        yield* guest.cli();
      });
      yield* guest.sti();
      yield* guest.out8(0x80, 1);
      order.push('program');
    });
    bench.run();
    interrupt(bench, 1);
    bench.run();
    expect(bench.exit).toBe('out 0x81/1');
    interrupt(bench, 2);
    bench.run();
    expect(order).toEqual(['one begins', 'two', 'one ends', 'program']);
  });

  it('given twice before an entry, keeps the second vector', () => {
    const bench = new KernelBench();
    const taken: number[] = [];
    bench.attach(function* (guest) {
      for (const vector of [8, 9]) {
        guest.onInterrupt(vector, function* () {
          taken.push(vector);
          yield* guest.cli();
        });
      }
      yield* guest.sti();
      yield* guest.hlt();
    });
    bench.run();
    expect([interrupt(bench, 8), interrupt(bench, 9)]).toEqual([0, 0]);
    bench.run();
    expect(taken).toEqual([9]);
  });

  it('while the guest masks interrupts fails the entry, as VMX does; the vector waits', () => {
    const bench = new KernelBench();
    bench.attach(function* (guest) {
      yield* guest.hlt();
    });
    expect(interrupt(bench, 0x70)).toBe(0);
    expect([bench.run(), bench.exitReason]).toEqual([0, ExitReason.FailEntry]);
    expect(bench.runPage.getBigUint64(FailEntryExit.reason, true)).toBe(0x8000_0021n);
    expect(bench.runPage.getUint8(KvmRun.readyForInterruptInjection)).toBe(0);
  });

  it.each([
    ['a vector above 255', 256, Errno.EINVAL],
    ['the largest vector', 255, 0],
  ])('%s', (_name, vector, errno) => expect(interrupt(new KernelBench(), vector)).toBe(errno));

  it('to a vector without a handler shuts the processor down, and says why', () => {
    const bench = new KernelBench();
    bench.attach(function* (guest) {
      yield* guest.sti();
      yield* guest.hlt();
    });
    bench.run();
    interrupt(bench, 0x70);
    for (let time = 0; time < 2; time++) expect([bench.run(), bench.exitReason]).toEqual([0, ExitReason.Shutdown]);
    const failure = () => {
      throw bench.kernel.processor(bench.vcpuFds[0]!).failure;
    };
    expectRefusal(failure, 'unhandled-interrupt', "'test'", 'interrupt 0x70');
  });

  it('is refused where there is no interrupt controller in the kernel to take a line', () => {
    const bench = new KernelBench();
    expect(bench.request(bench.vmFd, VmRequest.IrqLine, new Uint8Array(8))).toBe(Errno.ENXIO);
    expect(bench.request(bench.vmFd, VmRequest.IrqLineStatus, new Uint8Array(8))).toBe(Errno.ENXIO);
    expect(bench.request(bench.vmFd, VmRequest.CreateIrqchip, 0)).toBe(Errno.ENOTTY);
    expect(bench.request(bench.vmFd, VmRequest.CreatePit2, new Uint8Array(64))).toBe(Errno.ENOENT);
  });
});

describe('registers', () => {
  it('are stored and returned, and show the interrupt flag', () => {
    const bench = new KernelBench();
    const [vcpu] = bench.vcpuFds;
    const registers = new DataView(new ArrayBuffer(144));
    registers.setBigUint64(Registers.rax, 0x1122_3344_5566_7788n, true);
    registers.setBigUint64(Registers.rflags, BigInt(Rflags.InterruptEnable), true);
    bench.request(vcpu!, VcpuRequest.SetRegisters, registers);
    const read = new DataView(new ArrayBuffer(144));
    bench.request(vcpu!, VcpuRequest.GetRegisters, read);
    expect(read.getBigUint64(Registers.rax, true)).toBe(0x1122_3344_5566_7788n);
    expect(read.getBigUint64(Registers.rflags, true)).toBe(0x202n);
    bench.attach(function* (guest) {
      yield* guest.cli();
    });
    bench.run();
    bench.request(vcpu!, VcpuRequest.GetRegisters, read);
    expect(read.getBigUint64(Registers.rflags, true)).toBe(0x2n);
  });

  it('of the system show a queued vector in the interrupt bitmap, and queue the one they are given', () => {
    const bench = new KernelBench();
    const [vcpu] = bench.vcpuFds;
    const special = new DataView(new ArrayBuffer(312));
    interrupt(bench, 0x21);
    bench.request(vcpu!, VcpuRequest.GetSpecialRegisters, special);
    expect(special.getUint8(SpecialRegisters.interruptBitmap + 4)).toBe(2);
    expect(special.getBigUint64(SpecialRegisters.apicBase, true)).toBe(0xfee0_0900n);
    expect(bench.runPage.getBigUint64(KvmRun.apicBase, true)).toBe(0xfee0_0900n);
    special.setUint8(SpecialRegisters.interruptBitmap + 4, 0);
    special.setUint8(SpecialRegisters.interruptBitmap + 1, 1);
    special.setBigUint64(SpecialRegisters.cr3, 0x5000n, true);
    bench.request(vcpu!, VcpuRequest.SetSpecialRegisters, special);
    const read = new DataView(new ArrayBuffer(312));
    bench.request(vcpu!, VcpuRequest.GetSpecialRegisters, read);
    expect([...new Uint8Array(read.buffer)]).toEqual([...new Uint8Array(special.buffer)]);
  });
});
