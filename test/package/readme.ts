import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export const checkout = fileURLToPath(new URL('../../', import.meta.url));
export const readme = `${checkout}README.md`;

/** `<!-- file: PATH -->`, or `<!-- output: backplane WORDS -->` or `tsx FILE`, each with `; from: REGEXP; to: REGEXP`, and the block below. */
const block = /<!-- (file|output): (.+?) -->\n```(\w+)\n[\s\S]*?```/g;

/** The README with each marked block filled in anew: with the file it shows, or with what the command prints now. */
export function renderReadme(text: string): string {
  return text.replaceAll(block, (_, kind: string, what: string, language: string) => {
    const [source = '', ...limits] = what.split('; ');
    const content = kind === 'file' ? readFileSync(`${checkout}${source}`, 'utf8') : outputOf(source);
    return `<!-- ${kind}: ${what} -->\n\`\`\`${language}\n${partOf(content, limits, what)}\n\`\`\``;
  });
}

/** The files of which a page shows all or a part. */
export function markedFiles(text: string): string[] {
  return [...text.matchAll(block)]
    .filter(([, kind]) => kind === 'file')
    .map(([, , what]) => what?.split('; ')[0] ?? '');
}

function outputOf(command: string): string {
  const [program, ...words] = command.split(' ');
  const file = program === 'tsx' ? 'node_modules/.bin/tsx' : 'sdk/cli/backplane';
  return execFileSync(`${checkout}${file}`, words, {
    cwd: checkout,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

/** The lines from the first that matches `from` to the one before the next that matches `to`. */
function partOf(content: string, limits: readonly string[], what: string): string {
  const limit = (name: string) => limits.find((text) => text.startsWith(`${name}: `))?.slice(name.length + 2);
  const lines = content.trimEnd().split('\n');
  const [from, to] = [limit('from'), limit('to')];
  const start = from === undefined ? 0 : lines.findIndex((line) => new RegExp(from).test(line));
  const end = to === undefined ? lines.length : lines.findIndex((line, at) => at > start && new RegExp(to).test(line));
  if (start < 0 || end < 0) throw new Error(`README: '${what}' names lines that are not there`);
  return lines.slice(start, end).join('\n').trimEnd();
}
