import { FwCfg } from '../../devices/index.ts';
import { fillCmos, pcI440fx } from '../../machines/index.ts';
import { fillFwCfg } from '../../machines/pc-fw-cfg.ts';
import { defineMachine, MiB, use } from '../../sdk/index.ts';
import type { Random } from '../../sdk/testing/random.ts';
import type { Chip } from './chip.ts';
import {
  load,
  type Operation,
  out,
  out8,
  portOrPlace,
  RamMebibytes,
  read,
  read8,
  start,
  store,
  type Width,
} from './script.ts';

const Port = { Selector: 0x510, Data: 0x511, DmaHigh: 0x514, DmaLow: 0x518 } as const;
const Control = { Read: 2, Skip: 4, Select: 8, Write: 16 } as const;
/** Keys with something behind them: items, the directory, files. */
const keys = [0x00, 0x01, 0x03, 0x05, 0x0f, 0x19, 0x20, 0x21, 0x22, 0x23, 0x24, 0x25, 0x26, 0x8002, 0x8004] as const;
const Descriptors = 0x10_0000;
const Targets = 0x20_0000;
const EndOfRam = RamMebibytes * MiB;
const TurnBytes = 0x1_0000;
const SomeText = 'how many roads';
/** What QEMU's machine tells of its HPET, and ours does not have: count, id, address. */
const Hpet = [1, 0x01, 0xa2, 0x86, 0x80, 0x00, 0x00, 0xd0, 0xfe];

type Add = (...operations: Operation[]) => void;

const bigEndian = (value: number): number => new DataView(Uint32Array.of(value).buffer).getUint32(0);

/** As any driver, or with the write channel's bit, or a key behind which nothing is. */
function selectKey(random: Random): number {
  const key = random.pick(keys);
  if (random.oneIn(8)) return random.pick([0x02, 0x27, 0x3f, 0x40, 0x3fff, 0x8005, 0xffff, random.bits() & 0xffff]);
  return random.oneIn(8) ? key | 0x4000 : key;
}

function readItem(random: Random, add: Add): void {
  add(out(Port.Selector, 2, selectKey(random)));
  for (let left = random.below(random.oneIn(6) ? 80 : 10); left > 0; left--)
    add(read8(random.pick([Port.Data, Port.Data, Port.Selector])));
}

function descriptor(at: number, control: number, length: number, address: number, high = 0): Operation[] {
  return [control, length, high, address].map((word, index) => store(at + 4 * index, 4, bigEndian(word)));
}

/** A transfer, its control field and what it has copied; now and then to where nothing is, or over the end of RAM. */
function transfer(random: Random, add: Add): void {
  const at = random.oneIn(20) ? EndOfRam - random.below(32) : Descriptors + random.below(0x1000);
  const command = random.pick([
    Control.Read,
    Control.Read,
    Control.Read,
    Control.Skip,
    Control.Write,
    random.below(32),
  ]);
  const control = (selectKey(random) << 16) | command | (random.oneIn(2) ? Control.Select : 0);
  const length = random.pick([0, 1, 4, random.below(0x40), random.below(0x1000), random.oneIn(8) ? 8 * TurnBytes : 8]);
  const place = random.pick([Targets, Targets, at, EndOfRam - 0x80, EndOfRam, 0xe000_0000]) + random.below(0x40);
  add(...descriptor(at, control >>> 0, length, place, random.oneIn(20) ? 1 : 0));
  if (random.oneIn(10)) add(out(Port.DmaHigh, 4, random.oneIn(3) ? bigEndian(random.below(3)) : 0));
  const launch = length > TurnBytes ? start : out;
  add(
    launch(Port.DmaLow, 4, bigEndian(at)),
    load(at, 4),
    load((place & ~3) >>> 0, 4),
    load(((place + length) & ~3) >>> 0, 4),
    read8(Port.Data),
  );
}

function oddAccess(random: Random, add: Add): void {
  const size = random.pick<Width>([1, 2, 4]);
  // What begins below 0x510 and ends in it, or begins in it and runs over its end, comes apart.
  const port = 0x50d + random.below(0x12);
  const startsTransfer = port + size > Port.DmaLow;
  add(random.oneIn(2) || startsTransfer ? read(port, size) : out(port, size, random.bits()), read8(Port.Data));
}

const fwCfgPc = defineMachine({
  ...pcI440fx,
  devices: [...pcI440fx.devices, use(FwCfg)],
  prepare(machine) {
    fillCmos(machine);
    const fwCfg = machine.device(FwCfg);
    fillFwCfg(machine, {
      product: 'Standard PC (i440FX + PIIX, 1996)',
      version: 'pc-i440fx-7.2',
      processorId: [0x0673, 0x0383_f9fd],
    });
    fwCfg.addItem(0x8004, Uint8Array.from([...Hpet, ...new Array(112).fill(0)]));
    fwCfg.addFile('bios-geometry', new Uint8Array(0));
    fwCfg.addFile('opt/text', new TextEncoder().encode(SomeText));
  },
});

/** QEMU without ACPI has the items and files that ours has; the files are compared byte by byte, the SMBIOS tables among them. */
export const fwCfg: Chip = {
  name: 'fw-cfg',
  title: 'fw_cfg: items and files by the ports and by DMA',
  dates: ['2024-02-28T21:43:50'],
  machineOptions: {},
  machine: fwCfgPc,
  qemu: {
    machine: 'pc-i440fx-7.2',
    arguments: ['-no-acpi', '-cpu', 'pentium3,-apic', '-fw_cfg', `name=opt/text,string=${SomeText}`],
  },
  registerNames: () => portOrPlace,
  act(random, add) {
    random.weighted([
      [20, () => readItem(random, add)],
      [20, () => transfer(random, add)],
      [5, () => oddAccess(random, add)],
      [2, () => add(out8(random.pick([Port.Selector, Port.Data]), random.byte()), read8(Port.Data))],
      [2, () => add(read(random.pick([Port.DmaHigh, Port.DmaLow]), 4))],
      [1, () => add({ kind: 'reset' }, read8(Port.Data))],
    ]);
  },
};
