import type { DeviceInstance } from '../class-metadata.ts';
import type { AccessModel, DataPort, RegisterCode, RegistersCode } from './access-model.ts';
import type { RegisterHelpers } from './byte-enables.ts';
import { chosenIndex, type IndexedPlace } from './model.ts';
import { type Bits, narrowBits, type Value, wideBits } from './register-bits.ts';

// What the compiler prints, as closures over the same model, for where no code may be made from text.

export function interpretRegisters(
  models: readonly AccessModel[],
  ports: readonly DataPort[],
  helpers: RegisterHelpers,
): RegistersCode {
  const registers = models.map((model, number) =>
    model.isBig ? codeOf(model, wideBits(model), number, helpers) : codeOf(model, narrowBits(model), number, helpers),
  );
  return {
    registers,
    ports: ports.map((port) => portCode(port, models, registers, helpers)),
  };
}

type Fields<T> = Record<string, T>;
type Hook<V> = (value: V, previousOrIndex: V | number, index?: number) => V | undefined;

function codeOf<V extends Value>(
  model: AccessModel,
  bits: Bits<V>,
  number: number,
  { logs, locksOf, cutRead, cutWrite, cutReadWide, cutWriteWide }: RegisterHelpers,
): RegisterCode {
  const { register, masks, stores, bytes, isBig, isExtended, isWide, reads, writes } = model;
  const { bank, offset: begin, member, count, stride = 0, indexedBy, fields, readHook, writeHook } = register;
  const log = logs[number];
  const hooksOf = (kind: 'readHook' | 'writeHook') =>
    fields.flatMap((field) => (field[kind] === undefined ? [] : [{ ...bits.field(field), method: field[kind] }]));
  const [readHooks, writeHooks] = [hooksOf('readHook'), hooksOf('writeHook')];
  const isUnimplemented = register.access === 'unimplemented';
  const isReported = (masks.reserved | masks.reported) !== 0n;
  const [isCleared, isLocked, isTriggering] = [masks.readToClear !== 0n, masks.once !== 0n, masks.trigger !== 0n];
  /** A write stores what it brings, and nothing else happens. */
  const isPlain =
    stores && masks.taken === masks.all && masks.reported === 0n && writeHooks.length === 0 && writeHook === undefined;
  // One way for a field and another for an array: what is looked up by text and by number at one place is slow.
  const get =
    count === undefined
      ? (held: object, _index: number) => (held as Fields<V>)[member] as V
      : (held: object, index: number) => ((held as Fields<V[]>)[member] as V[])[index] as V;
  const set =
    count === undefined
      ? (held: object, _index: number, value: V) => {
          (held as Fields<V>)[member] = value;
        }
      : (held: object, index: number, value: V) => {
          ((held as Fields<V[]>)[member] as V[])[index] = value;
        };

  // A hook's method that is gone throws, as it does in compiled code.
  const read = (device: DeviceInstance, index: number, lanes: V): V => {
    if (isUnimplemented) log?.read(device, index);
    const hooks = device as unknown as Fields<Hook<V>>;
    const held = register.kind === 'trigger' ? bits.zero : get(device, index);
    let value = bits.shown(held);
    if (isCleared) set(device, index, bits.cleared(held, lanes));
    for (const field of readHooks) {
      if (!field.isTouched(lanes)) continue;
      const answer = (hooks[field.method] as Hook<V>)(field.of(value), index);
      if (answer !== undefined) value = field.with(value, answer);
    }
    if (readHook === undefined) return value;
    const answer = (hooks[readHook] as Hook<V>)(value, index);
    return answer === undefined ? value : answer;
  };
  const writeStored = (device: DeviceInstance, value: V, index: number, lanes: V, isWhole: boolean): void => {
    if (isPlain && isWhole) {
      set(device, index, value);
      return;
    }
    const hooks = device as unknown as Fields<Hook<V>>;
    const held = get(device, index);
    const previous = bits.held(held);
    if (isReported && bits.isReported(value, previous, lanes)) {
      log?.written(device, index, bits.seen(value, previous, lanes, isWhole), previous);
    }
    const free = !isLocked ? bits.zero : takeLocks(locksOf(device), index, lanes);
    let now = bits.written(value, previous, lanes, free, isWhole);
    if (stores && bits.differ(now, held)) set(device, index, now);
    if (isTriggering) now = bits.both(now, bits.triggered(value, lanes));
    for (const field of writeHooks) {
      if (!field.isTouched(lanes)) continue;
      const kept = (hooks[field.method] as Hook<V>)(field.of(now), field.of(previous), index);
      if (kept === undefined || !stores) continue;
      now = field.with(now, kept);
      set(device, index, keepable(field.with(get(device, index), kept)));
    }
    if (writeHook === undefined) return;
    const kept = (hooks[writeHook] as Hook<V>)(now, previous, index);
    if (kept !== undefined && stores) set(device, index, bits.kept(kept));
  };
  const keepable = (value: V): V => (isTriggering ? bits.kept(value) : value);
  const trigger = (device: DeviceInstance, value: V, index: number, lanes: V, isWhole: boolean): void => {
    const hooks = device as unknown as Fields<Hook<V>>;
    if (isReported && bits.isReported(value, bits.zero, lanes)) {
      log?.written(device, index, bits.seen(value, bits.zero, lanes, isWhole), bits.zero);
    }
    const now = bits.triggered(value, lanes);
    for (const field of writeHooks) {
      if (field.isTouched(lanes)) (hooks[field.method] as Hook<V>)(field.of(now), bits.zero, index);
    }
    (hooks[member] as Hook<V>)(now, index);
  };
  const write = register.kind === 'trigger' ? trigger : writeStored;
  /** Write-once bits that were still free become locked by this write. */
  const takeLocks = (locks: object, index: number, lanes: V): V => {
    const locked = get(locks, index);
    const free = bits.free(locked, lanes);
    set(locks, index, bits.locked(locked, free));
    return free;
  };
  const startOf = (offset: number) => (bank.mirrored ? offset % bank.size : offset);
  /** The index of an indexed array is found by its data port; others work it out from the offset. */
  const indexAt = (start: number, chosen = 0) =>
    indexedBy !== undefined ? chosen : count === undefined ? 0 : ((start - begin) / stride) | 0;
  const inside = (start: number, index: number) => start - begin - (indexedBy === undefined ? index * stride : 0);
  const isWhole = (size: number, at: number) => isExtended || (!isBig && size === bytes && at === 0);

  const isInside = (at: number, size: number) => !isBig && at + size <= bytes;
  const shiftOf = (at: number, size: number) => 8 * (bank.endianness === 'big' ? bytes - at - size : at);
  const lanesOf = (size: number, shift: number) => (((size > 3 ? -1 : (1 << (8 * size)) - 1) << shift) >>> 0) as V;
  const readInside = (device: DeviceInstance, at: number, size: number, index: number): number => {
    const shift = shiftOf(at, size);
    return (read(device, index, lanesOf(size, shift)) as number) >>> shift;
  };
  const writeInside = (device: DeviceInstance, value: number, at: number, size: number, index: number): void => {
    const shift = shiftOf(at, size);
    write(device, (value << shift) as V, index, lanesOf(size, shift), false);
  };

  const reading: RegisterCode = {
    read(offset, size, chosen) {
      const start = startOf(offset);
      const index = indexAt(start, chosen);
      const at = inside(start, index);
      if (!isWhole(size, at))
        return isInside(at, size) ? readInside(this, at, size, index) : cutRead(this, number, start, size);
      const value = read(this, index, bits.all);
      return isBig ? Number(BigInt.asUintN(8 * size, value as bigint)) : (value as number);
    },
    readLanes(index, lanes) {
      return read(this, index, lanes);
    },
    ...(isWide && {
      readWide(offset) {
        const start = startOf(offset);
        const index = indexAt(start);
        return inside(start, index) === 0 ? (read(this, index, bits.all) as bigint) : cutReadWide(this, number, start);
      },
    }),
  };
  /** Most registers: what is written is all that happens, and always at one offset. */
  const isStored = isPlain && !isBig && !isExtended && count === undefined && indexedBy === undefined && !bank.mirrored;
  const store: RegisterCode['write'] = function (value, offset, size) {
    if (size === bytes && offset === begin) (this as unknown as Fields<number>)[member] = value;
    else if (isInside(offset - begin, size)) writeInside(this, value, offset - begin, size, 0);
    else cutWrite(this, number, value, offset, size);
  };
  const writing: RegisterCode = {
    write(value, offset, size, chosen) {
      const start = startOf(offset);
      const index = indexAt(start, chosen);
      const at = inside(start, index);
      if (!isWhole(size, at)) {
        if (isInside(at, size)) writeInside(this, value, at, size, index);
        else cutWrite(this, number, value, start, size);
      } else
        write(
          this,
          (isBig ? BigInt(value) : bytes < 4 ? value & (bits.all as number) : value) as V,
          index,
          bits.all,
          true,
        );
    },
    writeLanes(value, index, lanes) {
      write(this, value, index, lanes, isBig && !bits.differ(lanes, bits.all));
    },
    ...(isWide && {
      writeWide(value, offset) {
        const start = startOf(offset);
        const index = indexAt(start);
        if (inside(start, index) === 0) write(this, value as V, index, bits.all, true);
        else cutWriteWide(this, number, value, start);
      },
    }),
  };
  return { ...(reads && reading), ...(writes && writing), ...(writes && isStored && { write: store }) };
}

/** What stands in the index register says whose code runs. */
function portCode(
  { first, numbers }: DataPort,
  models: readonly AccessModel[],
  registers: readonly RegisterCode[],
  { absentRead, absentWrite }: RegisterHelpers,
): RegisterCode {
  const place = first.indexedBy as IndexedPlace;
  const all = numbers.map((number) => {
    const { register, reads, writes } = models[number] as AccessModel;
    const { index } = register.indexedBy as IndexedPlace;
    return { index, count: register.count ?? 1, stride: register.stride ?? 1, reads, writes, ...registers[number] };
  });
  const [readable, writable] = [all.filter(({ reads }) => reads), all.filter(({ writes }) => writes)];
  const stepOf = (chosen: number, { index, stride }: (typeof all)[number]) => (chosen - index) / stride;
  const find = (some: typeof all, chosen: number) =>
    some.find((one) => {
      const step = stepOf(chosen, one);
      return step >= 0 && step < one.count && Number.isInteger(step);
    });
  const chosenOf = (device: object) => chosenIndex(place, (device as Fields<number>)[place.indexMember] as number);
  return {
    read(offset, size) {
      const chosen = chosenOf(this);
      const found = find(readable, chosen);
      if (found?.read !== undefined) return found.read.call(this, offset, size, stepOf(chosen, found));
      return absentRead(this, numbers[0] as number, chosen);
    },
    write(value, offset, size) {
      const chosen = chosenOf(this);
      const found = find(writable, chosen);
      if (found?.write !== undefined) found.write.call(this, value, offset, size, stepOf(chosen, found));
      else absentWrite(this, numbers[0] as number, chosen);
    },
  };
}
