import type { AddressSpace } from '../memory/index.ts';

/**
 * The ports that lie behind a host bridge, without the bridge's own: where it hands on what it does not claim. Nobody
 * there: reads give all ones, writes are lost. See decisions/0006-the-bus-behind.md.
 */
export abstract class PortsBehind {
  abstract readonly space: AddressSpace;
}
