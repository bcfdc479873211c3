import { AddressSpace, MemoryRegion, MemoryTopology, RegionOps } from '../../../sdk/memory/index.ts';
import type { TreeNode, TreeText } from './memory-tree-text.ts';

/** QEMU prints a container as `i/o`, like a region with handlers. These are its containers. */
const Containers = new Set(['system', 'memory', 'pci', 'smram', 'piix4-pm', 'bus master container']);

/** QEMU does not print that an alias is read-only. These are; `isa-bios` may be, but leads to ROM in any case then. */
const ReadOnlyAliases = new Set(['pam-rom']);

/** Builds, with our regions, the tree that QEMU printed. */
export function rebuild(text: TreeText): MemoryTopology {
  const topology = new MemoryTopology();
  topology.allocateRam = () => ({ bytes: new Uint8Array(0), view: new DataView(new ArrayBuffer(0)), hostAddress: 0 });
  const builder = new TreeBuilder(topology, text);
  topology.transaction(() => {
    for (const { names, root } of text.spaces) {
      const region = builder.region(root);
      for (const name of names) new AddressSpace(topology, name, region);
    }
  });
  return topology;
}

class TreeBuilder {
  private readonly built = new Map<TreeNode, MemoryRegion>();
  private readonly byName = new Map<string, TreeNode>();

  constructor(
    private readonly topology: MemoryTopology,
    text: TreeText,
  ) {
    // A target that also stands in some tree is that region: prefer the deeper place, where its parent is known.
    for (const target of text.targets) this.byName.set(target.name, target);
    for (const root of [...text.targets, ...text.spaces.map((space) => space.root)]) {
      if (!text.targets.includes(root)) this.remember(root);
      for (const child of root.children) this.remember(child);
    }
  }

  region(node: TreeNode): MemoryRegion {
    const existing = this.built.get(node);
    if (existing) return existing;
    const region = this.make(node);
    this.built.set(node, region);
    // Printed by address, then priority, the newest of equals first: added last, so that it is the newest again.
    for (const child of [...node.children].reverse()) {
      region.addSubregion(Number(child.start - node.start), this.region(child), child.priority);
    }
    region.setEnabled(!node.disabled);
    if (node.nonvolatile) region.setNonvolatile(true);
    return region;
  }

  private remember(node: TreeNode): void {
    if (!node.alias) this.byName.set(node.name, node);
    for (const child of node.children) this.remember(child);
  }

  private make({ name, size: bytes, type, alias }: TreeNode): MemoryRegion {
    const { topology } = this;
    const size = Number(bytes);
    if (alias) return this.makeAlias(name, size, alias);
    if (type === 'ram' || type === 'ramd') return MemoryRegion.ram(topology, name, size);
    if (type === 'rom') return MemoryRegion.rom(topology, name, size);
    if (type === 'romd') return MemoryRegion.romDevice(topology, name, size, noHandlers());
    if (Containers.has(name)) return MemoryRegion.container(topology, name, size);
    return MemoryRegion.io(topology, name, size, noHandlers());
  }

  private makeAlias(name: string, size: number, { target, offset }: NonNullable<TreeNode['alias']>): MemoryRegion {
    const node = this.byName.get(target);
    if (!node) throw new Error(`info mtree: alias '${name}' points to '${target}', which is printed nowhere`);
    const alias = MemoryRegion.alias(this.topology, name, this.region(node), Number(offset), size);
    if (ReadOnlyAliases.has(name)) alias.setReadOnly(true);
    return alias;
  }
}

function noHandlers(): RegionOps {
  return new RegionOps({ device: null, routes: [] });
}
