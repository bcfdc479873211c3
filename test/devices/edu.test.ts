import { describe, expect, it } from 'vitest';
import { Edu } from '../../devices/edu.ts';
import { pcI440fx } from '../../machines/index.ts';
import {
  defineMachine,
  explainCoalescedIo,
  type Guest,
  type GuestStep,
  guestProgram,
  Machine,
  MILLISECOND,
  MiB,
  PciCommand,
  PciRegister,
  use,
} from '../../sdk/index.ts';
import { infoMtree, infoQtree } from '../../sdk/monitor/index.ts';
import { PciFunction, startPics } from './pci-guest.ts';

const Bar = 0xe000_0000;
const IsaLine = 11;
const MessageVector = 0x61;
const Register = {
  Identification: 0x00,
  Liveness: 0x04,
  Factorial: 0x08,
  Status: 0x20,
  InterruptStatus: 0x24,
  Raise: 0x60,
  Acknowledge: 0x64,
  Source: 0x80,
  Destination: 0x88,
  Count: 0x90,
  Command: 0x98,
} as const;

const pcWithEdu = defineMachine({ ...pcI440fx, name: 'pc-with-edu', devices: [...pcI440fx.devices, use(Edu)] });

/** A driver in the guest, which knows nothing of the machine but that it is a PC. */
class EduDriver {
  interrupts = 0;
  causes = 0;

  private constructor(private readonly card: PciFunction) {}

  static *probe(guest: Guest): GuestStep<EduDriver> {
    const card = yield* PciFunction.find(guest, 0x1234, 0x11e8);
    expect(yield* card.sizeOf(guest, 0)).toBe(1 * MiB);
    yield* card.enable(guest, Bar);
    expect(yield* guest.load32(Bar + Register.Identification)).toBe(0x0100_00ed);
    return new EduDriver(card);
  }

  /** The interrupt by pin: through the bridge's routing to ISA line 11. */
  *usePin(guest: Guest): GuestStep<void> {
    const bridge = yield* PciFunction.find(guest, 0x8086, 0x7000);
    const pirq = (0 + this.card.slot - 1) & 3;
    const routes = yield* bridge.read32(guest, 0x60);
    yield* bridge.write32(guest, 0x60, ((routes & ~(0xff << (8 * pirq))) | (IsaLine << (8 * pirq))) >>> 0);
    yield* guest.out8(0x4d1, 1 << (IsaLine - 8));
    yield* startPics(guest, 2, IsaLine);
    const driver = this;
    guest.onInterrupt(0x28 + (IsaLine - 8), function* (g) {
      yield* driver.serve(g);
      yield* g.out8(0xa0, 0x20);
      yield* g.out8(0x20, 0x20);
    });
  }

  /** The interrupt by message: the processor's vector goes into the message's data. */
  *useMessages(guest: Guest): GuestStep<void> {
    const msi = yield* this.card.capability(guest, 0x05);
    yield* this.card.write32(guest, msi + 4, 0xfee0_0000);
    yield* this.card.write32(guest, msi + 8, 0);
    yield* this.card.write32(guest, msi + 12, MessageVector);
    yield* this.card.write16(guest, msi + 2, 0x0001);
    guest.onInterrupt(MessageVector, (g) => this.serve(g));
  }

  *serve(guest: Guest): GuestStep<void> {
    this.interrupts++;
    const causes = yield* guest.load32(Bar + Register.InterruptStatus);
    this.causes |= causes;
    yield* guest.store32(Bar + Register.Acknowledge, causes);
  }

  *factorial(guest: Guest, n: number): GuestStep<number> {
    yield* guest.store32(Bar + Register.Status, 0x80);
    yield* guest.store32(Bar + Register.Factorial, n);
    yield* this.wait(guest, 0x001);
    return yield* guest.load32(Bar + Register.Factorial);
  }

  *transfer(guest: Guest, source: number, destination: number, count: number, command: number): GuestStep<void> {
    yield* guest.store64(Bar + Register.Source, BigInt(source));
    yield* guest.store64(Bar + Register.Destination, BigInt(destination));
    yield* guest.store64(Bar + Register.Count, BigInt(count));
    yield* guest.store64(Bar + Register.Command, BigInt(command));
    yield* this.wait(guest, 0x100);
  }

  private *wait(guest: Guest, cause: number): GuestStep<void> {
    this.causes = 0;
    yield* guest.sti();
    while ((this.causes & cause) === 0) yield* guest.hlt();
    yield* guest.cli();
  }
}

describe('a guest of a PC', () => {
  it.each(['pin', 'messages'] as const)(
    'drives the card from the PCI scan to DMA both ways, interrupted by %s',
    (way) => {
      const machine = Machine.create(pcWithEdu, { ram: 2 * MiB });
      const results: number[] = [];
      const program = guestProgram(function* (guest) {
        const driver = yield* EduDriver.probe(guest);
        yield* way === 'pin' ? driver.usePin(guest) : driver.useMessages(guest);
        yield* guest.store32(Bar + Register.Liveness, 0x1234_5678);
        results.push(yield* guest.load32(Bar + Register.Liveness));
        results.push(yield* driver.factorial(guest, 10));
        for (let at = 0; at < 16; at += 4) yield* guest.store32(0x1_0000 + at, 0x0101_0101 * (at + 1));
        yield* driver.transfer(guest, 0x1_0000, 0x4_0100, 16, 0b101);
        yield* driver.transfer(guest, 0x4_0104, 0x2_0000, 8, 0b111);
        results.push(yield* guest.load32(0x2_0000), yield* guest.load32(0x2_0004), yield* guest.load32(0x2_0008));
        results.push(driver.interrupts, yield* guest.load32(Bar + Register.InterruptStatus));
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
      yield* guest.store32(Bar + Register.Raise, 1);
      yield* guest.pause(1000);
      expect([driver.interrupts, edu.interruptOut.level]).toEqual([1, false]);
      const card = yield* PciFunction.find(guest, 0x1234, 0x11e8);
      yield* card.write16(guest, PciRegister.Command, PciCommand.Memory);
      yield* guest.store32(Bar + Register.Raise, 1);
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
});
