import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { catalogueOf, codesIn, codesPage, kebab, takersOf } from './error-catalogue.ts';
import { parseSource, sourceFiles } from './source-files.ts';

const files = ['sdk', 'devices', 'machines'].flatMap(sourceFiles);
const entries = files.flatMap(catalogueOf);
const listed = new Set(entries.map(({ code }) => code));
const takers = takersOf(files);
const page = fileURLToPath(new URL('../../sdk/guides/reference/error-codes.md', import.meta.url));

describe('the codes of errors', () => {
  it('are listed, with cause and remedy, where their room is', () => {
    const wrong = entries.filter(
      ({ code, cause, remedy }) => !kebab.test(code) || !/\.$/.test(cause) || !/\.$/.test(remedy),
    );
    expect(wrong).toEqual([]);
    expect(entries.length).toBeGreaterThan(0);
  });

  it('are listed once each', () => {
    const codes = entries.map(({ code }) => code);
    expect(codes.filter((code, index) => codes.indexOf(code) !== index)).toEqual([]);
  });

  it('are listed if a source has them', () => {
    const missing = files.flatMap((file) =>
      codesIn(file, takers).flatMap((code) => (listed.has(code) ? [] : [`${file.path}: '${code}'`])),
    );
    expect(missing).toEqual([]);
  });

  // A command of the tests that refuses something in its own words gives no code. What is fuzzed plays back ends of others.
  it('are listed if a command of the tests throws them', () => {
    const commands = sourceFiles('test').filter(({ path }) => !/\.test\.ts$|^test\/fuzz\//.test(path));
    const missing = commands.flatMap((file) =>
      codesIn(file, takers).flatMap((code) => (listed.has(code) ? [] : [`${file.path}: '${code}'`])),
    );
    expect(commands.length).toBeGreaterThan(0);
    expect(missing).toEqual([]);
  });

  it('are listed no longer than a source has them', () => {
    const sources = files.filter(({ path }) => !path.endsWith('/error-codes.ts'));
    const unused = entries.filter(({ code }) => !sources.some((file) => file.code.includes(`'${code}'`)));
    expect(unused.map(({ room, code }) => `${room}: ${code}`)).toEqual([]);
  });

  // `npx vitest run test/architecture -u` writes it.
  it('have a page', async () => {
    const rooms = [...new Set(entries.map(({ room }) => room))];
    await expect(codesPage(entries, rooms)).toMatchFileSnapshot(page);
  });
});

describe('the search for codes', () => {
  const codes = (text: string) => {
    const file = parseSource('sdk/x/y.ts', text);
    return codesIn(file, takersOf([file, ...files.filter(({ path }) => path.endsWith('/errors.ts'))]));
  };

  it.each([
    ["throw new BackplaneError('region-overlap', `Region (x, y)`);", ['region-overlap']],
    ["class Odd extends BackplaneError {}\nthrow new Odd('an-odd', message);", ['an-odd']],
    ["class Own extends BackplaneError { constructor(readonly place: string) {} }\nnew Own('place');", []],
    ["throw new BackplaneError(wide ? 'too-wide' : 'too-narrow', message);", ['too-wide', 'too-narrow']],
    ["class A extends BackplaneError { constructor() { super('a-kind', 'text'); } }", ['a-kind']],
    ["const fail = (code: string, why: string) => new Error(why);\nfail('no-such-pin', 'x');", ['no-such-pin']],
    ["const refuse = (code: Codes): Error => x;\nrefuse('late');", ['late']],
    ["class Refused { constructor(readonly code: string) {} }\nnew Refused('a-b');", ['a-b']],
    ["problems.push({ code: 'pin-unknown', message });", ['pin-unknown']],
    ["const other = (code: string) => code;\nrefuse('not-its-name', 'x');", []],
    ["const why = hex('not-a-code'); // new BackplaneError('nor-this')", []],
    ["throw new BackplaneError(`Region 'a': nothing.`);", []],
  ])('finds in %j', (text, expected) => {
    expect(codes(text)).toEqual(expected);
  });

  it('reads a catalogue', () => {
    const text =
      "/** Codes. */\nexport interface X {\n  /**\n   * Too\n   * wide.\n   * @remedy Cut it.\n   */\n  'too-wide': StateError;\n}";
    expect(catalogueOf(parseSource('sdk/x/error-codes.ts', text))).toEqual([
      { room: 'x', code: 'too-wide', type: 'StateError', cause: 'Too wide.', remedy: 'Cut it.' },
    ]);
  });
});
