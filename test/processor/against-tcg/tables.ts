import {
  AbsentGates,
  Alias,
  Code16Step,
  code16Segments,
  EndOfCase,
  FsBase,
  GsBase,
  Place,
  ramSizeFor,
  Selector,
} from './layout.ts';

/** Access bytes of descriptors. @see Intel SDM, volume 3, 3.4.5.1 */
const Access = { code: 0x9b, data: 0x93, readOnly: 0x91, executeOnly: 0x99, task: 0x89, absent: 0x80, ring3: 0x60 };
const Wide = 0xc0;
const Narrow = 0x00;
const InterruptGate = 0x8e00;
/** Exceptions that ring 3 may raise by INT3 and INTO. */
const ForRing3 = [3, 4, EndOfCase];

/** The descriptor tables, the task and the page tables of an image, written into its RAM. */
export function writeTables(ram: DataView, cases: number, labels: ReadonlyMap<string, number>): void {
  writeDescriptors(ram, cases);
  writeGates(ram, labels);
  // The stack of exceptions in ring 3.
  ram.setUint32(Place.task + 4, Place.kernelStack, true);
  ram.setUint32(Place.task + 8, Selector.stack, true);
  ram.setUint16(Place.task + 102, 104, true);
  writePages(ram, ramSizeFor(cases));
}

function writeDescriptors(ram: DataView, cases: number): void {
  const set = (selector: number, base: number, limit: number, access: number, size: number) => {
    const at = Place.descriptors + (selector & ~7);
    ram.setUint32(at, ((base << 16) | (limit & 0xffff)) >>> 0, true);
    ram.setUint8(at + 4, base >>> 16);
    ram.setUint8(at + 5, access);
    ram.setUint8(at + 6, size | ((limit >>> 16) & 15));
    ram.setUint8(at + 7, base >>> 24);
  };
  const flat = (selector: number, access: number, base = 0) => set(selector, base, 0xf_ffff, access, Wide);
  flat(Selector.code, Access.code);
  flat(Selector.stack, Access.data);
  flat(Selector.data, Access.data | Access.ring3);
  flat(Selector.userCode, Access.code | Access.ring3);
  flat(Selector.fs, Access.data | Access.ring3, FsBase);
  flat(Selector.gs, Access.data | Access.ring3, GsBase);
  set(Selector.stack16, 0, 0xffff, Access.data, Narrow);
  set(Selector.task, Place.task, 103, Access.task, Narrow);
  flat(Selector.absentData, (Access.data | Access.ring3) & ~Access.absent);
  flat(Selector.absentCode, Access.code & ~Access.absent);
  flat(Selector.executeOnly, Access.executeOnly);
  flat(Selector.absentStack, Access.data & ~Access.absent);
  flat(Selector.kernelData, Access.data);
  for (let index = 0; index < code16Segments(cases); index++) {
    set(code16(index, false, cases), Place.records + index * Code16Step, 0xffff, Access.code, Narrow);
    set(code16(index, true, cases), Place.records + index * Code16Step, 0xffff, Access.code | Access.ring3, Narrow);
  }
}

/** The selector of a segment of 16-bit code. */
export const code16 = (index: number, isRing3: boolean, cases: number): number =>
  Selector.firstCode16 + 8 * (isRing3 ? code16Segments(cases) + index : index) + (isRing3 ? 3 : 0);

function writeGates(ram: DataView, labels: ReadonlyMap<string, number>): void {
  for (let vector = 0; vector <= EndOfCase; vector++) {
    const at = Place.interruptTable + 8 * vector;
    const isAbsent = vector >= AbsentGates.first && vector < AbsentGates.end;
    const target = labels.get(`vector${isAbsent ? 0 : vector}`);
    if (target === undefined) continue;
    ram.setUint16(at, target & 0xffff, true);
    ram.setUint16(at + 2, Selector.code, true);
    const ring = ForRing3.includes(vector) ? 0x6000 : 0;
    ram.setUint16(at + 4, isAbsent ? 0x0e00 : InterruptGate | ring, true);
    ram.setUint16(at + 6, target >>> 16, true);
  }
}

/** Present, writable, for ring 3. @see Intel SDM, volume 3, 4.3 */
const Page = { present: 1, writable: 2, user: 4, accessed: 0x20, dirty: 0x40, large: 0x80 };
const All = Page.present | Page.writable | Page.user | Page.accessed | Page.dirty;

/** All of RAM at its own address, but for page 0 and the aliases. */
function writePages(ram: DataView, ramSize: number): void {
  ram.setUint32(Place.pageDirectory, Place.pageTable | All, true);
  for (let start = 0x40_0000; start < ramSize; start += 0x40_0000) {
    ram.setUint32(Place.pageDirectory + 4 * (start / 0x40_0000), start | All | Page.large, true);
  }
  const set = (linear: number, entry: number) => ram.setUint32(Place.pageTable + 4 * (linear >> 12), entry, true);
  for (let page = 0x1000; page < 0x40_0000; page += 0x1000) set(page, page | All);
  set(Alias.absent, 0x8000 | All);
  set(Alias.absentPage, 0);
  set(Alias.absentPage + 0x1000, 0x9000 | All);
  set(Alias.readOnly, 0x8000 | All);
  set(Alias.readOnly + 0x1000, 0x9000 | (All & ~Page.writable));
  set(Alias.supervisor, 0x8000 | (All & ~Page.user));
  set(Alias.supervisor + 0x1000, 0);
}
