import { transformSync } from 'esbuild';
import { describe, expect, it } from 'vitest';
import * as sdk from '../../sdk/index.ts';

/** Runs a class as a tool compiles it that was not told of experimentalDecorators: with the standard's decorators. */
function define(body: string): void {
  const { code } = transformSync(body, { loader: 'ts', target: 'es2022', tsconfigRaw: {} });
  const exported = new Map(Object.entries(sdk));
  new Function(...exported.keys(), code)(...exported.values());
}

const regions = `const regs = mmioRegion({ name: 'regs', size: 16 }); const modes = regs.register(0, { width: 8 });`;
const remedy =
  `was compiled as a standard decorator, and the decorators of a device are TypeScript's own: they also stand on constructor ` +
  `parameters. Set "experimentalDecorators": true in the tsconfig.json that includes this file; files that the backplane command loads need none.`;

describe('A device whose tool compiled its decorators in the standard dialect is told what to set', () => {
  it.each([
    ['a register', `@modes modes = 0;`, `Member 'modes': the register at 0x0 of region 'regs' ${remedy}`],
    ['a field that is state', `@state count = 0;`, `Member 'count': @state ${remedy}`],
    ['a field that is state since version 2', `@state({ since: 2 }) count = 0;`, `Member 'count': @state ${remedy}`],
    ['a handler', `@regs.read(4) look() { return 1; }`, `Member 'look': a handler in region 'regs' ${remedy}`],
    [
      'the hook of a register',
      `@modes.onWrite() set() {}`,
      `Member 'set': the register at 0x0 of region 'regs' ${remedy}`,
    ],
  ])('by %s', (_what, member, message) => {
    expect(() => define(`${regions} class Chip extends IsaDevice { ${member} }`)).toThrow(message);
  });

  it('by @device', () => {
    const chip = `@device({ type: 'chip', description: 'a chip' }) class Chip extends IsaDevice {}`;
    expect(() => define(chip)).toThrow(`Class 'Chip': @device ${remedy}`);
  });
});
