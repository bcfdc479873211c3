import type { BackplaneError } from '../sdk/index.ts';

/** Codes of the errors that the package's own devices throw. The type is the error's class. */
export interface PackageDeviceErrorCodes {
  /**
   * A machine sets a byte of the clock that is not in its CMOS RAM.
   * @remedy Use registers 0x0e to 0x7f; the option `date` sets the time.
   */
  'cmos-register-out-of-range': BackplaneError;
  /**
   * A machine adds an item or a file to its firmware configuration device that cannot be there.
   * @remedy Use the keys and names that the message names, each once.
   */
  'fw-cfg-refused': BackplaneError;
  /**
   * The image of a memory chip has changed since the snapshot was saved.
   * @remedy Restore the file of the image together with the snapshot.
   */
  'image-differs': BackplaneError;
  /**
   * The image of a memory chip has another size than the chip.
   * @remedy Make a file of the size that the message names.
   */
  'image-of-wrong-size': BackplaneError;
  /**
   * The image of a memory chip cannot be read when the machine is made.
   * @remedy Check the file and its disk.
   */
  'image-unreadable': BackplaneError;
  /**
   * The PCI bus of a machine has no address space of bus masters, in which messages arrive.
   * @remedy Give the PciBus `busMasterMemory`.
   */
  'missing-bus-master-memory': BackplaneError;
}
