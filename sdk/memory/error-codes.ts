import type { BackplaneError } from '../base/errors.ts';

/**
 * Types only: `test/architecture/error-codes.test.ts` reads this file, and makes the page of codes from it.
 * Codes of the errors of the memory room. The type is the error's class.
 */
export interface MemoryErrorCodes {
  /** The smallest accepted width of a region is larger than the largest. @remedy Swap them. */
  'access-sizes-reversed': BackplaneError;
  /**
   * An address, an offset or a size is no number that the 64-bit space has.
   * @remedy Give a whole number from 0 to 2^53 - 1, or a multiple of 4 KiB up to 2^64.
   */
  'address-out-of-range': BackplaneError;
  /** An alias leads to a region that contains the alias. @remedy Point the alias elsewhere. */
  'alias-loop': BackplaneError;
  /** An alias was given a child; it only shows its target. @remedy Add the child to the target. */
  'alias-with-children': BackplaneError;
  /** A byte of a region is declared for coalesced writes twice. @remedy Declare each byte once. */
  'coalesced-twice': BackplaneError;
  /** A transaction ends that never began. @remedy Use `transaction(body)`, which pairs both. */
  'commit-without-begin': BackplaneError;
  /** A range of bytes is empty, or its size is no whole number. @remedy Give it a size of at least 1. */
  'empty-range': BackplaneError;
  /** A region is mapped into a region of another machine. @remedy Create both with one topology. */
  'foreign-region': BackplaneError;
  /** Two handlers cover the same bytes in the same direction and width. @remedy Give each its own range, or different access sizes. */
  'handler-overlap': BackplaneError;
  /**
   * An access, or a limit of accesses, has a width that no bus has.
   * @remedy Use 1, 2, 4 or 8 bytes; `readBytes` and `writeBytes` for more.
   */
  'invalid-access-width': BackplaneError;
  /** The priority of a region is no whole number. @remedy Give a whole number. */
  'invalid-priority': BackplaneError;
  /** An ioeventfd matches a value, and has no width to compare. @remedy Give it a size. */
  'ioeventfd-match-without-size': BackplaneError;
  /** A region has an ioeventfd of this place, width, value and descriptor already. @remedy Add it once. */
  'ioeventfd-twice': BackplaneError;
  /** A memory listener is registered already. @remedy Register it once. */
  'listener-registered-twice': BackplaneError;
  /**
   * Coalesced writes or an ioeventfd are declared on a region that has no handlers.
   * @remedy Declare them on the region that has them, or on the target of the alias.
   */
  'no-handlers': BackplaneError;
  /** A region that is no subregion of this container is removed from it. @remedy Remove it from the container that holds it. */
  'not-a-subregion': BackplaneError;
  /** A region that is no alias was given an offset in a target. @remedy Set the offset of an alias, or the region's address. */
  'not-an-alias': BackplaneError;
  /** A block of RAM is larger than 4 GiB. @remedy Split it into several regions. */
  'ram-too-large': BackplaneError;
  /** A RAM region grows beyond the bytes that it was created with. @remedy Create it with the largest size that it will need. */
  'ram-too-small': BackplaneError;
  /** A range of bytes lies outside its region. @remedy Keep the range inside the region. */
  'range-outside-region': BackplaneError;
  /** A region is mapped inside itself. @remedy Use an alias of a part. */
  'region-inside-itself': BackplaneError;
  /** A region is mapped in two containers, or twice in one. @remedy Remove it from the first, or add an alias of it. */
  'region-mapped-twice': BackplaneError;
  /** An ioeventfd is removed that the region does not have. @remedy Name its place, width, value and descriptor as they were added. */
  'unknown-ioeventfd': BackplaneError;
  /** A ROM region is made writable. @remedy Make it a RAM region and set it read-only. */
  'writable-rom': BackplaneError;
}
