import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

it.each([
  { flags: [], expected: [true, 5050] },
  { flags: ['--disallow-code-generation-from-strings'], expected: [false, 5050] },
])('a port that is used often answers the same where $flags', ({ flags, expected }) => {
  const program = fileURLToPath(new URL('made-code-program.ts', import.meta.url));
  const printed = execFileSync(process.execPath, [...flags, '--import', 'tsx', program], { encoding: 'utf8' });
  expect(JSON.parse(printed)).toEqual(expected);
});
