import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const checkout = fileURLToPath(new URL('../../', import.meta.url));
const leftOut = ['node_modules', '.git', 'dist', 'coverage'];

/** Packs the checkout from a copy of it, so that tests that run at the same time do not build into one `dist`. */
export function packedTarball(folder: string): string {
  const copy = join(folder, 'copy');
  mkdirSync(copy);
  for (const name of readdirSync(checkout)) {
    if (!leftOut.includes(name)) cpSync(join(checkout, name), join(copy, name), { recursive: true });
  }
  symlinkSync(join(checkout, 'node_modules'), join(copy, 'node_modules'));
  const words = ['pack', '--json', '--silent', '--pack-destination', folder];
  const [packed] = JSON.parse(execFileSync('npm', words, { cwd: copy, encoding: 'utf8', stdio: 'pipe' })) as [
    { filename: string },
  ];
  return join(folder, packed.filename);
}
