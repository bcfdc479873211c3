import type { RegisterDeclaration } from '../device/index.ts';
import type { AddressRange, AddressSpace, MemoryRegion, RegionOwner } from '../memory/index.ts';

/** What insight needs to know of a machine; a `Machine` is one. */
export interface ExplainedMachine {
  /** What the processor reaches: zones exist in these two spaces and in no other. */
  readonly io: AddressSpace;
  readonly memory: AddressSpace;
  readonly devices: readonly ExplainedDevice[];
  /** Which zones its kernel was told of, and took. Without it every zone is taken to be in force. */
  readonly accelerator?: {
    readonly zones: CoalescedZonesInForce | undefined;
    /** Those that its kernel had no room for. */
    readonly refused?: CoalescedZonesInForce;
  };
}

export type CoalescedZonesInForce = {
  readonly ports: readonly AddressRange[];
  readonly memory: readonly AddressRange[];
};

export interface ExplainedDevice {
  readonly id: string;
  readonly device: RegionOwner;
  /** The regions of its class, mapped or not. */
  readonly regions: readonly MemoryRegion[];
  /** What its class declares of its registers. */
  readonly blueprint?: { readonly registers: readonly NamedRegister[] };
  /** Regions that the class declared independent of what the given region queues. */
  independentOf(region: MemoryRegion): readonly MemoryRegion[];
}

export type NamedRegister = Pick<
  RegisterDeclaration,
  'name' | 'offset' | 'width' | 'count' | 'stride' | 'indexedBy'
> & {
  readonly region: { readonly name: string };
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

/** A region that shows where the declared range should. */
export interface Culprit {
  readonly region: string;
  readonly device: string | undefined;
  readonly priority: number;
  /** Set when another region decides: the container, inside which the culprit lies, that outranks. */
  readonly through: { readonly region: string; readonly priority: number } | undefined;
  readonly start: number;
  readonly size: number;
}

/** One declared range at one place of one address space. */
export interface CoalescedRangeReport {
  readonly device: string | undefined;
  readonly region: string;
  readonly priority: number;
  /** Offsets in the region, as declared. */
  readonly declared: { readonly offset: number; readonly size: number };
  /** The declared registers in the range, by name. */
  readonly registers: readonly string[];
  /** The name of the address space, and where the range lies in it; undefined while it is not mapped. */
  readonly space: string | undefined;
  readonly start: number | undefined;
  /** The zones in force: a write is queued only if one of these holds all of it. */
  readonly zones: readonly AddressRange[];
  /** Zones that the map allows and the kernel does not have. */
  readonly missingZones: readonly AddressRange[];
  /** Those of them that the kernel was asked for and had no room for. */
  readonly refusedZones: readonly AddressRange[];
  /** Regions whose accesses first deliver what is queued; the region itself is always one. */
  readonly flushPartners: readonly string[];
  readonly verdict: CoalescedVerdict;
  readonly widths: readonly WidthVerdict[];
  readonly culprits: readonly Culprit[];
  /** Regions of the same device that can be read while a write is still queued. */
  readonly unprotectedReads: readonly string[];
}

/** How the guest's writes of one width, inside a declared range, meet the zones. */
export interface WidthVerdict {
  /** Bytes of one write. */
  readonly width: number;
  /** At how many places inside the range such a write may begin, and at how many of them one zone holds it whole. */
  readonly places: number;
  readonly fitting: number;
}
