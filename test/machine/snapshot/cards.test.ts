import { expect, it } from 'vitest';
import { Debugcon, Edu, PciTestdev, PcTestdev, VirtioRng } from '../../../devices/index.ts';
import { machines, pcI440fx } from '../../../machines/index.ts';
import { defineMachine, inDeviceEvent, MILLISECOND, MiB, use } from '../../../sdk/index.ts';
import { PciBus } from '../../../sdk/pci.ts';
import { formatSnapshot, type GuestStep, guestProgram, Machine } from '../../../sdk/runtime.ts';
import { expectRefusal } from '../../refusal.ts';

const fullPc = defineMachine({
  ...pcI440fx,
  devices: [
    ...pcI440fx.devices,
    use(Edu, { id: 'edu', addr: '05.0' }),
    use(PciTestdev, { id: 'pci-testdev', addr: '06.0' }),
    use(VirtioRng, { id: 'rng', addr: '07.0' }),
    use(PcTestdev, { id: 'testdev' }),
    use(Debugcon, { id: 'debugcon', options: { iobase: 0x402 } }),
  ],
});

const Bar = 0xfe00_0000;

/** Configures the educational card, starts a computation and a transfer, and waits for both. */
const program = guestProgram('cards', function* (guest) {
  const config = function* (register: number, value: number): GuestStep<void> {
    yield* guest.out32(0xcf8, 0x8000_0000 + (5 << 11) + register);
    yield* guest.out32(0xcfc, value);
  };
  yield* guest.store64(0x3000, 0x1122_3344_5566_7788n);
  yield* config(0x10, Bar);
  yield* config(0x04, 0x0006);
  yield* guest.out32(0xe0, 0x1234_5678);
  yield* guest.store32(Bar + 0x04, 0x0f0f_0f0f);
  yield* guest.store32(Bar + 0x08, 7);
  yield* guest.store32(Bar + 0x80, 0x3000);
  yield* guest.store32(Bar + 0x88, 0x4_0000);
  yield* guest.store32(Bar + 0x90, 8);
  yield* guest.store32(Bar + 0x98, 1);
  yield* guest.pause(200 * MILLISECOND);
  yield* guest.store32(0x2000, yield* guest.load32(Bar + 0x08));
  yield* guest.store32(Bar + 0x80, 0x4_0000);
  yield* guest.store32(Bar + 0x88, 0x5000);
  yield* guest.store32(Bar + 0x98, 3);
  yield* guest.pause(200 * MILLISECOND);
  yield* guest.store32(0x2004, yield* guest.in32(0xe0));
});

it('brings cards back in the middle of their work: BARs where they were, timers running, DMA allowed', () => {
  const undisturbed = Machine.create(fullPc, { ram: 1 * MiB });
  undisturbed.run(program);
  expect(undisturbed.memory.read(0x2000, 4)).toBe(5040);
  expect(undisturbed.memory.read(0x5000, 4)).toBe(0x5566_7788);
  for (let point = 1; point <= 25; point += 2) {
    const machine = Machine.create(fullPc, { ram: 1 * MiB });
    machine.run(program, { operationLimit: point, savable: true });
    const text = formatSnapshot(machine.save());
    const restored = Machine.restore(fullPc, JSON.parse(text), { guests: program });
    expect(formatSnapshot(restored.save())).toBe(text);
    expect(restored.service(PciBus)?.devices.map(({ id }) => id)).toEqual(
      machine.service(PciBus)?.devices.map(({ id }) => id),
    );
    restored.resume();
    machine.resume();
    expect(restored.save()).toEqual(machine.save());
    expect(restored.save().memory).toEqual(undisturbed.save().memory);
    for (const one of [machine, restored]) one.dispose();
  }
});

it('refuses the configuration of another card, byte by byte of who it is', () => {
  const text = formatSnapshot(Machine.create(fullPc, { ram: 1 * MiB }).save());
  const wrong = text.replace('3412e811', '3412e911');
  const restore = () => Machine.restore(fullPc, JSON.parse(wrong));
  expectRefusal(restore, 'state-mismatch', "device 'edu', 'config.bytes'", '1234:11e9');
});

it.each([...new Set(machines.values())].map((definition) => [definition.name, definition] as const))(
  'brings back a %s whose ports a guest has written all over',
  (_, definition) => {
    const machine = Machine.create(definition, { ram: 4 * MiB });
    for (let n = 0; n < 3000; n++) machine.io.write((n * 7919) % 0x1000, (n * 31) & 0xff, 1);
    for (let n = 0; n < 300; n++) {
      machine.io.write(0xcf8, 0x8000_0000 + ((n * 4) % 0x2000) + (n % 8) * 0x800, 4);
      machine.io.write(0xcfc, n * 77, 4);
    }
    machine.settle();
    const snapshot = machine.save();
    const restored = Machine.restore(definition, JSON.parse(JSON.stringify(snapshot)));
    expect(restored.save()).toEqual(snapshot);
    const read = (one: Machine) => Array.from({ length: 3000 }, (_, n) => one.io.read((n * 7919) % 0x1000, 1));
    expect(read(restored)).toEqual(read(machine));
  },
);

it('has a PCI interrupt high that was high, and lowers it when its card does', () => {
  const machine = Machine.create(fullPc, { ram: 1 * MiB });
  inDeviceEvent(machine.device(Edu), machine.device(Edu).raiseInterrupt, 1);
  const levels = (one: Machine) => {
    const { devices } = one.save() as unknown as { devices: { id: string; fields: { pirqLevels?: boolean[] } }[] };
    return devices.find(({ id }) => id === 'piix3')?.fields.pirqLevels;
  };
  const restored = Machine.restore(fullPc, JSON.parse(JSON.stringify(machine.save())));
  expect(levels(restored)).toEqual([true, false, false, false]);
  inDeviceEvent(restored.device(Edu), restored.device(Edu).acknowledgeInterrupt, 1);
  expect(levels(restored)).toEqual([false, false, false, false]);
});
