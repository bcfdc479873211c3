import type { Chip } from './chip.ts';
import { edu } from './edu.ts';
import { fwCfg } from './fw-cfg.ts';
import { i8042 } from './i8042.ts';
import { ich9Smbus } from './ich9-smbus.ts';
import { isaSerial } from './isa-serial.ts';
import { pcPorts } from './pc-ports.ts';
import { pciCards } from './pci-cards.ts';
import { pciConfig, pciConfigBehind } from './pci-config.ts';
import { pciexbar } from './pciexbar.ts';
import { pic } from './pic.ts';
import { piix4Pm } from './piix4-pm.ts';
import { pit } from './pit.ts';
import { pitOverTime } from './pit-over-time.ts';
import { pl011 } from './pl011.ts';
import { pl022 } from './pl022.ts';
import { pl061, pl061Outputs } from './pl061.ts';
import { plic } from './plic.ts';
import { pmTimer } from './pm-timer.ts';
import { port92 } from './port92.ts';
import { q35Config } from './q35.ts';
import { pcRouting, q35Routing } from './routing.ts';
import { rtc } from './rtc.ts';
import { sp804 } from './sp804.ts';
import { pciTestdev, pcTestdev } from './testdevs.ts';
import { ds1307, eeprom } from './two-wire.ts';
import { vga } from './vga.ts';
import { virtioModern } from './virtio-modern.ts';
import { virtioQueue } from './virtio-queue.ts';
import { virtioRng } from './virtio-rng.ts';

export const chips: readonly Chip[] = [
  rtc,
  isaSerial,
  pciConfig,
  pciConfigBehind,
  pciCards,
  pic,
  pit,
  pitOverTime,
  i8042,
  port92,
  edu,
  pciTestdev,
  pcTestdev,
  virtioRng,
  virtioQueue,
  virtioModern,
  pcRouting,
  q35Config,
  pciexbar,
  q35Routing,
  sp804,
  pl061,
  pl061Outputs,
  plic,
  pl011,
  pl022,
  ich9Smbus,
  ds1307,
  eeprom,
  fwCfg,
  pcPorts,
  vga,
  piix4Pm,
  pmTimer,
];
