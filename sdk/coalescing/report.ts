import type { RegisterDeclaration } from '../device/index.ts';
import type { AddressRange, AddressSpace, CoalescedZones, MemoryRegion, RegionOwner } from '../memory/index.ts';

/** The parts of a machine that are explained; a `Machine` is one. */
export interface ExplainedMachine {
  /** The processor's spaces: only these two have zones. */
  readonly io: AddressSpace;
  readonly memory: AddressSpace;
  readonly devices: readonly ExplainedDevice[];
  /** The zones in force in its kernel. Without it every zone counts as in force. */
  readonly accelerator?: {
    readonly zones: CoalescedZones | undefined;
    /** Zones that its kernel had no room for. */
    readonly refused?: CoalescedZones;
  };
}

export interface ExplainedDevice {
  readonly id: string;
  readonly device: RegionOwner;
  /** The regions of its class, mapped or not. */
  readonly regions: readonly MemoryRegion[];
  /** The registers that its class declares. */
  readonly metadata?: { readonly registers: readonly NamedRegister[] };
  /** Regions that the class declares independent of the queued writes of `region`. */
  independentOf(region: MemoryRegion): readonly MemoryRegion[];
}

export type NamedRegister = Pick<
  RegisterDeclaration,
  'name' | 'offset' | 'width' | 'count' | 'stride' | 'indexedBy'
> & {
  readonly bank: { readonly name: string };
};

/**
 * - alive: every write that the region takes inside the range can be queued.
 * - narrowed: only some widths or places can be.
 * - dead: none can be.
 * - off: the accelerator queues none, by its options, or because a capability or room is missing.
 * - unprotected: a read of the same device can overtake queued writes.
 * - unmapped: the range has no address at the moment, as a BAR that the guest has not enabled.
 */
export type CoalescedVerdict = 'alive' | 'narrowed' | 'dead' | 'off' | 'unprotected' | 'unmapped';

/** A region that hides a part of the declared range. */
export interface Culprit {
  readonly region: string;
  readonly device: string | undefined;
  readonly priority: number;
  /** Set if the priority of a container of the culprit decides. */
  readonly through: { readonly region: string; readonly priority: number } | undefined;
  readonly start: number;
  readonly size: number;
}

/** One declared range at one address of one address space. */
export interface CoalescedRangeReport {
  readonly device: string | undefined;
  readonly region: string;
  readonly priority: number;
  /** Offsets in the region, as declared. */
  readonly declared: { readonly offset: number; readonly size: number };
  /** The declared registers in the range, by name. */
  readonly registers: readonly string[];
  /** The name of the address space, and the address in it; undefined while it is not mapped. */
  readonly space: string | undefined;
  readonly start: number | undefined;
  /** The zones in force: a write is queued only if one of these holds all of it. */
  readonly zones: readonly AddressRange[];
  /** Zones that the map allows and that are not in force. */
  readonly missingZones: readonly AddressRange[];
  /** Missing zones that the kernel had no room for. */
  readonly refusedZones: readonly AddressRange[];
  /** Regions whose accesses first deliver the queued writes; the region itself is always one. */
  readonly flushPartners: readonly string[];
  readonly verdict: CoalescedVerdict;
  readonly widths: readonly WidthVerdict[];
  readonly culprits: readonly Culprit[];
  /** Regions of the same device with reads that can overtake a queued write. */
  readonly unprotectedReads: readonly string[];
}

/** The guest's writes of one width inside a declared range. */
export interface WidthVerdict {
  /** Bytes of one write. */
  readonly width: number;
  /** The number of offsets at which such a write may begin, and of those at which one zone holds it whole. */
  readonly places: number;
  readonly fitting: number;
}
