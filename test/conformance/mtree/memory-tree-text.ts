/** What one line of `info mtree` says about a region; children are what stands below it, deeper by one level. */
export interface TreeNode {
  readonly name: string;
  readonly start: bigint;
  readonly size: bigint;
  readonly priority: number;
  readonly nonvolatile: boolean;
  readonly type: RegionType;
  readonly disabled: boolean;
  readonly alias: { readonly target: string; readonly offset: bigint } | undefined;
  readonly children: TreeNode[];
}

export type RegionType = 'ram' | 'rom' | 'romd' | 'ramd' | 'i/o';

export interface TreeText {
  /** Address spaces by root; several names share one. */
  readonly spaces: readonly { readonly names: readonly string[]; readonly root: TreeNode }[];
  /** What aliases point to, each printed as a tree of its own. */
  readonly targets: readonly TreeNode[];
}

const Line =
  /^( +)([0-9a-f]{16})-([0-9a-f]{16}) \(prio (-?\d+), (nv-)?(ramd|romd|rom|ram|i\/o)\): (.+?)( \[disabled\])?$/;
const Alias = /^alias (.+) @(.+) ([0-9a-f]{16})-[0-9a-f]{16}$/;

/** Reads the text of `info mtree -D`, which prints disabled regions as well. */
export function parseMemoryTree(text: string): TreeText {
  const spaces: { names: string[]; root: TreeNode }[] = [];
  const targets: TreeNode[] = [];
  let names: string[] = [];
  let path: TreeNode[] = [];
  for (const line of text.split('\n')) {
    const space = /^address-space: (.+)$/.exec(line);
    if (space) names.push(space[1] as string);
    if (space || line === '' || line.startsWith('memory-region: ')) {
      path = [];
      continue;
    }
    const { depth, node } = parseLine(line);
    const parent = path[depth - 2];
    if (parent) parent.children.push(node);
    else if (names.length > 0) spaces.push({ names, root: node });
    else targets.push(node);
    if (!parent) names = [];
    path = [...path.slice(0, depth - 1), node];
  }
  return { spaces, targets };
}

function parseLine(line: string): { depth: number; node: TreeNode } {
  const match = Line.exec(line);
  if (!match) throw new Error(`info mtree: cannot read the line '${line}'`);
  const [, indent = '', start, end, priority, nonvolatile, type, rest = '', disabled] = match;
  const alias = Alias.exec(rest);
  return {
    depth: indent.length / 2,
    node: {
      name: alias?.[1] ?? rest,
      start: BigInt(`0x${start}`),
      size: BigInt(`0x${end}`) - BigInt(`0x${start}`) + 1n,
      priority: Number(priority),
      nonvolatile: nonvolatile !== undefined,
      type: type as RegionType,
      disabled: disabled !== undefined,
      alias: alias ? { target: alias[2] as string, offset: BigInt(`0x${alias[3]}`) } : undefined,
      children: [],
    },
  };
}

/**
 * The text of `info mtree -f` in an order of our own: views by their text, the names of the spaces that share a view
 * sorted. QEMU prints views in the order of a hash table, and marks what KVM maps.
 */
export function canonicalFlatViews(text: string): string {
  const views = text.split(/^FlatView #\d+\n/m).filter((view) => view.trim() !== '');
  return views.map(canonicalView).sort().join('\n');
}

function canonicalView(view: string): string {
  const lines = view.split('\n').filter((line) => line !== '');
  const spaces = lines.filter((line) => line.startsWith(' AS ')).sort();
  const others = lines.filter((line) => !line.startsWith(' AS '));
  return [...spaces, ...others.map((line) => line.replace(/ KVM$/, '')), ''].join('\n');
}

/** The trees of `info mtree`, sorted: QEMU prints them in the order of a hash table, targets as it meets them. */
export function canonicalTrees(text: string): string[] {
  return text.trimEnd().split('\n\n').sort();
}
