import type { CaseBuilder, Width } from './case-builder.ts';
import { accessing, type Form } from './form.ts';
import { Place } from './layout.ts';
import { Flag } from './undefined-flags.ts';

const Ecx = 1;
const Esi = 6;
const Edi = 7;
const Longest = 6;

/** Points a register at the memory of the case, so that a string of this length stays in it in either direction. */
function pointTo(c: CaseBuilder, register: number, base: number, reach: number): void {
  const isDown = (c.flags & Flag.df) !== 0;
  const size = c.highest - c.lowest;
  const offset = c.lowest + (isDown ? Math.max(0, reach - 4) : 0) + c.random.below(Math.max(1, size - reach));
  const address = base + offset;
  const isFull = c.address32;
  c.fix(register, (isFull ? address : (c.registers[register]! & ~0xffff) | (address & 0xffff)) >>> 0);
}

function string(name: string, opcode: number, uses: 'source' | 'destination' | 'both', compares = false): Form {
  return accessing(name, 3, (c) => {
    const width: Width = c.random.oneIn(3) ? 8 : c.wide();
    const isRepeated = c.random.below(3) > 0;
    let elements = 1;
    if (isRepeated) {
      c.prefixes.push(compares ? c.random.pick([0xf2, 0xf3]) : c.random.oneIn(8) ? 0xf2 : 0xf3);
      elements = c.random.below(Longest + 1);
      c.fix(Ecx, (c.address32 ? elements : (c.registers[Ecx]! & ~0xffff) | elements) >>> 0);
    }
    const reach = Math.max(1, elements) * (width / 8);
    // The override is of the source; the destination is in ES, which begins at 0.
    // Of two pages that are not present, each processor may meet the one or the other first: one string is elsewhere.
    const isSourceElsewhere = uses === 'both' && c.random.oneIn(2);
    const isDestinationElsewhere = uses === 'both' && !isSourceElsewhere;
    if (uses !== 'destination') pointTo(c, Esi, c.effective(isSourceElsewhere ? Place.result : c.area), reach);
    if (uses !== 'source') pointTo(c, Edi, isDestinationElsewhere ? Place.result : c.area, reach);
    if (compares && uses === 'both' && c.random.oneIn(2) && c.area === Place.result) sameStart(c);
    c.emit(opcode + (width === 8 ? 0 : 1));
    if (compares && uses === 'destination' && c.random.oneIn(2)) {
      const offset = (c.registers[Edi]! - c.area) & 0xffff;
      if (offset + 4 <= 92) c.registers[0] = c.memory(offset, 32);
    }
  });
}

/** Both strings are one: all elements are equal. */
function sameStart(c: CaseBuilder): void {
  const linear = c.registers[Esi]! + c.segmentBase;
  c.registers[Edi] = (c.address32 ? linear : (c.registers[Edi]! & ~0xffff) | (linear & 0xffff)) >>> 0;
}

export const stringForms: readonly Form[] = [
  string('movs', 0xa4, 'both'),
  string('cmps', 0xa6, 'both', true),
  string('stos', 0xaa, 'destination'),
  string('lods', 0xac, 'source'),
  string('scas', 0xae, 'destination', true),
];
