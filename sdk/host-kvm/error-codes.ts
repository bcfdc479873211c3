import type { BackplaneError } from '../base/errors.ts';

/**
 * Types only: `test/architecture/error-codes.test.ts` reads this file, and makes the page of codes from it.
 * Codes of the errors of the host's KVM. The type is the error's class.
 */
export interface HostKvmErrorCodes {
  /** The host's processor does not enter a guest in this state. @remedy Try another mode, or use `-accel kvm-sim`. */
  'entry-refused': BackplaneError;
  /**
   * A guest program in TypeScript was given to the host's processor.
   * @remedy Use `-accel kvm-sim`, or give a flat binary or a recording.
   */
  'guest-not-machine-code': BackplaneError;
  /**
   * An instruction accesses a device, and KVM's emulator does not have it; or code is in a device's memory.
   * @remedy Access devices by plain loads, stores and strings.
   */
  'instruction-not-emulated': BackplaneError;
  /** A workload is to be done not at all, or too often to be counted. @remedy Give a whole number from 1 to 65535. */
  'invalid-workload': BackplaneError;
  /** `/dev/kvm`, or the virtualization of the host's processor, is in use by something else. @remedy Stop that, or use `-accel kvm-sim`. */
  'kvm-busy': BackplaneError;
  /** The user may not open `/dev/kvm`. @remedy Join the group that owns it, or use `-accel kvm-sim`. */
  'kvm-forbidden': BackplaneError;
  /** The host is no Linux on x64. @remedy Use `-accel kvm-sim`. */
  'kvm-needs-linux': BackplaneError;
  /** A worker thread was to run a guest: signals that interrupt it reach the main thread. @remedy Use the main thread, or a process. */
  'kvm-needs-main-thread': BackplaneError;
  /** The host has no memory for the RAM of a guest. @remedy Give the machine less RAM. */
  'no-guest-memory': BackplaneError;
  /** There is no `/dev/kvm`. @remedy Load the module of the host's processor, or use `-accel kvm-sim`. */
  'no-kvm': BackplaneError;
  /** The machine's first 4 GiB are full, and the code of a guest has no place. @remedy Give the machine less RAM. */
  'no-place-for-code': BackplaneError;
  /** KVM brings no access to RAM or ROM, and a recorded address is one of the machine's. @remedy Use another machine, or `-accel kvm-sim`. */
  'recorded-address-is-ram': BackplaneError;
  /** A recording and another guest were given to one machine. @remedy Give the recording alone. */
  'recording-not-alone': BackplaneError;
  /** A recording has what 32-bit machine code cannot do: strings, interrupts, addresses beyond 4 GiB, accesses across a page. @remedy Use `-accel kvm-sim`. */
  'recording-not-compilable': BackplaneError;
  /** KVM brought another access than the next one of the recording. @remedy Report it, with the recording. */
  'replay-differs': BackplaneError;
}
