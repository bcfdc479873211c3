import { JsonReader } from '../../base/json-reader.ts';
import { Counting, Timer } from '../../clock/index.ts';
import { bytesOf, isShared, ownerAt } from './device-fields.ts';

/** Copies fields from one device to another of its class. */
export function transplant(from: object, to: object, names: readonly string[]): void {
  for (const name of names) {
    const [source, target] = [ownerAt(from, name), ownerAt(to, name)];
    const [first = '', ...rest] = source.rest.split('.');
    copyInto(source.owner as Parts, target.owner as Parts, first, rest, new Set());
  }
}

type Parts = Record<string, unknown>;

function copyInto(from: Parts, to: Parts, name: string, rest: readonly string[], seen: Set<unknown>): void {
  const source = from[name];
  const target = to[name];
  const [next, ...further] = rest;
  if (next !== undefined) {
    if (isParts(source) && isParts(target)) copyInto(source, target, next, further, seen);
  } else if (ArrayBuffer.isView(source) && ArrayBuffer.isView(target)) {
    bytesOf(target).set(bytesOf(source));
  } else if (source instanceof Timer && target instanceof Timer) {
    target.arm(source.deadline);
  } else if (source instanceof Counting && target instanceof Counting) {
    target.read(new JsonReader(source.save(), '', []))();
    target.timer.arm(source.timer.deadline);
  } else if (isParts(source) && isParts(target) && !seen.has(source) && !isShared(source)) {
    seen.add(source);
    for (const part of Object.keys(source)) copyInto(source, target, part, [], seen);
  } else if (!isParts(source) && typeof source !== 'function') {
    to[name] = source;
  }
}

const isParts = (value: unknown): value is Parts => typeof value === 'object' && value !== null;
