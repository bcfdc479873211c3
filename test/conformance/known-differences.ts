import { eduDifferences, pcTestdevDifferences } from './cards-as-qemu.ts';
import { pcAddressPorts, q35AddressPorts } from './claimed-ports-as-qemu.ts';
import { fwCfgDifferences } from './fw-cfg-as-qemu.ts';
import { i8042Differences } from './i8042-as-qemu.ts';
import { smbusDifferences } from './ich9-smbus.ts';
import { pl022OverReset, pl061OverReset } from './interrupt-over-reset.ts';
import { isaSerialDifferences } from './isa-serial-as-qemu.ts';
import type { KnownDifference } from './known-difference.ts';
import { mchDifferences, windowDifferences } from './mch-as-qemu.ts';
import { pcPortsDifferences } from './pc-ports.ts';
import { picDifferences } from './pic-as-qemu.ts';
import { piix4PmDifferences, pmTimerDifferences } from './piix4-pm-as-qemu.ts';
import { pitDifferences, pitDifferencesOverTime } from './pit-as-qemu.ts';
import { pl011Differences } from './pl011-as-qemu.ts';
import { pl022Differences } from './pl022-as-qemu.ts';
import { pl061Differences } from './pl061-as-qemu.ts';
import { plicDifferences } from './plic-as-qemu.ts';
import { port92Differences } from './port92-as-qemu.ts';
import { pcRoutingDifferences, q35RoutingDifferences } from './routing-as-qemu.ts';
import { rtcDifferences } from './rtc-as-qemu.ts';
import { out, read } from './script.ts';
import { sp804Differences } from './sp804-as-qemu.ts';
import { ds1307Differences, eepromDifferences } from './two-wire-as-qemu.ts';
import { vgaDifferences } from './vga-as-qemu.ts';
import { badFeature } from './virtio-as-qemu.ts';
import { featuresWithoutVersion, firstInterrupt } from './virtio-modern-as-qemu.ts';
import { queueDifferences, randomBytes } from './virtio-queue-as-qemu.ts';

const AllBits = 0xffff_ffff;
const NotModelled =
  "PIIX3's IDE and PIIX4's power management are functions of QEMU's machine; ours does not model them yet.";

const selectIde = out(0xcf8, 4, 0x8000_0900);

const pciDifferences: readonly KnownDifference[] = [
  {
    register: '00:01.1 and 00:01.3, all registers',
    bits: AllBits,
    condition: 'read with the enable bit set',
    reason: NotModelled,
    hides: (register) => /^00:01\.[13] 0x[0-9a-f]+$/.test(register),
    there: { operations: [selectIde, read(0xcfc, 4)], ours: [0xffff_ffff], qemu: [0x7010_8086] },
  },
  {
    register: 'port 0xcfb',
    bits: 0xffff_ff00,
    condition: 'a wide read runs over into the data port while that is 00:01.1 or 00:01.3',
    reason: NotModelled,
    hides: (register) => /^port 0xcfb, then 00:01\.[13] /.test(register),
    there: { operations: [selectIde, read(0xcfb, 2)], ours: [0xff00], qemu: [0x8600] },
  },
  {
    register: 'port 0xcfa',
    bits: 0xffff_0000,
    condition: 'a 32-bit read runs over into the data port while that is 00:01.1 or 00:01.3',
    reason: NotModelled,
    hides: (register) => /^port 0xcfa, then 00:01\.[13] /.test(register),
    there: { operations: [selectIde, read(0xcfa, 4)], ours: [0xffff_0900], qemu: [0x8086_0900] },
  },
];

export const knownDifferences: Readonly<Record<string, readonly KnownDifference[]>> = {
  rtc: rtcDifferences,
  'isa-serial': isaSerialDifferences,
  'pci-config': pciDifferences,
  'pci-config-behind': [...pciDifferences, pcAddressPorts],
  'edu-config': [],
  edu: eduDifferences,
  'pc-testdev': pcTestdevDifferences,
  pic: picDifferences,
  pit: pitDifferences,
  'pit-over-time': pitDifferencesOverTime,
  i8042: i8042Differences,
  port92: port92Differences,
  'virtio-rng': [badFeature],
  'virtio-queue': queueDifferences,
  'virtio-modern': [featuresWithoutVersion, firstInterrupt, randomBytes],
  pciexbar: windowDifferences,
  pirq: pcRoutingDifferences,
  'q35-pirq': q35RoutingDifferences,
  sp804: sp804Differences,
  pl011: pl011Differences,
  pl022: [...pl022Differences, pl022OverReset],
  plic: plicDifferences,
  pl061: [...pl061Differences, pl061OverReset],
  'pl061-outputs': pl061Differences,
  'q35-smbus': smbusDifferences,
  ds1307: ds1307Differences,
  eeprom: eepromDifferences,
  'fw-cfg': fwCfgDifferences,
  'pc-ports': pcPortsDifferences,
  'piix4-pm': piix4PmDifferences,
  'pm-timer': pmTimerDifferences,
  'q35-config': [q35AddressPorts, ...mchDifferences],
  vga: vgaDifferences,
};
