import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../', import.meta.url));

export const guidesFolder = fileURLToPath(new URL('../../sdk/guides/', import.meta.url));
export const guideNames = readdirSync(guidesFolder)
  .filter((name) => /^\d\d-.*\.md$/.test(name))
  .sort();
export const readGuide = (name: string): string => readFileSync(`${guidesFolder}${name}`, 'utf8');

/** The pages that a user reads, in order. */
export const pages: readonly (readonly [name: string, path: string])[] = [
  ['README.md', `${root}README.md`],
  ['sdk/README.md', `${root}sdk/README.md`],
  ['sdk/guides/README.md', `${guidesFolder}README.md`],
  ...guideNames.map((name) => [`sdk/guides/${name}`, `${guidesFolder}${name}`] as const),
];
