export { Debugcon, type debugconOptions } from './debugcon.ts';
export { Ds1307, type ds1307Options } from './ds1307.ts';
export { Edu, type eduOptions } from './edu.ts';
export { Eeprom, type eepromOptions } from './eeprom.ts';
export { FwCfg, fwCfgDmaPorts, fwCfgPorts } from './fw-cfg.ts';
export { I440fx } from './i440fx.ts';
export { I440fxPciHostOverlaid } from './i440fx-pci-host/overlaid.ts';
export { I440fxPciHost } from './i440fx-pci-host.ts';
export type { Keyboard, KeyboardLine } from './i8042/keyboard.ts';
export type { OutputBuffer } from './i8042/output-buffer.ts';
export type { LinkHost, SerialLink } from './i8042/serial-link.ts';
export { I8042, type i8042Options } from './i8042.ts';
export { I8254, type i8254Options } from './i8254.ts';
export { I8259, type i8259Options } from './i8259.ts';
export { Ich9Lpc } from './ich9-lpc.ts';
export type { BlockRegisters } from './ich9-smbus/block-transfer.ts';
export { Ich9Smbus, type ich9SmbusOptions } from './ich9-smbus.ts';
export { IsaDebugExit, type isaDebugExitOptions } from './isa-debug-exit.ts';
export { Mc146818Rtc, type rtcOptions } from './mc146818-rtc.ts';
export { MmioConsole, mmioConsoleRegisters } from './mmio-console.ts';
export { MsiWindow } from './msi-window.ts';
export type { Ns16550aModem } from './ns16550a/modem.ts';
export type { ns16550aOptions } from './ns16550a/uart.ts';
export {
  IsaSerial,
  type isaSerialOptions,
  type Ns16550a,
  SerialMm,
  serialMemory,
  type serialMmOptions,
  serialPorts,
} from './ns16550a.ts';
export { OpencoresI2c, type opencoresI2cOptions, opencoresI2cRegisters } from './opencores-i2c.ts';
export { IsaParallel, type isaParallelOptions, parallelPorts } from './parallel.ts';
export type { Fifo } from './parts/fifo.ts';
export type { SerialLine } from './parts/serial-line.ts';
export type { SerialReceiver } from './parts/serial-receiver.ts';
export type { SerialTransmitter } from './parts/serial-transmitter.ts';
export { PcTestdev } from './pc-testdev.ts';
export { PciTestdev, type pciTestdevOptions } from './pci-testdev.ts';
export { Piix3 } from './piix3.ts';
export { Piix4Pm, type piix4PmOptions } from './piix4-pm.ts';
export type { Pl011ControlBit, Pl011Modem } from './pl011/modem.ts';
export { Pl011, type pl011Options, pl011Registers } from './pl011.ts';
export { Pl022, type pl022Options, pl022Registers } from './pl022.ts';
export { Pl061, pl061Registers } from './pl061.ts';
export { Plic, type plicOptions, plicRegisters } from './plic.ts';
export { Port92 } from './port92.ts';
export { PostPort } from './post-port.ts';
export { Pvpanic, type pvpanicOptions } from './pvpanic.ts';
export { Q35Mch } from './q35-mch.ts';
export { Q35PciHost } from './q35-pci-host.ts';
export { Sbcon, sbconRegisters } from './sbcon.ts';
export { Sp804, type Sp804Timer, type sp804Options, sp804Registers } from './sp804.ts';
export { SpiFlash, type spiFlashOptions } from './spi-flash.ts';
export type { VgaPorts } from './vga/ports.ts';
export { Vga, type vgaOptions } from './vga.ts';
export { VgaText } from './vga-text.ts';
export { VirtioBlk, type virtioBlkOptions } from './virtio-blk.ts';
export { VirtioConsole, type virtioConsoleOptions } from './virtio-console.ts';
export { VirtioRng, type virtioRngOptions } from './virtio-rng.ts';
