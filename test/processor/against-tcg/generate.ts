import { Random } from '../../../sdk/testing/random.ts';
import { arithmeticForms } from './arithmetic-forms.ts';
import { CaseBuilder } from './case-builder.ts';
import { controlForms } from './control-forms.ts';
import { driver } from './driver.ts';
import { faultForms } from './fault-forms.ts';
import { chooser } from './form.ts';
import { In, Place, PoolSize, resultsAt } from './layout.ts';
import { moveForms } from './move-forms.ts';
import { selectorForms } from './selector-forms.ts';
import { stringForms } from './string-forms.ts';
import { writeTables } from './tables.ts';

const forms = [...arithmeticForms, ...moveForms, ...controlForms, ...stringForms, ...selectorForms];
const chooseForm = chooser(forms);
const chooseFault = chooser(faultForms(forms));

/** Cases of one seed; a case is the same wherever it is generated again. */
export interface Selection {
  readonly seed: number;
  readonly first: number;
  readonly count: number;
  /** Cases that are to raise an exception. */
  readonly faults: boolean;
}

/** Random bytes, and in between runs of equal ones and of extreme ones. */
export function writePool(pool: DataView, seed: number): void {
  const random = new Random(seed);
  for (let at = 0; at < PoolSize; at += 4) {
    const kind = random.below(8);
    const value = kind === 0 ? random.pick([0, 0xffff_ffff, 0x8000_0000, 0x7fff_ffff, 1]) : random.bits();
    pool.setUint32(at, kind === 1 ? Math.imul(value & 0xff, 0x0101_0101) >>> 0 : value, true);
  }
}

/** A case of a selection: what it is called, put together. `place`: where its record is in the image. */
export function buildCase(
  selection: Selection,
  index: number,
  place: number,
  cases: number,
  pool: DataView,
): CaseBuilder {
  const { seed, faults } = selection;
  const builder = new CaseBuilder(faults ? ~seed : seed, index, place, cases, pool);
  const form = (faults ? chooseFault : chooseForm)((limit) => builder.random.below(limit));
  builder.name = form.name;
  form.make(builder);
  return builder;
}

/** Writes a whole image into RAM, at its physical addresses. Returns where it is entered. */
export function writeImage(ram: DataView, selection: Selection): number {
  const { count, first, seed } = selection;
  const pool = new DataView(ram.buffer, ram.byteOffset + Place.pool, PoolSize);
  writePool(pool, seed);
  const code = writeDriver(ram, count);
  for (let place = 0; place < count; place++) {
    buildCase(selection, first + place, place, count, pool).finish(ram, Place.records + place * In.size, code.back);
  }
  return code.entry;
}

/** Everything of an image but the cases and the pool. */
export function writeDriver(ram: DataView, cases: number): { readonly entry: number; readonly back: number } {
  const { bytes, labels } = driver(Place.records + cases * In.size, resultsAt(cases));
  new Uint8Array(ram.buffer, ram.byteOffset + Place.driver, bytes.length).set(bytes);
  writeTables(ram, cases, labels);
  return { entry: Place.driver, back: labels.get('back') as number };
}
