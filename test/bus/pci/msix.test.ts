import { beforeEach, describe, expect, it } from 'vitest';
import { loadDevice, saveDevice } from '../../../sdk/device/index.ts';
import { device, KiB, mmioRegion, portRegion } from '../../../sdk/index.ts';
import { bar, type MsixSpec, msi, msix, PciDevice, PciRegister, pci } from '../../../sdk/pci.ts';
import { deviceConformance, type TestBench, testBench } from '../../../sdk/testing/index.ts';
import { expectRefusal } from '../../refusal.ts';

const identity = { vendorId: 0x1234, deviceId: 0x5679, classCode: 0x00ff, interruptPin: 'A' } as const;
const Capability = 0x60;
const Table = 0x1000;
const Pending = 0x1800;
const Enable = 0x8000;
const FunctionMask = 0x4000;
const Receiver = 0x8000;
const registers = mmioRegion({ name: 'card', size: 16 * KiB });

abstract class Sender extends PciDevice {
  notify(vector: number): boolean {
    return this.sendMessage(vector);
  }
}

/** Four messages, their table among the registers of BAR 0. */
@device({ type: 'inside', description: 'Four messages in the BAR of its registers' })
@pci(identity)
@msix({ vectors: 4, table: { bar: 0, offset: Table }, pba: { bar: 0, offset: Pending }, offset: Capability })
@bar(0, registers)
class Inside extends Sender {
  @registers.register(0x04, { width: 32, access: 'read-only' }) notSent = 0;

  constructor() {
    super();
    this.interrupt.deriveFrom(() => this.notSent !== 0);
  }

  @registers.register(0x00, { width: 32, access: 'trigger', name: 'send' })
  send(vector: number): void {
    this.notSent = this.notify(vector & 3) ? 0 : vector;
  }
}

/** Seventy messages in a BAR of which nothing else is. */
@device({ type: 'apart', description: 'Seventy messages in a BAR of their own' })
@pci(identity)
@msi({ vectors: 1 })
@msix({ vectors: 70, table: { bar: 1, offset: 0 }, pba: { bar: 1, offset: 0x800 }, offset: Capability })
class Apart extends Sender {}

const control = (bench: TestBench<PciDevice>): number => bench.device.readConfig(Capability + 2, 2);
const setControl = (bench: TestBench<PciDevice>, value: number): void =>
  bench.device.writeConfig(Capability + 2, value, 2);

/** Gives each vector an entry, unmasked: it writes its number plus 0x100 to a word of its own. */
function setEntries(bench: TestBench<Sender>, table: number): void {
  for (let vector = 0; vector < bench.device.msix.vectors; vector++) {
    bench.store32(table + 16 * vector, Receiver + 4 * vector);
    bench.store32(table + 16 * vector + 8, 0x100 + vector);
    bench.store32(table + 16 * vector + 12, 0);
  }
}

const received = (bench: TestBench<Sender>, vector: number): number => bench.load32(Receiver + 4 * vector);
const barOf = (bench: TestBench<PciDevice>, index: number): number =>
  (bench.device.config.get(PciRegister.BaseAddress0 + 4 * index, 4) & ~0xf) >>> 0;

describe('a function with MSI-X', () => {
  let bench: TestBench<Inside>;
  let table: number;

  beforeEach(() => {
    bench = testBench(Inside);
    table = barOf(bench, 0) + Table;
  });

  it('says how many vectors it has, and where table and pending bits are', () => {
    for (let offset = 0; offset < 12; offset += 4) bench.device.writeConfig(Capability + offset, 0xffff_ffff, 4);
    const words = [0, 4, 8].map((offset) => bench.device.readConfig(Capability + offset, 4));
    expect(words).toEqual([0xc003_0011, Table, Pending]);
  });

  it('has every vector masked after a reset, with address and data 0', () => {
    expect([0, 4, 8, 12].map((word) => bench.load32(table + 16 + word))).toEqual([0, 0, 0, 1]);
    expect(control(bench)).toBe(3);
  });

  it('writes the data of the entry to its address', () => {
    setEntries(bench, table);
    setControl(bench, Enable);
    expect(bench.device.notify(2)).toBe(true);
    expect([received(bench, 1), received(bench, 2)]).toEqual([0, 0x102]);
  });

  it('uses the pin, and sends nothing, until the guest enables MSI-X', () => {
    setEntries(bench, table);
    bench.store32(barOf(bench, 0), 1);
    expect([bench.device.notify(0), bench.interrupts.interruptOut.level]).toEqual([false, true]);
    setControl(bench, Enable);
    expect([received(bench, 0), bench.interrupts.interruptOut.level]).toEqual([0, false]);
  });

  it('keeps a masked vector pending, and sends it once when it is unmasked', () => {
    setEntries(bench, table);
    setControl(bench, Enable);
    bench.store32(table + 16 * 3 + 12, 1);
    for (let time = 0; time < 3; time++) bench.device.notify(3);
    expect([received(bench, 3), bench.load32(table + Pending - Table)]).toEqual([0, 8]);
    bench.store32(table + 16 * 3 + 12, 0);
    expect([received(bench, 3), bench.load32(table + Pending - Table)]).toEqual([0x103, 0]);
    bench.store32(Receiver + 12, 0);
    bench.store32(table + 16 * 3 + 12, 0);
    expect(received(bench, 3)).toBe(0);
  });

  it('sends with the address and the data that the entry has at that moment', () => {
    setEntries(bench, table);
    setControl(bench, Enable | FunctionMask);
    bench.device.notify(0);
    bench.store32(table + 8, 0x7777_8888);
    setControl(bench, Enable);
    expect(received(bench, 0)).toBe(0x7777_8888);
  });

  it('masks all vectors by the function mask; those that their entry masks too stay pending after it', () => {
    setEntries(bench, table);
    setControl(bench, Enable | FunctionMask);
    bench.store32(table + 16 + 12, 1);
    bench.device.notify(0);
    bench.device.notify(1);
    expect([received(bench, 0), received(bench, 1)]).toEqual([0, 0]);
    setControl(bench, Enable);
    expect([received(bench, 0), received(bench, 1)]).toEqual([0x100, 0]);
    expect(bench.load32(table + Pending - Table)).toBe(2);
  });

  it('is no longer pending, masked or enabled after a reset', () => {
    setEntries(bench, table);
    setControl(bench, Enable | FunctionMask);
    bench.device.notify(1);
    bench.reset();
    expect([control(bench), bench.load32(table + 8), bench.load32(table + 12)]).toEqual([3, 0, 1]);
    expect(bench.load32(table + Pending - Table)).toBe(0);
  });

  it('takes words and double words only, and keeps the reserved bits of the vector control 0', () => {
    bench.store8(table, 0x55);
    bench.store16(table, 0x5555);
    expect(bench.load32(table)).toBe(0);
    bench.store32(table + 12, 0xffff_fffe);
    expect(bench.load32(table + 12)).toBe(0);
  });

  it('leaves the registers beside the table alone', () => {
    setEntries(bench, table);
    setControl(bench, Enable);
    bench.store32(barOf(bench, 0), 1);
    expect(received(bench, 1)).toBe(0x101);
  });

  it('is told of a vector that it does not declare', () => {
    expect(bench.device.notify(4)).toBe(false);
    setControl(bench, Enable);
    expectRefusal(() => bench.device.notify(4), 'unknown-msix-vector', 'vector 4', 'declares 4');
  });

  it('sends nothing while the guest does not let it be a bus master', () => {
    setEntries(bench, table);
    setControl(bench, Enable);
    const seen: number[] = [];
    bench.device.msi.observer = (_address, _data, vector) => seen.push(vector);
    bench.device.writeConfig(PciRegister.Command, 2, 2);
    expect([bench.device.notify(0), received(bench, 0), seen]).toEqual([true, 0, []]);
    bench.device.writeConfig(PciRegister.Command, 6, 2);
    expect([bench.device.notify(2), received(bench, 2), seen]).toEqual([true, 0x102, [2]]);
  });
});

describe('table and pending bits in a BAR of their own', () => {
  it('come at the first BAR from 4 KiB on that holds them', () => {
    const bench = testBench(Apart);
    expect(bench.device.bars.all.map(({ index, size }) => [index, size])).toEqual([[1, 4 * KiB]]);
    setEntries(bench, barOf(bench, 1));
    setControl(bench, Enable | FunctionMask);
    bench.device.notify(69);
    expect(bench.load32(barOf(bench, 1) + 0x808)).toBe(1 << 5);
    setControl(bench, Enable);
    expect(received(bench, 69)).toBe(0x100 + 69);
  });

  it('take precedence over MSI', () => {
    const bench = testBench(Apart);
    const msiAt = bench.device.capabilityOffset(0x05) as number;
    bench.device.writeConfig(msiAt + 4, Receiver + 0x400, 4);
    bench.device.writeConfig(msiAt + 12, 0x55, 2);
    bench.device.writeConfig(msiAt + 2, 1, 2);
    setEntries(bench, barOf(bench, 1));
    setControl(bench, Enable);
    bench.device.notify(0);
    expect([received(bench, 0), bench.load32(Receiver + 0x400)]).toEqual([0x100, 0]);
    setControl(bench, 0);
    bench.device.notify(0);
    expect(bench.load32(Receiver + 0x400)).toBe(0x55);
  });
});

describe('an owner of the vectors', () => {
  it('is asked in place of the table, and what it refuses stays pending until it lets it go', () => {
    const bench = testBench(Inside);
    const asked: number[] = [];
    let open = false;
    bench.device.msix.owner = { send: (vector) => asked.push(vector) > 0 && open };
    expect(bench.device.notify(1)).toBe(false);
    setControl(bench, Enable);
    bench.device.notify(1);
    bench.device.notify(1);
    expect([asked, bench.device.msix.isPending(1)]).toEqual([[1, 1], true]);
    open = true;
    bench.device.msix.release(0);
    bench.device.msix.release(1);
    bench.device.msix.release(1);
    expect([asked, bench.device.msix.isPending(1)]).toEqual([[1, 1, 1], false]);
  });
});

describe('a declaration of MSI-X', () => {
  const place = { vectors: 4, table: { bar: 1, offset: 0 }, pba: { bar: 1, offset: 0x800 } };
  const declare =
    (changes: object, more: (deviceClass: typeof Odd) => void = () => {}) =>
    () => {
      class Odd extends Sender {}
      more(Odd as never);
      msix({ ...place, ...changes } as MsixSpec)(Odd);
      pci(identity)(Odd);
      device({ type: 'odd', description: 'Refused' })(Odd as never);
    };
  class Odd extends Sender {}

  it.each([0, 2049, 1.5, Number.NaN])('is refused with %s vectors', (vectors) => {
    expectRefusal(declare({ vectors }), 'invalid-msix-vectors', 'Class Odd', `${vectors}`);
  });

  it('is refused where no structure can be', () => {
    expectRefusal(declare({ table: { bar: 6, offset: 0 } }), 'unknown-bar', 'BAR 6');
    expectRefusal(declare({ pba: { bar: 1, offset: 0x804 } }), 'msix-misplaced', '0x804');
    expectRefusal(declare({ pba: { bar: 1, offset: 0x38 } }), 'msix-misplaced', 'over each other');
  });

  it('is refused where the class has ports, a register, or too little', () => {
    const ports = portRegion({ name: 'ports', size: 0x1000 });
    expectRefusal(declare({}, bar(1, ports)), 'msix-misplaced', "region 'ports'", 'it has ports');
    const small = mmioRegion({ name: 'small', size: 0x800 });
    expectRefusal(declare({}, bar(1, small)), 'msix-misplaced', "region 'small'", '0x808');
    const taken = mmioRegion({ name: 'taken', size: 0x1000 });
    const withRegister = (deviceClass: typeof Odd) => {
      taken.register(0x20, { width: 32 })(deviceClass.prototype as never, 'control');
      bar(1, taken)(deviceClass);
    };
    expectRefusal(declare({}, withRegister), 'msix-misplaced', "region 'taken'", '0x20');
    const wide = mmioRegion({ name: 'wide', size: 0x1000 });
    expectRefusal(declare({}, bar(0, wide, { is64Bit: true })), 'bar-register-taken', 'wide');
  });

  it('is refused twice, and with an unknown word', () => {
    expectRefusal(declare({}, msix(place)), 'capability-twice', '0x11');
    expectRefusal(declare({ vector: 4 }), 'unknown-word', "'vector'");
  });
});

/** Where the bench puts BAR 0. */
const Registers = 0xe000_0000;
const store = (address: number, value: number) =>
  ({ kind: 'write', space: 'memory', address, size: 4, value }) as const;
const writeControl = (value: number) => ({ kind: 'config-write', offset: Capability + 2, size: 2, value }) as const;

deviceConformance(Inside, {
  ...{ describe, it, runs: 4, lint: 'fail' },
  values: [Receiver],
  idioms: (random) => [
    store(Registers + Table, Receiver),
    store(Registers + Table + 12, random.below(2)),
    writeControl(random.pick([Enable, Enable | FunctionMask, 0])),
    store(Registers, random.below(2)),
    store(Registers + Table + 12, 0),
  ],
});

describe('MSI-X in a snapshot', () => {
  it('keeps entries, masks and what is pending', () => {
    const [from, to] = [testBench(Inside), testBench(Inside)];
    setEntries(from, Registers + Table);
    setControl(from, Enable | FunctionMask);
    from.device.notify(3);
    loadDevice(to.device, JSON.parse(JSON.stringify(saveDevice(from.device))));
    setControl(to, Enable);
    expect([received(to, 2), received(to, 3)]).toEqual([0, 0x103]);
  });

  it.each([
    ['pendingBits', [0x10, 0], 'pending of which there are none'],
    ['entries', Array.from({ length: 16 }, (_, word) => (word === 7 ? 2 : 0)), 'control of MSI-X vector 1'],
  ])('is refused with %s to which no guest brings it', (member, words, why) => {
    const { device } = testBench(Inside);
    const saved = JSON.parse(JSON.stringify(saveDevice(device)));
    saved.fields.msix.vectors[member] = words;
    expect(() => loadDevice(device, saved)).toThrow(why);
  });
});
