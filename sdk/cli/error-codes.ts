import type { BackplaneError } from '../base/errors.ts';
import type { Unfinished } from './command.ts';

/**
 * Types only: `test/architecture/error-codes.test.ts` reads this file, and makes the page of codes from it.
 * Codes of the errors that the command line throws. The type is the error's class.
 */
export interface CliErrorCodes {
  /** `backplane check` found an error in a plugin. @remedy Correct what the table says, line by line. */
  'plugin-check-failed': BackplaneError;
  /** A plugin or a program cannot be compiled. @remedy Correct the file and line that the message names. */
  'compilation-failed': BackplaneError;
  /**
   * Two plugins, or two exports of a plugin, have the same name, or a machine has the name of one of the package.
   * @remedy Rename one of them, or leave one out.
   */
  'duplicate-name': BackplaneError;
  /** A file was changed by another program while the command ran. @remedy Run the command again. */
  'file-changed': BackplaneError;
  /** A file or folder of that name exists, and is not one that may be overwritten. @remedy Give another name, or move the old file. */
  'file-exists': BackplaneError;
  /** A firmware, a kernel or an initrd has no bytes. @remedy Give another file. */
  'file-empty': BackplaneError;
  /** There is no such file, folder or package. @remedy Correct the path; the message names it. */
  'file-not-found': BackplaneError;
  /** The system refuses to read a file. @remedy Look at the reason in the message: permissions, links, names. */
  'file-not-readable': BackplaneError;
  /** The system refuses to write a file. @remedy Look at the reason in the message: permissions, space on the disk. */
  'file-not-writable': BackplaneError;
  /** A file has more bytes than a file of its kind can have. @remedy Give the right file. */
  'file-too-large': BackplaneError;
  /**
   * The run ended and the guest had not finished: asleep without a wake-up, a triple fault, or the default limit.
   * @remedy Correct the guest program, or give -limit.
   */
  'guest-not-finished': Unfinished;
  /** A date cannot be read. @remedy Write it like 2026-11-22T10:09:01. */
  'invalid-date': BackplaneError;
  /** The id of a device has characters that an id cannot have. @remedy Write a letter, then letters, digits, '-', '.' or '_'. */
  'invalid-device-id': BackplaneError;
  /** A text is not the name of a file. @remedy Give the path of a file. */
  'invalid-file-name': BackplaneError;
  /** A value in the JSON form of -device does not fit its option. @remedy Give a value of the type that the message names. */
  'invalid-json-value': BackplaneError;
  /** A machine definition of a plugin or a program has a member of the wrong type. @remedy Write the member as the message says. */
  'invalid-machine-definition': BackplaneError;
  /** The value of an argument is not a positive whole number. @remedy Write a positive whole number. */
  'invalid-number': BackplaneError;
  /** The package.json of a plugin has no entry that can be loaded. @remedy Correct its exports, module or main. */
  'invalid-package': BackplaneError;
  /** The value of -backplane is no dependency that npm understands. @remedy Give a tarball, a folder or a version. */
  'invalid-package-specifier': BackplaneError;
  /** The name of a new project cannot be used, or is used already. @remedy Choose another name. */
  'invalid-project-name': BackplaneError;
  /** A size of memory cannot be read. @remedy Write a number of megabytes, or a number with a suffix: 64, 64M, 1G. */
  'invalid-size': BackplaneError;
  /** `-accel kvm` was asked for KVM's own interrupt controllers. @remedy Leave kernel-irqchip out: the machine's devices are its controllers. */
  'no-kernel-irqchip': BackplaneError;
  /** A list of settings breaks the grammar of the command line. @remedy Write TYPE,KEY=VALUE, or the JSON form. */
  'malformed-setting': BackplaneError;
  /** The value of -serial is no place for a serial port. @remedy Write stdio, file:PATH, unix:PATH or another that the message lists. */
  'malformed-serial': BackplaneError;
  /** There is no display of that name. @remedy Give curses or none. */
  'unknown-display': BackplaneError;
  /** A screen is to be shown, and there is no terminal for it. @remedy Leave -display out, or run at a terminal. */
  'no-terminal': BackplaneError;
  /** A screen is to be shown, and no device of the machine has one. @remedy Add a card: -device VGA. */
  'no-screen': BackplaneError;
  /** There is no processor mode of that name. @remedy Give real, protected or long. */
  'unknown-cpu-mode': BackplaneError;
  /** An argument does not belong to this command, or not to this form of it. @remedy Write it as the message says. */
  'misplaced-argument': BackplaneError;
  /** A back end has no name by which a device could take it. @remedy Add id=NAME, or node-name=NAME to -blockdev. */
  'missing-backend-id': BackplaneError;
  /** A command lacks the word that says what it is about. @remedy Add the word; the message has an example. */
  'missing-operand': BackplaneError;
  /** `measure coalescing -guest linux` has no Linux. @remedy Run `backplane fetch linux-i386`, or measure the firmware. */
  'guest-not-fetched': BackplaneError;
  /** An optional package that a command needs is not installed. @remedy Install the package that the message names. */
  'missing-optional-package': BackplaneError;
  /** An argument lacks its value. @remedy Write the value behind it. */
  'missing-value': BackplaneError;
  /** What is asked for has no time of its own: it is modelled, or the processor is emulated. @remedy Do as the message says. */
  'not-measurable': BackplaneError;
  /** Back ends are for Linux and macOS. @remedy Use one of them, or WSL. */
  'not-on-windows': BackplaneError;
  /** A path leads to something that is not a regular file. @remedy Give the path of a file. */
  'not-a-file': BackplaneError;
  /** A file given to -plugin is not a source file. @remedy Give a file that ends in .ts or .js. */
  'not-a-source-file': BackplaneError;
  /** Files that were migrated have places that a person must change. @remedy Change the places that the command lists. */
  'places-left': BackplaneError;
  /**
   * A plugin threw while it was loaded, or exports a device class that is not valid.
   * @remedy Look at the error's cause, and correct the plugin.
   */
  'plugin-load-failed': BackplaneError;
  /**
   * A plugin exports no device, machine, observer or kind of back ends.
   * @remedy Export a class with @device, a defineMachine(...), a defineObserver(...) or a defineBackend(...).
   */
  'plugin-without-exports': BackplaneError;
  /** -smp asks for other processors than the guests of the run have. @remedy Write the number that the message names, or leave -smp out. */
  'processor-count': BackplaneError;
  /** A program threw while it was loaded. @remedy Look at the error's cause, and correct the program. */
  'program-load-failed': BackplaneError;
  /** A program has no guest program as its default export. @remedy Write export default guestProgram(function* (guest) { ... }). */
  'program-without-exports': BackplaneError;
  /** An argument or a setting that stands once is given several times. @remedy Give it once. */
  'repeated-argument': BackplaneError;
  /**
   * A recorded run was replayed and did something else than the recording.
   * @remedy Replay it with the versions of devices and programs that it was recorded with.
   */
  'replay-parted': BackplaneError;
  /** A plugin that was reloaded lacks the class of a device that is plugged in. @remedy Export the class again. */
  'replacement-missing': BackplaneError;
  /** The file of a snapshot is incomplete or was changed. @remedy Save the machine again. */
  'snapshot-damaged': BackplaneError;
  /** The machine has more memory than the file of a snapshot can hold. @remedy Give the machine less RAM: -m. */
  'snapshot-too-large': BackplaneError;
  /** A template of the package uses a value that is not given. @remedy Report it: this is a mistake of the package. */
  'template-incomplete': BackplaneError;
  /** A command has more words than it takes. @remedy Leave the words out that the message names. */
  'too-many-operands': BackplaneError;
  /**
   * A callback or a promise of a plugin or a program failed outside of every handler.
   * @remedy Do the work inside the handler, or in a timer of the clock.
   */
  'uncaught-failure': BackplaneError;
  /** A switch is given a value. @remedy Leave the value out. */
  'unexpected-value': BackplaneError;
  /** There is no accelerator of that name. @remedy Choose one of `backplane -accel help`. */
  'unknown-accelerator': BackplaneError;
  /** The command has no such argument. @remedy Correct the name; `-help` lists them. */
  'unknown-argument': BackplaneError;
  /** Guest time follows no such clock. @remedy Write -clock virtual or -clock host. */
  'unknown-clock': BackplaneError;
  /** There is no command of that name. @remedy Choose one of `backplane -help`. */
  'unknown-command': BackplaneError;
  /** Neither the package nor a plugin has a device of that type. @remedy Correct the type, or add -plugin FILE. */
  'unknown-device': BackplaneError;
  /** Neither the package nor a plugin has a machine of that name. @remedy Correct the name, or add -plugin FILE. */
  'unknown-machine': BackplaneError;
  /** There is no kind of back ends of that name. @remedy Correct the name, or add -plugin FILE. */
  'unknown-backend-kind': BackplaneError;
  /** A command does not know the word that says what it is about. @remedy Use one of the words that the message lists. */
  'unknown-operand': BackplaneError;
  /** A machine or a back end has no option of that name. @remedy Correct the name; `-machine NAME,help` and `-chardev help` list them. */
  'unknown-option': BackplaneError;
  /** There is no recording and no file of that name. @remedy Correct the name or the path. */
  'unknown-recording': BackplaneError;
  /** A disk asks for a format, a driver or an interface that is not modelled. @remedy Give a raw image and if=none. */
  'unsupported-drive': BackplaneError;
  /** `measure` names nothing that it can measure. @remedy Write `backplane measure coalescing`. */
  'unknown-subject': BackplaneError;
  /** An argument has characters that control a terminal. @remedy Leave them out. */
  'unprintable-argument': BackplaneError;
  /** The package whose processor executes machine code is not installed. @remedy Install the version that the message names. */
  'x86-missing': BackplaneError;
}
