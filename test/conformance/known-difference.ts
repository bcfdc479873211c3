import type { ConcreteDeviceClass } from '../../sdk/index.ts';
import type { Operation } from './script.ts';

/** A script that comes to a difference, and what both sides answer to its reads. */
export interface Way {
  readonly operations: readonly Operation[];
  readonly ours: readonly number[];
  readonly qemu: readonly number[];
}

/**
 * One of our device classes, and what makes of it a class with QEMU's behaviour in one point. The stand-ins of several
 * differences are laid one over the other, so that each can be left out.
 */
export interface StandIn {
  readonly original: ConcreteDeviceClass;
  over(base: ConcreteDeviceClass): ConcreteDeviceClass;
}

export function standIn<C extends ConcreteDeviceClass>(original: C, over: (base: C) => ConcreteDeviceClass): StandIn {
  return { original, over: (base) => over(base as C) };
}

/**
 * Something that differs from QEMU on purpose. Either our side runs with a stand-in, and all of its replies are compared, or
 * bits of replies are hidden, where our machine does not have at all what QEMU shows.
 */
export interface KnownDifference {
  readonly register: string;
  readonly condition: string;
  readonly reason: string;
  /** Run before the random scripts. Without it those must come there by themselves. */
  readonly there?: Way;
  readonly standIn?: StandIn | readonly StandIn[];
  /** The bits of the reply that are hidden. */
  readonly bits?: number;
  /** Whether these bits of this reply are not compared. */
  hides?(register: string, operation: Operation): boolean;
}
