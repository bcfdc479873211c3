import { transformSync } from 'esbuild';
import { describe, it } from 'vitest';
import * as sdk from '../../sdk/index.ts';
import { expectRefusal } from '../refusal.ts';

/** Runs a class as a tool compiles it that was not told of experimentalDecorators: with the standard's decorators. */
function define(body: string): void {
  const { code } = transformSync(body, { loader: 'ts', target: 'es2022', tsconfigRaw: {} });
  const exported = new Map(Object.entries(sdk));
  new Function(...exported.keys(), code)(...exported.values());
}

const regions = `const regs = mmioRegion({ name: 'regs', size: 16 }); const modes = regs.register(0, { width: 8 });`;
describe('A device whose tool compiled its decorators in the standard dialect is told what to set', () => {
  it.each([
    ['a register', `@modes modes = 0;`, "'modes'", "'regs'"],
    ['a field that is state', `@state count = 0;`, "'count'", '@state'],
    ['a field that is state since version 2', `@state({ since: 2 }) count = 0;`, "'count'", '@state'],
    ['a handler', `@regs.read(4) look() { return 1; }`, "'look'", "'regs'"],
    ['the hook of a register', `@modes.onWrite() set() {}`, "'set'", "'regs'"],
  ])('by %s', (_what, member, ...named) => {
    const chip = `${regions} class Chip extends IsaDevice { ${member} }`;
    expectRefusal(() => define(chip), 'standard-decorator', '"experimentalDecorators": true', ...named);
  });

  it('by @device', () => {
    const chip = `@device({ type: 'chip', description: 'a chip' }) class Chip extends IsaDevice {}`;
    expectRefusal(() => define(chip), 'standard-decorator', "'Chip'", '@device', '"experimentalDecorators": true');
  });
});
