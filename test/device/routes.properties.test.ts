import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { HandlerDeclaration, HandlerRoute } from '../../sdk/device/regions/region.ts';
import { routesOf } from '../../sdk/device/regions/routes.ts';
import { mmioRegion } from '../../sdk/index.ts';

const Size = 16;
const Widths = [1, 2, 4, 8];
const region = mmioRegion({ name: 'registers', size: Size, accessSizes: Widths });
const fail = (why: string) => new RangeError(why) as never;

const declaration = fc.record({
  isWrite: fc.boolean(),
  form: fc.constantFrom('plain' as const, '64-bit' as const),
  offset: fc.option(fc.nat(Size - 1), { nil: undefined }),
  length: fc.option(fc.integer({ min: 1, max: Size }), { nil: undefined }),
  sizes: fc.option(fc.subarray(Widths, { minLength: 1 }), { nil: undefined }),
});
const declarations = (prefix: string) =>
  fc
    .array(declaration, { maxLength: 5 })
    .map((all) => all.map((one, index) => ({ ...one, method: `${prefix}${index}` })));

function routes(
  own: readonly HandlerDeclaration[],
  inherited: readonly HandlerRoute[] = [],
): HandlerRoute[] | undefined {
  try {
    return routesOf(region, own, inherited, fail);
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

const isFallback = ({ offset, length }: HandlerRoute) => offset === 0 && length === Number.POSITIVE_INFINITY;

/** The methods that would be called, the ones that stand at an offset first. */
function takers(all: readonly HandlerRoute[], isWrite: boolean, offset: number, size: number): string[] {
  const fitting = all.filter(
    (route) =>
      route.isWrite === isWrite &&
      route.sizes.includes(size) &&
      offset >= route.offset &&
      offset < route.offset + route.length,
  );
  const standing = fitting.filter((route) => !isFallback(route));
  return (standing.length > 0 ? standing : fitting).map(({ method }) => method);
}

function everyAccess(check: (isWrite: boolean, offset: number, size: number) => void): void {
  for (const isWrite of [false, true]) {
    for (let offset = 0; offset < Size + 4; offset++) for (const size of Widths) check(isWrite, offset, size);
  }
}

describe('which handler takes an access', () => {
  it('is never in doubt in a class that was not refused', () => {
    fc.assert(
      fc.property(declarations('own'), (own) => {
        const all = routes(own);
        fc.pre(all !== undefined);
        everyAccess((isWrite, offset, size) => expect(takers(all, isWrite, offset, size).length).toBeLessThan(2));
      }),
      { numRuns: 80 },
    );
  });

  it("is the subclass's own where it has one, and else what it was in the base", () => {
    fc.assert(
      fc.property(declarations('base'), declarations('own'), (base, own) => {
        const inherited = routes(base);
        const alone = routes(own);
        fc.pre(inherited !== undefined && alone !== undefined);
        const both = routes(own, inherited) as HandlerRoute[];
        const standing = (all: readonly HandlerRoute[]) => all.filter((route) => !isFallback(route));
        everyAccess((isWrite, offset, size) => {
          const from = (all: readonly HandlerRoute[]) => takers(all, isWrite, offset, size);
          const order = [standing(alone), standing(inherited), alone, inherited].map(from);
          expect(from(both)).toEqual(order.find((methods) => methods.length > 0) ?? []);
        });
      }),
      { numRuns: 120 },
    );
  });
});
