import type { BackplaneError } from '../base/errors.ts';

/**
 * Types only: `test/architecture/error-codes.test.ts` reads this file, and makes the page of codes from it.
 * Codes of the errors of the bus room. The type is the error's class.
 */
export interface BusErrorCodes {
  /** One region is declared as two base address registers. @remedy Keep one of them. */
  'bar-region-twice': BackplaneError;
  /** Two base address registers need one register of the configuration; a 64-bit one needs two. @remedy Give one of them another index. */
  'bar-register-taken': BackplaneError;
  /** The region of a base address register has a base of its own, and the guest places it. @remedy Leave out the region's base. */
  'bar-with-base': BackplaneError;
  /**
   * A capability does not fit where it is declared: outside the list's area, unaligned, or over another.
   * @remedy Move it, shorten it, or leave out its offset.
   */
  'capability-misplaced': BackplaneError;
  /** A class has two capabilities of one number. @remedy Keep one of them. */
  'capability-twice': BackplaneError;
  /**
   * The capabilities of a function need more bytes than its configuration space has.
   * @remedy Shorten one of them, or leave out offsets that tear holes.
   */
  'configuration-space-full': BackplaneError;
  /**
   * A snapshot says two things of one line or field that cannot both be.
   * @remedy Restore a snapshot that nothing has changed since it was saved.
   */
  'contradicting-state': BackplaneError;
  /** A device makes two eventfds of one name, by which a snapshot knows them. @remedy Give one of them another name. */
  'eventfd-name-taken': BackplaneError;
  /** A function has two expansion ROMs. @remedy Keep one of them. */
  'expansion-rom-twice': BackplaneError;
  /** A function's slot has a function 0 without the multifunction bit. @remedy Give it a slot of its own, or set that bit. */
  'hidden-pci-function': BackplaneError;
  /** Two targets would answer to one address of an I2C bus. @remedy Give one of them another `addr`. */
  'i2c-address-taken': BackplaneError;
  /** A chip with registers behind a pointer has none, or two banks of them. @remedy Declare its registers on one value of `i2cRegisters()`. */
  'i2c-register-banks': BackplaneError;
  /** A chip has more bytes than its pointer and its address on the bus reach. @remedy Give the pointer more bytes. */
  'i2c-pointer-too-short': BackplaneError;
  /** A function has no vendor, device or class, by which drivers know it. @remedy Give `@pci` all three. */
  'incomplete-pci-identity': BackplaneError;
  /** Ports are declared 64-bit or prefetchable, which ports cannot be. @remedy Leave the word out, or use `mmioRegion`. */
  'invalid-bar-kind': BackplaneError;
  /**
   * The size of a base address register is no power of two, too small, or too large for its kind.
   * @remedy Give the region the size that the message names, or make the register 64-bit.
   */
  'invalid-bar-size': BackplaneError;
  /**
   * A capability's number or its contents are no bytes, or its masks do not fit its contents.
   * @remedy Give bytes, and a mask for each byte that the guest may write.
   */
  'invalid-capability': BackplaneError;
  /**
   * An expansion ROM is no power of two from 2 KiB to 16 MiB, or smaller than its image.
   * @remedy Give it the next power of two.
   */
  'invalid-expansion-rom': BackplaneError;
  /** A target is plugged at an address that an I2C bus has not, or reserves. @remedy Use 0x08 to 0x77, or `10bit:0x000` to `10bit:0x3ff`. */
  'invalid-i2c-address': BackplaneError;
  /** The number of messages of a function is not 1, 2, 4, 8, 16 or 32. @remedy Give `@msi` one of these. */
  'invalid-msi-vectors': BackplaneError;
  /** A table of MSI-X has fewer vectors than 1, or more than 2048. @remedy Give `@msix` so many. */
  'invalid-msix-vectors': BackplaneError;
  /**
   * A declaration of a virtio device has a type, a queue, a feature or a configuration that cannot be.
   * @remedy Give it what the message names.
   */
  'invalid-virtio-device': BackplaneError;
  /** A function is plugged at an address that no bus has. @remedy Use slots 00 to 1f and functions 0 to 7. */
  'invalid-pci-address': BackplaneError;
  /**
   * A word of a function's identity has a value that its register cannot hold.
   * @remedy Give a number of the width that the message names; a pin is A, B, C or D.
   */
  'invalid-pci-identity': BackplaneError;
  /** A chip is plugged at a chip select that its SPI bus does not have. @remedy Use one from 0 on that the message names. */
  'invalid-spi-select': BackplaneError;
  /** An SPI bus is made with no chip select, or too many. @remedy Give it 1 to 16. */
  'invalid-spi-selects': BackplaneError;
  /** A class extends VirtioPciDevice and has no `@virtio`. @remedy Add `@virtio({ deviceType, queues })`. */
  'missing-virtio-declaration': BackplaneError;
  /** A class extends PciDevice and has no `@pci`. @remedy Add `@pci({ vendorId, deviceId, classCode })`. */
  'missing-pci-identity': BackplaneError;
  /**
   * The table of MSI-X or its pending bits cannot be where `@msix` has them: unaligned, among ports, outside their BAR, or over
   * something else.
   * @remedy Move them, or name a base address register that the class does not declare.
   */
  'msix-misplaced': BackplaneError;
  /** A function is plugged where another one is. @remedy Give one of them another `addr`. */
  'pci-address-taken': BackplaneError;
  /** All 32 slots of a PCI bus have a device. @remedy Plug the device in as a further function of a slot, by its `addr`. */
  'pci-bus-full': BackplaneError;
  /** A function is plugged into its bus a second time. @remedy Plug it in once. */
  'pci-function-plugged-twice': BackplaneError;
  /**
   * A snapshot selects a virtqueue beyond the limit of virtio, or has one of a size or an MSI-X vector that cannot be.
   * @remedy Restore a snapshot that nothing has changed since it was saved.
   */
  'queue-out-of-range': BackplaneError;
  /**
   * A class declares a register in the header of its PCI configuration space, which the bus answers for.
   * @remedy Say it with `@pci`, `@bar` or `@expansionRom`, or give the register an offset from 0x40 on.
   */
  'register-in-pci-header': BackplaneError;
  /** A chip with registers behind a command has none, or two banks of them. @remedy Declare its registers on one value of `spiRegisters()`. */
  'spi-register-banks': BackplaneError;
  /** Two chips are plugged at one chip select. @remedy Give one of them another `addr`. */
  'spi-select-taken': BackplaneError;
  /** A device makes more eventfds than a device may have. @remedy Make each once, keep its number, and take it on and off a region. */
  'too-many-eventfds': BackplaneError;
  /** A base address register has an index that no function has. @remedy Use 0 to 5; a 64-bit one 0 to 4. */
  'unknown-bar': BackplaneError;
  /** An interrupt line is named that the ISA bus does not have. @remedy Use IRQ 0 to 15. */
  'unknown-interrupt-line': BackplaneError;
  /** A message is sent that `@msi` does not declare. @remedy Raise the number of vectors, or send another. */
  'unknown-msi-vector': BackplaneError;
  /** A message is sent that `@msix` does not declare. @remedy Raise the number of vectors, or send another. */
  'unknown-msix-vector': BackplaneError;
  /** A class has a decorator of another bus than its own. @remedy Let the class extend the device class of that bus. */
  'wrong-bus': BackplaneError;
}
