import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { moduleDeclarations } from '../../sdk/cli/migrate/imports.ts';
import { type NameChange, names, type OldEntry } from '../../sdk/cli/migrate/names.ts';
import { tokensOf } from '../../sdk/cli/migrate/tokens.ts';
import { changelog, changelogWithNames, nameTable } from '../package/name-table.ts';
import { entryFiles, oldKindOf, oldNames } from '../package/old-sources.ts';

/** What a file exports by lists and declarations, as `value` or `type`. */
function exportsOf(file: string): ReadonlyMap<string, 'value' | 'type'> {
  const tokens = tokensOf(readFileSync(file, 'utf8'));
  const found = new Map<string, 'value' | 'type'>();
  for (const { form, isType, star, specifiers } of moduleDeclarations(tokens)) {
    if (form !== 'export') continue;
    if (star) throw new Error(`${file}: an entry lists its names, one by one`);
    for (const one of specifiers) found.set(one.local, isType || one.isType ? 'type' : 'value');
  }
  for (const [at, { text, owner }] of tokens.entries()) {
    if (text !== 'export' || owner !== -1) continue;
    const words = tokens.slice(at + 1, at + 5).map((token) => token.text);
    const kind = words.findIndex((word) => /^(?:class|const|function|interface|type)$/.test(word));
    if (kind < 0 || words[0] === '{' || words[1] === '{') continue;
    found.set(words[kind + 1] ?? '', /^(?:interface|type)$/.test(words[kind] ?? '') ? 'type' : 'value');
  }
  return found;
}

const entries = new Map(Object.entries(entryFiles()).map(([entry, [file = '']]) => [entry, exportsOf(file)]));
const rowOf = (entry: string, name: string): NameChange | undefined => {
  const table = names[entry as OldEntry];
  return table !== undefined && Object.hasOwn(table, name) ? table[name] : undefined;
};
const olds = oldNames.map(([entry, name]) => ({ entry, name, kind: oldKindOf(entry, name) }));

/** What the compiler says too, in test/package/migrate.test.ts; here it is seen at once. */
describe('a name that 0.1.0 or 0.2.0 exported', () => {
  it('is found in the entries', () => {
    expect([...entries.keys()]).toContain('backplane/machines');
    expect(entries.get('backplane')?.get('device')).toBe('value');
    expect(entries.get('backplane/machines')?.get('machines')).toBe('value');
    expect(olds.length).toBeGreaterThan(400);
  });

  it('is where it was, or has a row in sdk/cli/migrate/names.ts', () => {
    const lost = olds.flatMap(({ entry, name, kind }) => {
      if (rowOf(entry, name) !== undefined) return [];
      const now = entries.get(entry)?.get(name);
      if (now === 'value' || (now !== undefined && kind === 'type')) return [];
      const elsewhere = [...entries].find(([, exported]) => exported.has(name))?.[0];
      const add = elsewhere === undefined ? `{ name: 'NEW' } or { gone: '...' }` : `{ entry: '${elsewhere}' }`;
      return [`${entry}: ${name}: ${now === 'type' ? `{ typeOnly: '...' }` : add}`];
    });
    expect(lost).toEqual([]);
  });

  it('has a row only if it is not where it was, and the row leads to a name that is exported', () => {
    const wrong = olds.flatMap(({ entry, name, kind }) => {
      const change = rowOf(entry, name);
      if (change === undefined) return [];
      const now = entries.get(entry)?.get(name);
      if (now === 'value' || (now === 'type' && kind === 'type')) return [`${entry}: ${name} is exported as before`];
      if ('gone' in change) return [];
      if ('typeOnly' in change) {
        const place = change.entry ?? entry;
        return entries.get(place)?.get(name) === 'type' ? [] : [`${place}: no type ${name} is exported`];
      }
      const target = entries.get(change.entry ?? entry)?.get(change.name ?? name);
      const fits = target === 'value' || (target === 'type' && kind === 'type');
      return fits ? [] : [`${change.entry ?? entry} exports no ${kind} ${change.name ?? name}, which ${name} leads to`];
    });
    expect(wrong).toEqual([]);
  });

  it('is replaced by functions that are exported', () => {
    const sentences = Object.values(names).flatMap((rows) =>
      Object.values(rows ?? {}).flatMap((change) => {
        if ('gone' in change) return [change.gone];
        return 'typeOnly' in change ? [change.typeOnly] : [];
      }),
    );
    const named = new Set(
      sentences.flatMap((text) => [...text.matchAll(/(?<![.\w])(\w+)\([^)]*\)/g)].map(([, name]) => name)),
    );
    named.delete('onStateLoaded');
    expect(named.size).toBeGreaterThan(5);
    const exported = new Set([...entries.values()].flatMap((one) => [...one.keys()]));
    expect([...named].filter((name) => !exported.has(name ?? ''))).toEqual([]);
  });

  // `npx vitest run test/architecture -u` brings it up to date; `npx tsx test/package/name-table.ts` prints it.
  it('is in the table of the changelog', async () => {
    expect(nameTable()).toContain('to `backplane/runtime`: `Accelerator`, ');
    expect(changelogWithNames('# Changelog\n')).toBeUndefined();
    const now = changelogWithNames();
    if (now === undefined) throw new Error('CHANGELOG.md has no marks of the table of names');
    await expect(now).toMatchFileSnapshot(changelog);
  });
});
