/** How an access ended. The bits of all parts of a split access are ORed; 0 is success. */
export const MemTxResult = {
  Ok: 0,
  /** The device answered with an error. */
  Error: 1,
  /** Nothing is there, or the region refused the width or the alignment. */
  DecodeError: 2,
  /** The device is already inside one of its own handlers, or the access was meant for memory only. */
  AccessError: 4,
} as const;
export type MemTxResult = number;

/** The requester of an access, and flags, in one number so that nothing is allocated: flags below bit 16, requester above. */
export const MemTxAttributes = {
  None: 0,
  /** The caller says nothing about itself: the default. */
  Unspecified: 1,
  /** x86: from system management mode. */
  Secure: 2,
  User: 4,
  /** Only memory may answer: an access that would reach a handler fails with AccessError. */
  Memory: 8,
} as const;
export type MemTxAttributes = number;

/** Adds the bus identity of the requester (bus, device and function) to a set of attributes. */
export function withRequester(attributes: number, requesterId: number): number {
  return ((attributes & 0xffff) | (requesterId << 16)) >>> 0;
}

export function requesterOf(attributes: number): number {
  return attributes >>> 16;
}
