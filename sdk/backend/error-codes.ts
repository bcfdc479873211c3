import type { BackplaneError } from '../base/errors.ts';

/**
 * Types only: `test/architecture/error-codes.test.ts` reads this file, and makes the page of codes from it.
 * Codes of the errors of the backend room. The type is the error's class; some are among the problems of a WiringError.
 */
export interface BackendErrorCodes {
  /** A back end opens asynchronously, and a machine is built synchronously. @remedy Write `await openBackends([...])` first. */
  'asynchronous-backend': BackplaneError;
  /** Two devices, or two options of one, name the same back end. @remedy Give one of them another back end. */
  'backend-in-use': BackplaneError;
  /** The file or the pipe of a back end cannot be used. @remedy Correct the path, its kind or its permissions, as the message says. */
  'backend-file-unusable': BackplaneError;
  /** A back end could not be opened on the host. @remedy See to what the message says of the host. */
  'backend-not-opened': BackplaneError;
  /** A program sends to a back end that no machine has. @remedy Give it to `Machine.create` first. */
  'backend-without-machine': BackplaneError;
  /** The settings of a socket contradict each other, or lack its address. @remedy Write them as the message says. */
  'bad-socket-settings': BackplaneError;
  /** Two back ends of one machine have the same id. @remedy Give one of them another id. */
  'duplicate-backend': BackplaneError;
  /** Another back end, process or QEMU has the image, and one of both would write. @remedy End the other, or give both readonly=on. */
  'image-locked': BackplaneError;
  /** There is no file for an image. @remedy Correct the path, or make the file. */
  'image-not-found': BackplaneError;
  /** The file of an image is empty, no regular file, or may not be opened. @remedy Give a file with the size of the disk. */
  'image-unusable': BackplaneError;
  /** More is posted to the inbox than it holds for one back end. @remedy Wait until the device has taken some of it. */
  'inbox-overrun': BackplaneError;
  /** A kind of back ends has no name, type, options or open(). @remedy Write what the message says. */
  'invalid-backend': BackplaneError;
  /** The id of a back end is empty, too long, or has other characters. @remedy Write a letter, then letters, digits, '-', '.' or '_'. */
  'invalid-backend-id': BackplaneError;
  /** A kind of back ends needs a setting that is not given. @remedy Add the setting that the message names. */
  'missing-backend-setting': BackplaneError;
  /** A device or an event names a back end that the machine does not have. @remedy Write one of the ids that the message lists. */
  'no-such-backend': BackplaneError;
  /** A server would listen where other hosts can reach it. @remedy Write host=127.0.0.1, or add allow-remote=on. */
  'socket-beyond-loopback': BackplaneError;
  /** A socket cannot listen or connect. @remedy Look at the reason in the message: the address, the other side, permissions. */
  'socket-not-opened': BackplaneError;
  /** The path of a Unix socket is a file, or another program listens there. @remedy Give another path. */
  'socket-path-taken': BackplaneError;
  /** Two back ends ask for standard input. @remedy Give one of them a socket or a file. */
  'stdio-in-use': BackplaneError;
  /** A device names a block back end where it takes one for characters, or the reverse. @remedy Name another. */
  'wrong-backend-type': BackplaneError;
}
