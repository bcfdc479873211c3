import type { BackplaneError } from '../base/errors.ts';
import type { RegisterMismatch } from './bench/register-probe.ts';
import type { ConformanceError } from './conformance/device-conformance.ts';
import type { GuestCommandError } from './qemu/linux/shell.ts';

/**
 * Types only: `test/architecture/error-codes.test.ts` reads this file, and makes the page of codes from it.
 * Codes of the errors of the testing room. The type is the error's class.
 */
export interface TestingErrorCodes {
  /** A function that reads an answer of the emulator threw. @remedy Look at the error's `cause`, and mend the function. */
  'answer-reader-threw': BackplaneError;
  /** Debian's archive has no such package, or no file of it came. @remedy Look at the suite and the mirror in the message. */
  'archive-package': BackplaneError;
  /** The keys of Debian's archive are not installed. @remedy Install `debian-archive-keyring`. */
  'archive-keyring-missing': BackplaneError;
  /** Debian's archive does not answer. @remedy Look at the network, or name another mirror in `BACKPLANE_DEBIAN_MIRROR`. */
  'archive-unreachable': BackplaneError;
  /** A device on a bench has no address, or one that its bus does not know. @remedy Write `addr` as the message says. */
  'bench-address': BackplaneError;
  /** A bench cannot make the bus of a device by itself. @remedy Give one: `testBench(TheClass, { bus: new TheBus(...) })`. */
  'bench-without-bus': BackplaneError;
  /** A transfer is asked of a bus whose devices have regions. @remedy Access the regions of the device. */
  'bus-without-transfers': BackplaneError;
  /** The emulator refused a command. @remedy Read its reason in the message, and send what it takes. */
  'command-refused': BackplaneError;
  /** A check of the conformance suite found something. @remedy Read the report: it has the shortest script that shows it. */
  'conformance-failure': ConformanceError;
  /** The connection to the emulator broke, or the emulator closed it. @remedy Look at what the emulator printed before it ended. */
  'connection-broken': BackplaneError;
  /** The client was closed while a command had no answer. @remedy Wait for the answers before you close it. */
  'connection-closed': BackplaneError;
  /** No mirror of Debian is known, or the variable names none. @remedy Set `BACKPLANE_DEBIAN_MIRROR` to the address of one. */
  'debian-mirror': BackplaneError;
  /** A device never stops writing to its back end after one access. @remedy Write in `onWritable` only what waits. */
  'endless-output': BackplaneError;
  /** The emulator ended before it connected. @remedy Read its complaint in the message: often an argument that it does not know. */
  'emulator-ended': BackplaneError;
  /**
   * No QEMU is installed, or the variable that names one names no executable file.
   * @remedy Install `qemu-system-x86_64` (or the emulator that was asked for), or set `QTEST_QEMU_BINARY` to its path.
   */
  'emulator-not-found': BackplaneError;
  /** The host cannot start the emulator's program. @remedy Look at the error's `cause`. */
  'emulator-not-started': BackplaneError;
  /** The emulator did not connect or answer in time. @remedy Give it more time, or look at what it waits for. */
  'emulator-silent': BackplaneError;
  /** A BAR of the guest's device is missing, or an access is outside. @remedy Use an index, an offset and a width that it has. */
  'guest-bar': BackplaneError;
  /** Linux in a virtual machine could not be prepared: often a module that it refuses. @remedy Read its complaint in the message. */
  'guest-boot-failed': BackplaneError;
  /**
   * A command of the guest ended with a status that is not 0.
   * @remedy Read what it printed, in the message and in `output`; or take the status: `run(line, { check: false })`.
   */
  'guest-command-failed': GuestCommandError;
  /** A line cannot be given to the guest's shell. @remedy Put a long one into a script, and that into `files`. */
  'guest-command-line': BackplaneError;
  /** A command of the guest did not end in time. @remedy Look at what it printed, or give it more time. */
  'guest-command-timeout': BackplaneError;
  /** The device of a guest threw: a handler, a timer, a reset. @remedy Mend the device: the message has the access and what was thrown. */
  'guest-device-failed': BackplaneError;
  /** No driver has taken the device of a guest. @remedy Correct `id_table` or `probe()` of the driver; the message quotes the kernel. */
  'guest-driver-unbound': BackplaneError;
  /** A file for the guest cannot be read, or run there. @remedy Give the path of a file of this host; link programs statically. */
  'guest-file': BackplaneError;
  /** Linux in a virtual machine did not boot or power off in time. @remedy Look at its console, or give it more time. */
  'guest-linux-timeout': BackplaneError;
  /** A test asks for the device of a guest that has none of this process. @remedy Give one: `linuxGuest({ device: use(MyCard) })`. */
  'guest-without-device': BackplaneError;
  /** An option of a guest has a value that it cannot have. @remedy Write what the message says. */
  'guest-option': BackplaneError;
  /** A command of the guest printed too much. @remedy Write it into a file of the guest, and print a part. */
  'guest-output-too-large': BackplaneError;
  /** Linux in a virtual machine panicked, or had an Oops. @remedy Read the end of its console in the message. */
  'guest-panic': BackplaneError;
  /** QEMU, Linux or busybox is missing for a guest. @remedy Fetch it: `npx backplane fetch qemu kernel`. */
  'guest-packages-missing': BackplaneError;
  /** The guest began again while a command ran. @remedy Call `reset()` in place of a command that restarts the guest. */
  'guest-restarted': BackplaneError;
  /** Something is asked of a guest that was stopped. @remedy Start another one. */
  'guest-stopped': BackplaneError;
  /** Linux did not give up a device that is taken out. @remedy Look for what hangs in `remove()` of its driver. */
  'guest-unplug-timeout': BackplaneError;
  /** A kernel module cannot be built. @remedy Read what the compiler complains of, in the message. */
  'kernel-module-failed': BackplaneError;
  /** A kernel module is described by what cannot be. @remedy Write what the message says. */
  'kernel-module-option': BackplaneError;
  /** The package of a Linux kernel has no such module. @remedy Take the full kernel, or a name that the package has. */
  'kernel-module-missing': BackplaneError;
  /**
   * A command for the emulator is no line of words, or its arguments are no JSON.
   * @remedy Write words with single spaces between them; give plain values, and no bigint.
   */
  'malformed-command': BackplaneError;
  /** A register, or an array of registers, has no such element. @remedy Use an element from 0 to its count. */
  'no-such-element': BackplaneError;
  /** A register has no field of this name. @remedy Use a name of its declaration. */
  'no-such-field': BackplaneError;
  /** A field has no value of this name. @remedy Use a name of its declaration, or a number. */
  'no-such-field-value': BackplaneError;
  /** The device on the bench has no such input pin. @remedy Use a name of its `@input` methods, with an index for an array. */
  'no-such-input': BackplaneError;
  /** The device on the bench has no such register. @remedy Use a name of its declaration, or the value that declared it. */
  'no-such-register': BackplaneError;
  /** The conformance suite finds no test runner. @remedy Hand its functions over: `deviceConformance(MyUart, { describe, it })`. */
  'no-test-runner': BackplaneError;
  /** The emulator's tree of objects is deeper or larger than any machine's. @remedy Search below a deeper path. */
  'object-tree-too-large': BackplaneError;
  /** A program of the host ended with an error. @remedy Read its complaint in the message. */
  'program-failed': BackplaneError;
  /** A program of the host cannot be run. @remedy Install the package that the message names. */
  'program-missing': BackplaneError;
  /**
   * The emulator sent what its protocol does not have.
   * @remedy Use a QEMU that speaks the protocol; a stream that has lost its place cannot be used again.
   */
  'protocol-violation': BackplaneError;
  /** A test writes a register that is only read: another register takes the writes. @remedy Write the register that shares its address. */
  'read-only-register': BackplaneError;
  /** A recording is not of the device that is tested. @remedy Make one: `backplane serve -device NAME -record FILE`. */
  'recording-of-another-device': BackplaneError;
  /** In a recording the device reads guest memory by DMA, which is not replayed. @remedy Record a guest that gives it no buffers. */
  'recording-with-transfers': BackplaneError;
  /**
   * The bench does not map such a region of the device.
   * @remedy Use a region that the class declares and the device does not map itself.
   */
  'region-not-on-bench': BackplaneError;
  /** A test expects another value of a register or field than the guest reads. @remedy Correct the device, or the test. */
  'register-mismatch': RegisterMismatch;
  /** The folder for the emulator's sockets cannot be made, or its path is too long. @remedy Set `TMPDIR` to another folder. */
  'socket-folder': BackplaneError;
  /** A test writes more bits than the register or field has. @remedy Write a value that fits. */
  'value-too-wide': BackplaneError;
  /** A test reads a register that is only written: another register answers there. @remedy Read the register that shares its address. */
  'write-only-register': BackplaneError;
}
