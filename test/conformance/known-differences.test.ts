import { describe, expect, it } from 'vitest';
import { pcI440fx } from '../../machines/index.ts';
import { whyNoQemu } from '../../sdk/testing/qemu-process.ts';
import { MachineSubject } from './machine-subject.ts';
import { pciConfig, pciConfigBehind } from './pci-config.ts';
import { QemuSubject } from './qemu-subject.ts';
import { rtc } from './rtc.ts';
import { type Operation, out, out8, read, read8, type Subject } from './script.ts';

const missing = whyNoQemu();
if (missing) console.log(`QEMU's side of the known differences is not checked: ${missing}`);

const date = '2024-02-28T21:43:50';

async function reads(subject: Subject, operations: readonly Operation[]): Promise<(number | undefined)[]> {
  const answers = await subject.run({ date, operations });
  return answers.map(({ value }) => value).filter((value) => value !== undefined);
}

const writeCmos = (register: number, value: number) => [out8(0x70, register), out8(0x71, value)];
const readCmos = (register: number) => [out8(0x70, register), read8(0x71)];

/** 1 January 3200, set as drivers do, then the century and the year. */
const distantYear = [
  ...writeCmos(0x0b, 0x86),
  ...[0x00, 0x02, 0x04].flatMap((register) => writeCmos(register, 0)),
  ...[0x07, 0x08].flatMap((register) => writeCmos(register, 1)),
  ...writeCmos(0x09, 0),
  ...writeCmos(0x32, 32),
  ...writeCmos(0x0b, 0x06),
  ...readCmos(0x32),
  ...readCmos(0x09),
];

describe('a year beyond 2262', () => {
  it('reads back as it was set', async () => {
    expect(await reads(new MachineSubject(rtc, pcI440fx), distantYear)).toEqual([32, 0]);
  });

  it('is 2030 for the stand-in that counts as QEMU does', async () => {
    expect(await reads(new MachineSubject(rtc), distantYear)).toEqual([20, 30]);
  });

  it.skipIf(missing)('is 2030 for QEMU', { tags: 'qemu' }, async () => {
    expect(await reads(new QemuSubject(rtc.qemu), distantYear)).toEqual([20, 30]);
  });
});

const InterruptLine = 0x8000_003c;

/** A narrow read at the address port, then word and double word writes at the reset register. */
const narrowAccesses = [
  out(0xcf8, 4, InterruptLine),
  read8(0xcf8),
  out(0xcf9, 2, 0x0002),
  read8(0xcf9),
  out(0xcf9, 2, 0x0200),
  read8(0xcf9),
  out(0xcf9, 4, 0x5800_0002),
  read8(0xcf9),
  read(0xcfc, 4),
  read(0xcf9, 4),
];
const asSilicon = [0xff, 0x02, 0x00, 0x02, 0x0000_0058, 0x58ff_ff02];
const asQemu = [0x3c, 0x00, 0x02, 0x00, 0x0000_0000, 0x0000_0000];

describe('narrow accesses from 0xcf8 to 0xcfb', () => {
  it('belong to the bus behind the bridge, byte by byte, in our pc', async () => {
    expect(await reads(new MachineSubject(pciConfigBehind), narrowAccesses)).toEqual(asSilicon);
  });

  it('show the address register and repeat the reset register in our pc with the overlay', async () => {
    expect(await reads(new MachineSubject(pciConfig), narrowAccesses)).toEqual(asQemu);
  });

  it.skipIf(missing)('show the address register and repeat the reset register in QEMU', { tags: 'qemu' }, async () => {
    expect(await reads(new QemuSubject(pciConfig.qemu), narrowAccesses)).toEqual(asQemu);
  });
});
