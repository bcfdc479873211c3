import type { BackplaneError } from '../sdk/index.ts';

/** Codes of the errors that the package's own devices throw. The type is the error's class. */
export interface PackageDeviceErrorCodes {
  /**
   * A machine sets a byte of the clock that is not in its CMOS RAM.
   * @remedy Use registers 0x0e to 0x7f; the option `date` sets the time.
   */
  'cmos-register-out-of-range': BackplaneError;
  /**
   * The PCI bus of a machine has no address space of bus masters, in which messages arrive.
   * @remedy Give the PciBus `busMasterMemory`.
   */
  'missing-bus-master-memory': BackplaneError;
  /**
   * A snapshot selects a virtqueue beyond the limit of virtio.
   * @remedy Restore a snapshot that nothing has changed since it was saved.
   */
  'queue-out-of-range': BackplaneError;
}
