import { basename, dirname } from 'node:path';
import type { SourceFile } from './source-files.ts';

const Many = 5;

type Imports = ReadonlyMap<string, readonly string[]>;

/** What each file imports: in any form, or what it needs to be loaded. */
export function importsOf(files: readonly Pick<SourceFile, 'path' | 'imports'>[], form?: 'value'): Imports {
  return new Map(
    files.map(({ path, imports }) => [
      path,
      imports.filter((one) => form === undefined || one.form === form).flatMap(({ file = [] }) => file),
    ]),
  );
}

/** Groups of files or rooms that import each other, directly or not; each sorted, and sorted by their first. */
export function circlesOf(edges: Imports): string[][] {
  const order = new Map<string, number>();
  const lowest = new Map<string, number>();
  const open: string[] = [];
  const circles: string[][] = [];
  // Tarjan's strongly connected components.
  const visit = (path: string): void => {
    order.set(path, order.size);
    lowest.set(path, order.get(path) as number);
    open.push(path);
    for (const target of edges.get(path) ?? []) {
      if (!edges.has(target)) continue;
      const isNew = !order.has(target);
      if (isNew) visit(target);
      if (!isNew && !open.includes(target)) continue;
      lowest.set(path, Math.min(lowest.get(path) as number, lowest.get(target) as number));
    }
    if (lowest.get(path) !== order.get(path)) return;
    const circle = open.splice(open.indexOf(path));
    if (circle.length > 1 || edges.get(path)?.includes(path)) circles.push(circle.sort());
  };
  for (const path of edges.keys()) if (!order.has(path)) visit(path);
  return circles.sort((a, b) => ((a[0] as string) < (b[0] as string) ? -1 : 1));
}

/** `sdk/bus/pci-*` for each folder with five files or more of one prefix. */
export function filesWithOnePrefix(paths: readonly string[]): string[] {
  const counts = new Map<string, number>();
  for (const path of paths) {
    const prefix = /^([a-z0-9]+)-/.exec(basename(path))?.[1];
    if (prefix === undefined) continue;
    const pattern = `${dirname(path)}/${prefix}-*`;
    counts.set(pattern, (counts.get(pattern) ?? 0) + 1);
  }
  return [...counts].filter(([, count]) => count >= Many).map(([pattern]) => pattern);
}
