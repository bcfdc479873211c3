import { describe, expect, it } from 'vitest';
import { Edu } from '../../devices/edu.ts';
import { defineMachine, MILLISECOND, MiB, use } from '../../sdk/index.ts';
import { infoMtree, infoQtree } from '../../sdk/monitor/index.ts';
import { PciCommand, PciRegister } from '../../sdk/pci.ts';
import { explainCoalescedIo, guestProgram, Machine } from '../../sdk/runtime.ts';
import { pcI440fx } from '../small-machines.ts';
import { EduBar, EduDriver, EduMessageVector, EduRegister } from './edu-guest.ts';
import { PciFunction } from './pci-guest.ts';

const pcWithEdu = defineMachine({ ...pcI440fx, name: 'pc-with-edu', devices: [...pcI440fx.devices, use(Edu)] });

describe('a guest of a PC', () => {
  it.each(['pin', 'messages'] as const)(
    'drives the card from the PCI scan to DMA both ways, interrupted by %s',
    (way) => {
      const machine = Machine.create(pcWithEdu, { ram: 2 * MiB });
      const results: number[] = [];
      const program = guestProgram(function* (guest) {
        const driver = yield* EduDriver.probe(guest);
        yield* way === 'pin' ? driver.usePin(guest) : driver.useMessages(guest);
        yield* guest.store32(EduBar + EduRegister.Liveness, 0x1234_5678);
        results.push(yield* guest.load32(EduBar + EduRegister.Liveness));
        results.push(yield* driver.factorial(guest, 10));
        for (let at = 0; at < 16; at += 4) yield* guest.store32(0x1_0000 + at, 0x0101_0101 * (at + 1));
        yield* driver.transfer(guest, 0x1_0000, 0x4_0100, 16, 0b101);
        yield* driver.transfer(guest, 0x4_0104, 0x2_0000, 8, 0b111);
        results.push(yield* guest.load32(0x2_0000), yield* guest.load32(0x2_0004), yield* guest.load32(0x2_0008));
        results.push(driver.interrupts, yield* guest.load32(EduBar + EduRegister.InterruptStatus));
      });
      expect(machine.run(program).reason).toBe('finished');
      expect(results).toEqual([~0x1234_5678 >>> 0, 3_628_800, 0x0505_0505, 0x0909_0909, 0, 3, 0]);
      expect(machine.clock.now).toBeGreaterThan(200 * MILLISECOND);
      expect(machine.guestErrors).toEqual([]);
    },
  );

  it('keeps the pin down while messages are enabled, and gets no message while the card is no bus master', () => {
    const machine = Machine.create(pcWithEdu, { ram: 2 * MiB });
    const edu = machine.device(Edu);
    const program = guestProgram(function* (guest) {
      const driver = yield* EduDriver.probe(guest);
      yield* driver.useMessages(guest);
      yield* guest.sti();
      yield* guest.store32(EduBar + EduRegister.Raise, 1);
      yield* guest.pause(1000);
      expect([driver.interrupts, edu.interruptOut.level]).toEqual([1, false]);
      const card = yield* PciFunction.find(guest, 0x1234, 0x11e8);
      yield* card.write16(guest, PciRegister.Command, PciCommand.Memory);
      yield* guest.store32(EduBar + EduRegister.Raise, 1);
      yield* guest.pause(1000);
      expect([driver.interrupts, edu.interruptOut.level, edu.interruptStatus]).toEqual([1, false, 1]);
    });
    expect(machine.run(program).reason).toBe('finished');
  });

  it('shows the card in its trees where the driver put it, and nowhere after a reset', () => {
    const machine = Machine.create(pcWithEdu, { ram: 2 * MiB });
    const unmapped = 'bar 0: mem at 0xffffffffffffffff [0xffffe]';
    expect(infoQtree(machine)).toContain(unmapped);
    machine.run(
      guestProgram(function* (guest) {
        yield* EduDriver.probe(guest);
      }),
    );
    expect(infoQtree(machine)).toContain('bar 0: mem at 0xe0000000 [0xe00fffff]');
    expect(infoMtree(machine)).toContain('00000000e0000000-00000000e00fffff (prio 1, i/o): edu-mmio');
    expect(infoMtree(machine)).toContain(
      'address-space: edu\n  0000000000000000-ffffffffffffffff (prio 0, i/o): bus master container\n',
    );
    machine.reset();
    expect(infoQtree(machine)).toContain(unmapped);
    expect(infoMtree(machine)).not.toContain('edu-mmio');
    expect(explainCoalescedIo(machine).map(({ verdict }) => verdict)).not.toContain('dead');
  });

  it('goes on with a transfer under way when it is restored from a snapshot', () => {
    const machine = Machine.create(pcWithEdu, { ram: 2 * MiB });
    machine.run(
      guestProgram(function* (guest) {
        const driver = yield* EduDriver.probe(guest);
        yield* driver.useMessages(guest);
        yield* guest.store32(0x1_0000, 0x1234_5678);
        for (const [register, value] of [
          [0x80, 0x1_0000n],
          [0x88, 0x4_0000n],
          [0x90, 4n],
          [0x98, 0b101n],
        ] as const) {
          yield* guest.store64(EduBar + register, value);
        }
      }),
    );
    const restored = Machine.restore(pcWithEdu, JSON.parse(JSON.stringify(machine.save())));
    const edu = restored.device(Edu);
    expect([restored.memory.read(EduBar, 4), edu.buffer[0], edu.msi.enabled]).toEqual([0x0100_00ed, 0, true]);
    const vectors: number[] = [];
    const wait = guestProgram(function* (guest) {
      guest.onInterrupt(EduMessageVector, function* (handler) {
        vectors.push(yield* handler.load32(EduBar + EduRegister.InterruptStatus));
      });
      yield* guest.sti();
      yield* guest.hlt();
    });
    expect(restored.run(wait).reason).toBe('finished');
    expect([vectors, [...edu.buffer.slice(0, 4)]]).toEqual([[0x100], [0x78, 0x56, 0x34, 0x12]]);
  });
});
