import { readFileSync } from 'node:fs';
import { firstArguments, members, names } from '../../sdk/cli/migrate/names.ts';
import { checkout } from './old-sources.ts';

const code = (words: readonly string[]): string => words.map((word) => `\`${word}\``).join(', ');

const owners = (of: string): string => code(of.split(' or '));

/** The table of `backplane migrate` in Markdown, for the changelog: names that moved, were renamed, or left. */
export function nameTable(): string {
  const lists = new Map<string, { title: string; sentence: string; words: string[] }>();
  const renamed: string[] = [];
  for (const [entry, rows] of Object.entries(names)) {
    for (const [old, change] of Object.entries(rows ?? {})) {
      const [title, sentence = ''] =
        'gone' in change
          ? [`Gone from \`${entry}\``, ` ${change.gone}`]
          : 'typeOnly' in change
            ? [`Only a type in \`${change.entry ?? entry}\``, ` ${change.typeOnly}`]
            : [`From \`${entry}\` to \`${change.entry ?? entry}\``];
      if ('name' in change) {
        const place = change.entry === undefined ? '' : ` of \`${change.entry}\``;
        renamed.push(`| \`${old}\` of \`${entry}\` | \`${change.name}\`${place} |`);
      } else
        lists.set(title + sentence, { title, sentence, words: [...(lists.get(title + sentence)?.words ?? []), old] });
    }
  }
  for (const [old, { name, of, instead, given, wrap }] of Object.entries(members)) {
    if (name !== undefined) renamed.push(`| \`${old}\` of ${owners(of)} | \`${name}\` |`);
    if (wrap !== undefined)
      renamed.push(`| \`${old}: path\` of ${owners(of)} | \`${old}: ${wrap.by}(path)\` of \`${wrap.entry}\` |`);
    if (given !== undefined) renamed.push(`| \`${old}()\` of ${owners(of)} | is given a \`${given.type}\` |`);
    if (instead === undefined) continue;
    const title = `Gone from ${owners(of)}`;
    const words = [...(lists.get(title + instead)?.words ?? []), old];
    lists.set(title + instead, { title, sentence: ` ${instead}`, words });
  }
  for (const name of Object.keys(firstArguments))
    renamed.push(`| \`new ${name}(message)\` | \`new ${name}(code, message)\` |`);
  const lines = [...lists.values()].map(({ title, sentence, words }) => `- ${title}: ${code(words)}.${sentence}`);
  return ['| before | now |', '| --- | --- |', ...renamed, '', ...lines].join('\n');
}

const block = /(<!-- names: made by 'npx tsx test\/package\/name-table\.ts' -->\n)[\s\S]*?(\n<!-- end of names -->)/;

export const changelog = `${checkout}CHANGELOG.md`;

/** The changelog, with the table filled in anew between its marks; undefined where these are missing. */
export function changelogWithNames(text = readFileSync(changelog, 'utf8')): string | undefined {
  const isThere = block.test(text);
  return isThere ? text.replace(block, (_, before: string, after: string) => before + nameTable() + after) : undefined;
}

if (process.argv[1]?.endsWith('name-table.ts') === true)
  console.log(`<!-- names: made by 'npx tsx test/package/name-table.ts' -->\n${nameTable()}\n<!-- end of names -->`);
