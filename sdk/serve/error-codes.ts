import type { BackplaneError } from '../base/errors.ts';

/**
 * Types only: `test/architecture/error-codes.test.ts` reads this file, and makes the page of codes from it.
 * Codes of the errors of devices that are served to another process. The type is the error's class.
 */
export interface ServeErrorCodes {
  /** A host or ISA bridge was to be served, and a client's machine has its own. @remedy Serve the devices behind it. */
  'bridge-not-served': BackplaneError;
  /** A guest program was given to a served device, whose guest runs in the client. @remedy Start QEMU. */
  'guest-elsewhere': BackplaneError;
  /** The device has only its pin, and without koffi no pin reaches QEMU. @remedy Install koffi, or give the class `@msi`. */
  'intx-needs-descriptors': BackplaneError;
  /** The MSI-X table is in a base address register that the device has not, at which QEMU crashes. @remedy Give it that register. */
  'msix-table-missing': BackplaneError;
  /** The device plugs into another bus than PCI. @remedy Serve a class that extends PciDevice. */
  'not-a-pci-function': BackplaneError;
  /** The file that is to be the guest's memory cannot be opened. @remedy Make it with the size of the guest's memory. */
  'ram-file': BackplaneError;
  /** The host is no Linux. @remedy Use Linux. */
  'serve-needs-linux': BackplaneError;
  /** Others may write in the folder of the socket. @remedy Use a folder of your own. */
  'socket-folder-open': BackplaneError;
}
