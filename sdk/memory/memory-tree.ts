import { printable } from '../base/text.ts';
import { formatAddress } from './address-range.ts';
import type { FlatRange, FlatView } from './flat-view.ts';
import type { MappedSpace } from './memory-listener.ts';
import type { MemoryRegion } from './memory-region.ts';
import type { MemoryTopology } from './topology.ts';

// The text of QEMU's `info mtree` and `info mtree -f`, character by character, so that both can be compared with diff.
// Ends are inclusive. Arithmetic is in 64-bit bigints: a container of 2^64 bytes ends at ffffffffffffffff.

export interface MemoryTreeOptions {
  /** Also print disabled regions (`-D`). Their enabled children are printed in any case. */
  readonly disabled?: boolean | undefined;
  /** Also print who owns each region (`-o`). */
  readonly owners?: boolean | undefined;
}

/** The outermost region around a region, and where it is in that. */
export function placeInTree(region: MemoryRegion): [root: MemoryRegion, address: number] {
  let address = 0;
  let at = region;
  for (; at.container !== undefined; at = at.container) address += at.address;
  return [at, address];
}

/** `info mtree`: each space's tree, then the tree of everything an alias leads to. */
export function formatMemoryTree(spaces: readonly MappedSpace[], options: MemoryTreeOptions = {}): string {
  const lines: string[] = [];
  const targets = new Set<MemoryRegion>();
  for (const [root, names] of groupByRoot(spaces)) {
    for (const name of names.sort()) lines.push(`address-space: ${name}`);
    printTree(root, 1, 0n, options, targets, lines);
    lines.push('');
  }
  // The set grows while it is walked: a target may hold further aliases.
  for (const target of targets) {
    lines.push(`memory-region: ${target.name}`);
    printTree(target, 1, 0n, options, targets, lines);
    lines.push('');
  }
  return ended(lines);
}

/** `info mtree -f`: what each flat view leads to, and which spaces share it. */
export function formatFlatViews(topology: MemoryTopology, options: MemoryTreeOptions = {}): string {
  const sharers = new Map<FlatView, MappedSpace[]>();
  for (const space of topology.addressSpaces) {
    const known = sharers.get(space.flatView);
    if (known === undefined) sharers.set(space.flatView, [space]);
    else known.push(space);
  }
  const lines: string[] = [];
  let number = 0;
  for (const [view, spaces] of sharers) {
    lines.push(`FlatView #${number++}`);
    for (const { name, root } of spaces) {
      lines.push(` AS "${name}", root: ${root.name}${root.aliasTarget ? `, alias ${root.aliasTarget.name}` : ''}`);
    }
    lines.push(` Root memory region: ${view.root?.name ?? '(none)'}`);
    if (view.ranges.length === 0) lines.push('  No rendered FlatView');
    for (const range of view.ranges) lines.push(`  ${flatLine(range, options)}`);
    lines.push('');
  }
  return ended(lines);
}

/** A name that has a line break in it begins no line of its own. */
function ended(lines: readonly string[]): string {
  return lines.length === 0 ? '' : `${lines.map(printable).join('\n')}\n`;
}

function groupByRoot(spaces: readonly MappedSpace[]): Map<MemoryRegion, string[]> {
  const groups = new Map<MemoryRegion, string[]>();
  for (const { root, name } of spaces) {
    const names = groups.get(root);
    if (names === undefined) groups.set(root, [name]);
    else names.push(name);
  }
  return groups;
}

function printTree(
  region: MemoryRegion,
  level: number,
  base: bigint,
  options: MemoryTreeOptions,
  targets: Set<MemoryRegion>,
  lines: string[],
): void {
  const start = BigInt.asUintN(64, base + BigInt(region.address));
  const end = BigInt.asUintN(64, start + lastOffset(region.size));
  const wraps = start < base || end < start;
  if (region.aliasTarget !== undefined) targets.add(region.aliasTarget);
  if (region.enabled || options.disabled === true) {
    const what = `(prio ${region.priority}, ${nv(region.nonvolatile)}${typeOf(region)}): ${nameOf(region)}`;
    const suffix = `${region.enabled ? '' : ' [disabled]'}${options.owners === true ? ownerOf(region) : ''}`;
    lines.push(
      `${wraps ? overflow : ''}${'  '.repeat(level)}${formatAddress(start)}-${formatAddress(end)} ${what}${suffix}`,
    );
  }
  // A hidden region's children keep their own level.
  const byAddress = [...region.children].sort((a, b) => a.address - b.address || b.priority - a.priority);
  for (const child of byAddress) printTree(child, level + 1, start, options, targets, lines);
}

const overflow = '[DETECTED OVERFLOW!] ';

function nameOf(region: MemoryRegion): string {
  if (region.aliasTarget === undefined) return region.name;
  const first = BigInt(region.aliasOffset);
  const last = first + lastOffset(region.size);
  return `alias ${region.name} @${region.aliasTarget.name} ${formatAddress(first)}-${formatAddress(last)}`;
}

function flatLine(range: FlatRange, options: MemoryTreeOptions): string {
  const { region, offsetInRegion } = range;
  const end = BigInt(range.end) - 1n;
  const type = range.readOnly ? 'rom' : typeOf(region);
  const offset = offsetInRegion === 0 ? '' : ` @${formatAddress(offsetInRegion)}`;
  const owner = options.owners === true ? ownerOf(region) : '';
  return (
    `${formatAddress(range.start)}-${formatAddress(end)} ` +
    `(prio ${region.priority}, ${nv(range.nonvolatile)}${type}): ${region.name}${offset}${owner}`
  );
}

/** An empty region is printed as if it had one byte. */
function lastOffset(size: number): bigint {
  return size === 0 ? 0n : BigInt(size) - 1n;
}

function nv(nonvolatile: boolean): string {
  return nonvolatile ? 'nv-' : '';
}

function typeOf(region: MemoryRegion): string {
  if (region.aliasTarget !== undefined) return typeOf(region.aliasTarget);
  if (region.kind === 'rom-device') return region.romdMode ? 'romd' : 'i/o';
  if (region.kind === 'ram' || region.kind === 'rom') return region.readOnly ? 'rom' : 'ram';
  return 'i/o';
}

function ownerOf({ owner }: MemoryRegion): string {
  return owner === undefined ? ' orphan' : ` owner:{dev id=${owner.id}}`;
}
