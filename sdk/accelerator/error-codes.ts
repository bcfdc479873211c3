import type { BackplaneError } from '../base/errors.ts';
import type { ProgressError } from './guest/logged-guest.ts';
import type { TripleFault } from './guest/operation.ts';

/**
 * Types only: `test/architecture/error-codes.test.ts` reads this file, and makes the page of codes from it.
 * Codes of the errors that the accelerator room throws. The type is the error's class.
 */
export interface AcceleratorErrorCodes {
  /** An accelerator was attached to a second machine. @remedy Make one accelerator for each machine. */
  'accelerator-in-use': BackplaneError;
  /** An accelerator that is attached to no machine was asked to run or to reset it. @remedy Call `attach(host)` first. */
  'accelerator-without-machine': BackplaneError;
  /** KVM came back again and again before one instruction had ended. @remedy Report it: no instruction has that many parts. */
  'endless-instruction': BackplaneError;
  /**
   * A restored program or recording did not do what the saved one had done.
   * @remedy Restore with the guest that was saved; it must depend on nothing but what it reads.
   */
  'guest-differs': ProgressError;
  /**
   * A guest, or an accelerator, has nothing that a snapshot could bring it back from.
   * @remedy Run a program with `savable: true`, save it when it has ended, or write the guest as a program.
   */
  'guest-not-savable': BackplaneError;
  /**
   * A flat binary is an ELF file, empty, or beyond what its mode reaches.
   * @remedy Give code without a header, another address or another mode.
   */
  'invalid-flat-binary': BackplaneError;
  /** A guest program threw an error of its own. @remedy Look at the error's `cause`, and mend the program. */
  'guest-program-threw': BackplaneError;
  /** The log of a guest program has grown beyond its limits. @remedy Save earlier. */
  'guest-too-long-to-save': BackplaneError;
  /**
   * A coalesced range covers a register that resets the machine, and no timer bounds the wait in the ring.
   * @remedy Use `drain=every-exit`, turn that coalescing off, or map the register so that it splits the range.
   */
  'hidden-reset': BackplaneError;
  /** Interrupt handlers of a guest program nested until its stack was full. @remedy End the interrupt at its source before `sti`. */
  'interrupt-nesting': TripleFault;
  /**
   * An option of an accelerator, or of the simulated kernel, has a value outside its range.
   * @remedy Give one of the values that the message names.
   */
  'invalid-accelerator-option': BackplaneError;
  /** The body of a guest program is no generator function. @remedy Write `function* (guest) { ... }`. */
  'invalid-guest-program': BackplaneError;
  /**
   * The simulated kernel was called with a file descriptor or a page that does not exist.
   * @remedy Use what KVM_CREATE_VCPU answered, and pages below the size that KVM_GET_VCPU_MMAP_SIZE answers.
   */
  'invalid-kernel-call': BackplaneError;
  /**
   * A guest program asked for an operation that no processor has: a width, an address or a value out of range.
   * @remedy Give what the message says.
   */
  'invalid-operation': BackplaneError;
  /** A limit of a run is no whole number in its range. @remedy Give a whole number, or `Infinity`. */
  'invalid-run-option': BackplaneError;
  /** A tap has no range of ports or memory. @remedy Give `space`, `start` and `size`. */
  'invalid-tap': BackplaneError;
  /** An interrupt vector is not 0 to 255. @remedy Give the vector that the interrupt controller delivers. */
  'invalid-vector': BackplaneError;
  /**
   * A call of the KVM interface failed.
   * @remedy Look up the errno of the message; a process may need more file descriptors, or the permission for /dev/kvm.
   */
  'kvm-failure': BackplaneError;
  /** Machine code was given to a simulated kernel without a processor for it. @remedy Give it one, or use `-accel kvm`. */
  'machine-code-guest': BackplaneError;
  /** Machine code for the simulated kernel begins in long mode. @remedy Use `-accel kvm`. */
  'machine-code-mode': BackplaneError;
  /** Machine code was given to a simulated kernel together with other guests or processors. @remedy Give it alone, with one processor. */
  'machine-code-processors': BackplaneError;
  /** A machine that is to execute machine code has more RAM than its processor reaches. @remedy Give the machine less. */
  'machine-code-ram': BackplaneError;
  /** A machine with writes in its ring was to be saved. @remedy Call `settle()` first. */
  'machine-not-settled': BackplaneError;
  /** A running machine was asked to run, or to settle. @remedy Call `pause()`, and go on when `run()` has returned. */
  'machine-running': BackplaneError;
  /** A guest in machine code has bytes where the machine has no RAM or ROM. @remedy Give another address, or more RAM. */
  'no-memory-for-code': BackplaneError;
  /** The accelerator cannot carry out a run in slices, which `pump` needs. @remedy Use `run()`, or an accelerator that can. */
  'no-slices': BackplaneError;
  /** The accelerator cannot be tapped. @remedy Use `simulatedAccelerator()`. */
  'no-taps': BackplaneError;
  /** Guests in machine code, or pieces of one, have different bytes at the same address. @remedy Give one of them another address. */
  'overlapping-code': BackplaneError;
  /** A processor whose last run ended with an error was to be saved. @remedy Reset the machine, or restore an earlier snapshot. */
  'processor-stopped': BackplaneError;
  /** A step of a guest program was called without `yield*`, so it never ran. @remedy Write `yield*` before the call. */
  'step-not-run': BackplaneError;
  /** More guests are given than a machine has processors. @remedy Give fewer. */
  'too-many-guests': BackplaneError;
  /** The memory map needs more slots than KVM has. @remedy Map RAM in fewer pieces. */
  'too-many-memory-slots': BackplaneError;
  /** A compressed recording is no gzip data, or other bytes follow its end. @remedy Copy the file again. */
  'trace-damaged': BackplaneError;
  /** A recording has no text, or no accesses behind its header. @remedy Record it again. */
  'trace-empty': BackplaneError;
  /** A line of a recording is not what its place requires. @remedy Mend the line that the message names. */
  'trace-malformed': BackplaneError;
  /** A recording is text in another encoding than UTF-8. @remedy Convert it: `iconv -f UTF-16 -t UTF-8`. */
  'trace-not-utf8': BackplaneError;
  /** The text of a recording is longer than the limit. @remedy Raise the limit, or cut the recording. */
  'trace-too-long': BackplaneError;
  /** A recording ends before its end. @remedy Copy or record it again. */
  'trace-truncated': BackplaneError;
  /**
   * An interrupt came for which a guest program has no handler: the processor has shut down.
   * @remedy Add a handler with `guest.onInterrupt()`, or mask the interrupt.
   */
  'unhandled-interrupt': TripleFault;
  /** `-accel` names an option that the accelerator does not have. @remedy Use one of the names in the message. */
  'unknown-accelerator-option': BackplaneError;
  /** KVM stopped a processor for a reason that this SDK does not serve. @remedy Look up the exit reason in linux/kvm.h. */
  'unknown-exit': BackplaneError;
  /** The kernel's KVM interface lacks what the accelerator needs. @remedy Use a newer kernel. */
  'unsupported-kernel': BackplaneError;
  /** A processor was run before it was given a guest. @remedy Attach a guest first. */
  'vcpu-without-guest': BackplaneError;
}
