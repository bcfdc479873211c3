import { describeJson, isJsonObject, type Json, type JsonReader } from '../base/json-reader.ts';

/** Every difference between what a snapshot says and what is there; an option that was added since is none. */
export function compare(saved: JsonReader, present: Json, how: 'exactly' | 'what was saved' = 'what was saved'): void {
  if (!isJsonObject(present)) {
    if (!isEqual(saved.data, present)) saved.refuse(`expected ${show(present)}, found ${show(saved.data)}`);
    return;
  }
  if (!isJsonObject(saved.data)) {
    saved.refuse(`expected an object, found ${describeJson(saved.data)}`);
    return;
  }
  for (const [name, member] of saved.entries()) {
    const value = present[name];
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
  return isShort ? JSON.stringify(data).slice(0, 200) : describeJson(data);
}

function isEqual(saved: unknown, present: Json): boolean {
  if (!Array.isArray(present)) return saved === present;
  return Array.isArray(saved) && saved.length === present.length && present.every((one, index) => saved[index] === one);
}
