import { describeData, type SavedReader } from '../accelerator/index.ts';
import type { Json } from '../device/index.ts';

/** Every difference between what a snapshot says and what is there; an option that was added since is none. */
export function compare(saved: SavedReader, present: Json, how: 'exactly' | 'what was saved' = 'what was saved'): void {
  if (!isRecord(present)) {
    if (!isEqual(saved.data, present)) saved.refuse(`expected ${show(present)}, found ${show(saved.data)}`);
    return;
  }
  if (!isRecord(saved.data)) {
    saved.refuse(`expected an object, found ${describeData(saved.data)}`);
    return;
  }
  for (const [name, member] of saved.entries()) {
    const value = (present as { readonly [key: string]: Json })[name];
    if (!Object.hasOwn(present, name) || value === undefined) member.refuse('is in the snapshot, and not here');
    else compare(member, value, how);
  }
  if (how !== 'exactly') return;
  const added = Object.keys(present).filter((name) => saved.member(name).data === undefined);
  for (const name of added) saved.member(name).refuse('is not in the snapshot');
}

/** Short lists are shown whole: what differs is inside. */
function show(data: unknown): string {
  const isShort = Array.isArray(data) && data.length <= 8 && data.every((one) => typeof one === 'string');
  return isShort ? JSON.stringify(data).slice(0, 200) : describeData(data);
}

function isEqual(saved: unknown, present: Json): boolean {
  if (!Array.isArray(present)) return saved === present;
  return Array.isArray(saved) && saved.length === present.length && present.every((one, index) => saved[index] === one);
}

function isRecord(data: unknown): data is object {
  return typeof data === 'object' && data !== null && !Array.isArray(data);
}
