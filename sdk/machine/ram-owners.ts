import type { Device } from '../device/index.ts';
import { BackplaneError, type RamBlock } from '../memory/index.ts';

interface OwnedBlock {
  readonly name: string;
  readonly size: number;
  readonly block: RamBlock;
}

/** A device, and what the machine calls it. */
interface Owner {
  readonly id: string;
  readonly device: Device;
}

/** Remembers which RAM a device asked for while it was realized, so that its successor gets the same, contents and all. */
export class RamOwners {
  private readonly owned = new WeakMap<Device, readonly OwnedBlock[]>();
  private owner: string | undefined;
  private current: OwnedBlock[] = [];
  private heirlooms: OwnedBlock[] = [];

  /**
   * Realizes a device; what it allocates meanwhile is its own. With a predecessor, it is that one's as far as it matches;
   * answers how to put back what was in it.
   */
  realize({ id, device }: Owner, work: () => void, predecessor?: Device): () => void {
    const inherited = (predecessor && this.owned.get(predecessor)) ?? [];
    const contents = inherited.map(({ block }) => block.bytes.slice());
    const putBack = () =>
      inherited.forEach(({ block }, index) => {
        block.bytes.set(contents[index] as Uint8Array);
      });
    this.owner = id;
    this.current = [];
    this.heirlooms = [...inherited];
    try {
      work();
      this.refuseLoss(id);
      return putBack;
    } catch (error) {
      putBack();
      throw error;
    } finally {
      this.owned.set(device, this.current);
      this.owner = undefined;
      this.current = this.heirlooms = [];
    }
  }

  /** What the guest has stored would be gone without a word. */
  private refuseLoss(id: string): void {
    const [lost] = this.heirlooms;
    if (lost === undefined) return;
    throw new BackplaneError(
      `Device '${id}' cannot take over its memory: '${lost.name}' has ${lost.size} bytes, and the new class asks for none of ` +
        'that name and size. Keep both, or start the machine again.',
    );
  }

  /** The predecessor's block of that name and size, once. */
  inherit(name: string, size: number): RamBlock | undefined {
    const index = this.heirlooms.findIndex((one) => one.name === name && one.size === size);
    const [found] = index < 0 ? [] : this.heirlooms.splice(index, 1);
    if (found !== undefined) this.current.push(found);
    return found?.block;
  }

  note(name: string, size: number, block: RamBlock): void {
    this.current.push({ name, size, block });
  }

  /** What a block is called in the machine: after the device that asks for it, so that it is called the same whoever came before. */
  fullName(name: string): string {
    return this.owner === undefined ? name : `${this.owner}.${name}`;
  }

  blocksOf(device: Device): readonly RamBlock[] {
    return (this.owned.get(device) ?? []).map(({ block }) => block);
  }
}
