import type { BackplaneError } from '../base/errors.ts';

/**
 * Types only: `test/architecture/error-codes.test.ts` reads this file, and makes the page of codes from it.
 * Codes of the errors of files that a machine boots.
 */
export interface BootErrorCodes {
  /** The command line of a boot image has a zero in it, or is longer than what the guest reads. @remedy Shorten it. */
  'boot-command-line': BackplaneError;
  /** A file is no Linux: neither a bzImage nor an ELF file. @remedy Give the kernel's `vmlinuz` or `vmlinux`. */
  'boot-format': BackplaneError;
  /** A kernel, an initramfs or a module does not fit into the machine's RAM. @remedy Give the machine more RAM, or link the image elsewhere. */
  'boot-memory': BackplaneError;
  /** An option of a loader is none: no bytes, or no size of RAM. @remedy Give what the message names. */
  'boot-option': BackplaneError;
  /** An ELF file is cut off, or its headers contradict each other. @remedy Get the file again. */
  'elf-damaged': BackplaneError;
  /** An ELF file is no executable for x86 of 32 bits at fixed addresses. @remedy Build it for i386, and link it statically. */
  'elf-machine': BackplaneError;
  /** A gzip file is cut off, or its bytes are not those that were written. @remedy Get the file again. */
  'gzip-damaged': BackplaneError;
  /** A Linux has code of 64 bits. @remedy Take a kernel for i386. */
  'linux-64-bit': BackplaneError;
  /** A bzImage is cut off, or its header contradicts itself. @remedy Get the file again. */
  'linux-damaged': BackplaneError;
  /** A Linux follows a boot protocol before 2.10, or is a zImage. @remedy Take Linux 2.6.31 or later. */
  'linux-protocol': BackplaneError;
  /** An image has no header of Multiboot 1, or one that asks for what the loader has not. @remedy Change what the message names. */
  'multiboot-header': BackplaneError;
  /** A packed file would become longer than the machine's RAM. @remedy Give the machine more RAM, or a smaller file. */
  'packed-too-large': BackplaneError;
  /** An XZ file is cut off, or its bytes are not those that were written. @remedy Get the file again. */
  'xz-damaged': BackplaneError;
  /** An XZ file has a filter, a check or an option that the reader does not know. @remedy Pack it as the message says. */
  'xz-unsupported': BackplaneError;
}
