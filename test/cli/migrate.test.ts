// biome-ignore-all lint/suspicious/noTemplateCurlyInString: what is migrated is code in strings.
import { describe, expect, it } from 'vitest';
import { migrateText, type Tables } from '../../sdk/cli/migrate/rewrite.ts';
import { piecesOf } from '../../sdk/cli/migrate/source-file.ts';
import { TokenError, tokensOf } from '../../sdk/cli/migrate/tokens.ts';
import { sourceFiles } from '../architecture/source-files.ts';

const tables: Tables = {
  names: {
    backplane: {
      Machine: { entry: 'backplane/runtime' },
      saveMachine: { entry: 'backplane/runtime' },
      heir: { name: 'replacement' },
      Landmark: { name: 'KnownPort', entry: 'backplane/runtime' },
      FlatView: { gone: 'Read the map with describeMap().' },
      Bars: { typeOnly: 'A function has them.' },
      Wires: { typeOnly: 'A bus has them.', entry: 'backplane/pci' },
    },
    'backplane/testing': { QmpClient: { entry: 'backplane/testing/qemu' } },
  },
  members: {
    masterMemory: { name: 'busMasterMemory', of: 'Machine', certain: true },
    tell: { name: 'emit', of: 'Observers' },
  },
  firstArguments: { Refusal: ["'refused'", 'a code'] },
};

const migrate = (text: string, kind: 'code' | 'javascript' | 'page' = 'code') =>
  migrateText(text, piecesOf(text, kind), tables);

/** What the code becomes, where nothing is left for a person. */
function becomes(before: string): string {
  const { text, left } = migrate(before);
  expect(left).toEqual([]);
  expect(migrate(text)).toEqual({ text, changes: [], left: [] });
  return text;
}

const left = (text: string) => migrate(text).left.map(({ line, what }) => `${line}: ${what}`);

describe('imports', () => {
  it('that name nothing of the table are left as they are, to the byte', () => {
    const text =
      "import {device,  IsaDevice } from  'backplane' // both\nimport x from './x.ts';\nimport 'backplane';\nconst Machine = 1, heir = 2;\n";
    expect(migrate(text)).toEqual({ text, changes: [], left: [] });
  });

  it('of one entry are parted where some of their names moved', () => {
    expect(becomes("import { device, Machine, type Timer } from 'backplane'; // parts\nMachine.create();\n")).toBe(
      "import { device, type Timer } from 'backplane'; // parts\nimport { Machine } from 'backplane/runtime';\nMachine.create();\n",
    );
  });

  it('whose names all moved lead elsewhere, and keep quotes, semicolons and `type`', () => {
    expect(becomes('import type { Machine, saveMachine as save } from "backplane"\n')).toBe(
      'import type { Machine, saveMachine as save } from "backplane/runtime"\n',
    );
  });

  it('join an import of that entry', () => {
    expect(
      becomes(
        "import { Machine, device } from 'backplane';\nimport { run } from 'backplane/runtime';\nimport { saveMachine } from 'backplane';\n",
      ),
    ).toBe("import { device } from 'backplane';\nimport { run, Machine, saveMachine } from 'backplane/runtime';\n");
  });

  it('of types alone do not join one of values', () => {
    expect(becomes("import { run } from 'backplane/runtime';\nimport type { Machine } from 'backplane';\n")).toBe(
      "import { run } from 'backplane/runtime';\nimport type { Machine } from 'backplane/runtime';\n",
    );
  });

  it('keep their comments, and a line for each name where one is not enough', () => {
    const before = `import {
  // the class
  device, // a decorator
  Machine, /* to build */
  heir,
  // nothing else
} from 'backplane';
`;
    expect(becomes(before)).toBe(`import {
  // the class
  device, // a decorator
  replacement, /* nothing else */
} from 'backplane';
import {
  Machine, /* to build */
} from 'backplane/runtime';
`);
    const names = 'abcdefghijklmn'.split('').map((letter) => letter.repeat(8));
    expect(becomes(`import { Machine, ${names.join(', ')} } from 'backplane';\n`)).toBe(
      `import {\n${names.map((name) => `  ${name},\n`).join('')}} from 'backplane';\nimport { Machine } from 'backplane/runtime';\n`,
    );
  });

  it('keep line ends of Windows, the byte order mark, and attributes', () => {
    expect(becomes("\uFEFFimport { device, Machine } from 'backplane';\r\ndevice();\r\n")).toBe(
      "\uFEFFimport { device } from 'backplane';\r\nimport { Machine } from 'backplane/runtime';\r\ndevice();\r\n",
    );
    expect(becomes("import { Machine } from 'backplane' with { type: 'js' };")).toBe(
      "import { Machine } from 'backplane/runtime' with { type: 'js' };",
    );
  });

  it('of another entry than the table means are none of its business', () => {
    const text =
      "import { Machine, heir } from './backplane';\nimport { QmpClient } from 'backplane/devices';\nheir();\n";
    expect(becomes(text)).toBe(text);
    expect(becomes("import { QmpClient } from 'backplane/testing';\n")).toBe(
      "import { QmpClient } from 'backplane/testing/qemu';\n",
    );
  });

  it('stand after a line that names the interpreter, and in front of code without semicolons', () => {
    expect(becomes("#!/usr/bin/env node's\nimport { heir } from 'backplane'\nheir()\n")).toBe(
      "#!/usr/bin/env node's\nimport { replacement } from 'backplane'\nreplacement()\n",
    );
  });
});

describe('exports from an entry', () => {
  it('go on under the names that the file gave them', () => {
    expect(becomes("export { heir, Machine, Landmark as Mark, device } from 'backplane';\n")).toBe(
      "export { replacement as heir, device } from 'backplane';\nexport { Machine, KnownPort as Mark } from 'backplane/runtime';\n",
    );
    expect(becomes("import { heir } from 'backplane';\nexport { heir, heir as other };\nexport default heir;\n")).toBe(
      "import { replacement } from 'backplane';\nexport { replacement as heir, replacement as other };\nexport default replacement;\n",
    );
  });

  it('of everything are reported', () => {
    expect(left("\nexport * from 'backplane';\n")).toEqual([
      "2: 'export *' of 'backplane' hands on other names now. Name those that are needed.",
    ]);
    expect(left("export * from 'backplane/machines';\n")).toEqual([]);
  });
});

describe('uses', () => {
  const use = (code: string) => {
    const [, ...lines] = becomes(`import { heir } from 'backplane';\n${code}`).split('\n');
    return lines.join('\n');
  };

  it.each([
    ['heir(heir, ...heir);', 'replacement(replacement, ...replacement);'],
    ['const a = { heir, b: heir, [heir]: 1 };', 'const a = { heir: replacement, b: replacement, [replacement]: 1 };'],
    ['const a = x ? heir : y ? z : heir;', 'const a = x ? replacement : y ? z : replacement;'],
    ['const a = `${heir}${`${heir} heir`}`;', 'const a = `${replacement}${`${replacement} heir`}`;'],
    [
      '@heir() class A extends heir<heir> implements heir {}',
      '@replacement() class A extends replacement<replacement> implements replacement {}',
    ],
    [
      'class A { @heir x: heir = heir; y = new heir(); z?: Map<string, heir>; }',
      'class A { @replacement x: replacement = replacement; y = new replacement(); z?: Map<string, replacement>; }',
    ],
    [
      'type A = { a: heir; b: heir[] } | typeof heir;',
      'type A = { a: replacement; b: replacement[] } | typeof replacement;',
    ],
    ['switch (heir) { case heir: { heir(); } }', 'switch (replacement) { case replacement: { replacement(); } }'],
    ['if (heir) /heir/.test(heir);', 'if (replacement) /heir/.test(replacement);'],
    ['const a = (heir) / 2 / heir;', 'const a = (replacement) / 2 / replacement;'],
    ['for (const x of heir) heir[x] = heir!;', 'for (const x of replacement) replacement[x] = replacement!;'],
    ['const f = (a = 1): heir => heir;', 'const f = (a = 1): replacement => replacement;'],
    ['let x = heir, y = a < heir;', 'let x = replacement, y = a < replacement;'],
    ['x = a ? f(heir) : heir;', 'x = a ? f(replacement) : replacement;'],
  ])('are renamed: %s', (before, after) => {
    expect(use(before)).toBe(after);
  });

  it.each([
    "const a = 'heir', b = \"heir\", c = `heir \\` ${'heir'}`;",
    '// heir\n/* heir */ const a = /heir[/]heir/g;',
    'x.heir = y?.heir; this.heir(); x.#heir;',
    'const a = { heir: 1 }; const b = { heir() {}, get heir() { return 1; } };',
    'class A { heir = 1; }\nclass B { private readonly heir: number; }\nclass C { heir(): void {} static async heir() {} }',
    'interface A { heir: number }\ninterface B { a: string, heir?: number, heir(): void }',
    'enum A { one, heir, two = 2 }',
    'type A = { heir: number; readonly heir?: string };',
    'const { heir: x } = y;',
    'class A { x = 1\n heir = 2\n heir() {}\n }',
  ])('are not what is written the same: %s', (code) => {
    expect(use(code)).toBe(code);
  });

  it.each([
    'function f(heir: number) { return heir; }',
    'const f = (heir) => heir;',
    'const f = heir => heir;',
    'const f = ({ heir }) => heir;',
    '{ const heir = 1; heir; }',
    'const [heir, x] = y; ',
    'try {} catch (heir) { heir; }',
    'class A { constructor(private heir: number) {} }',
    'const f = function (a, heir) { return heir; };',
    'class A { f(heir): void { heir; } }',
    'for (const { heir } of x) heir;',
    'const replacement = 1; heir(replacement);',
  ])('stay, and the import says `as`, where a local has the name: %s', (code) => {
    const before = `import { heir, device } from 'backplane';\nheir();\n${code}`;
    expect(becomes(before)).toBe(`import { replacement as heir, device } from 'backplane';\nheir();\n${code}`);
    expect(migrate(before).changes[0]?.what).toContain("imported as 'heir', since the file has another");
  });

  it('of a name that has an alias stay', () => {
    expect(becomes("import { heir as h, Landmark as KnownPort } from 'backplane';\nh(heir, KnownPort);\n")).toBe(
      "import { replacement as h } from 'backplane';\nimport { KnownPort } from 'backplane/runtime';\nh(heir, KnownPort);\n",
    );
  });

  it('say what was done, with the line', () => {
    expect(migrate("\nimport {\n  heir,\n  Landmark,\n} from 'backplane';\nheir();\n").changes).toEqual([
      { line: 3, what: "'heir' is 'replacement'" },
      { line: 4, what: "'Landmark' is 'KnownPort', and comes from 'backplane/runtime'" },
    ]);
  });
});

describe('what is left for a person', () => {
  it('is a name that left, which stays where it is', () => {
    const text = "import { device, FlatView, Machine } from 'backplane';\n";
    expect(migrate(text)).toEqual({
      text: "import { device, FlatView } from 'backplane';\nimport { Machine } from 'backplane/runtime';\n",
      changes: [{ line: 1, what: "'Machine' comes from 'backplane/runtime'" }],
      left: [{ line: 1, what: "'FlatView' is exported by no entry any more. Read the map with describeMap()." }],
    });
  });

  it('is a use as a value of what is a type only; the import says so', () => {
    const text =
      "import { Bars, device } from 'backplane';\nlet a: Bars;\nclass B extends Bars {}\nnew Bars();\nf<Bars>(x as Bars);\n";
    const { text: now, changes, left } = migrate(text);
    expect(now).toBe(text.replace('{ Bars', '{ type Bars'));
    expect(changes).toEqual([{ line: 1, what: "'Bars' is a type only" }]);
    expect(becomes("import { Wires, device } from 'backplane';\nlet a: Wires;\n")).toBe(
      "import { device } from 'backplane';\nimport { type Wires } from 'backplane/pci';\nlet a: Wires;\n",
    );
    expect(migrate("import type { Wires } from 'backplane';\n")).toEqual({
      text: "import type { Wires } from 'backplane/pci';\n",
      changes: [{ line: 1, what: "'Wires' comes from 'backplane/pci'" }],
      left: [],
    });
    const what = "'Bars' is exported as a type only, and is used as a value here. A function has them.";
    expect(left).toEqual([3, 4].map((line) => ({ line, what })));
    expect(migrate(now)).toEqual({ text: now, changes: [], left: [] });
  });

  it('is each use of a namespace that has changed, and the namespace where it is handed on', () => {
    const text =
      "import * as bp from 'backplane';\nbp.device();\nbp.Machine.create();\nx.bp.heir;\nshow(bp);\nlet y: bp.FlatView;\n";
    expect(left(text)).toEqual([
      "3: 'bp.Machine': it is 'Machine' of 'backplane/runtime' now.",
      "5: 'bp' stands for all of 'backplane', which exports other names now. Import what is needed by name.",
      "6: 'bp.FlatView': no entry exports it any more. Read the map with describeMap().",
    ]);
    expect(migrate(text).text).toBe(text);
    expect(left("import * as bp from 'backplane';\nbp.device();\n")).toEqual([]);
  });

  it.each([
    "const { Machine } = await import('backplane');",
    "let x: import('backplane').Machine;",
    "const { Machine } = require('backplane');",
    "import bp = require('backplane');",
    "vi.mock('backplane', () => ({}));",
    "declare module 'backplane' { interface Machine {} }",
  ])('is a module that no declaration imports: %s', (text) => {
    expect(left(`\n${text}`)).toEqual([
      "2: 'backplane' is not imported by a declaration here: look whether its names are still there.",
    ]);
  });

  it('is code that cannot be read, if it is about the package', () => {
    expect(left("import { Machine } from 'backplane';\nf((1);\n")).toEqual([
      "2: this '(' is never closed, so that this code cannot be read. Mend it, and migrate again.",
    ]);
    expect(left('const x = `1;\n')).toEqual([]);
  });

  it('is a member that others may have too; one that nothing else has is renamed where something is asked for it', () => {
    const text =
      "import { device, Observers } from 'backplane';\nm.masterMemory.tell(masterMemory);\nclass A { override tell() {} }\nm?.masterMemory;\n";
    expect(left(text)).toEqual([
      "2: 'tell': if it is that of Observers, it is 'emit' now.",
      "3: 'tell': if it is that of Observers, it is 'emit' now.",
    ]);
    expect(migrate(text).text).toBe(text.replaceAll('.masterMemory', '.busMasterMemory'));
    expect(left('x.tell();')).toEqual([]);
    expect(left(text.replace(', Observers', ''))).toEqual([]);
  });

  it.each([
    'const mine = { masterMemory: 5 }; mine.masterMemory;',
    'const { masterMemory } = mine;',
    'const { masterMemory: own } = mine;',
    'function f({ masterMemory }) {}',
    "x['masterMemory'];",
    'x[`masterMemory`];',
    'show({ "masterMemory": 5 });',
    'show({ masterMemory });',
    'class A { masterMemory = 1; }',
    "type A = B['masterMemory'];",
  ])('is a member that may be that of something else: %s', (code) => {
    const text = `import { device } from 'backplane';\n${code}\n`;
    expect(new Set(left(text))).toEqual(
      new Set(["2: 'masterMemory': if it is that of Machine, it is 'busMasterMemory' now."]),
    );
    expect(migrate(text).text).toBe(text);
  });
});

describe('a constructor with a new first argument', () => {
  it('is given one, once', () => {
    const before =
      "import { Refusal as No } from 'backplane';\nthrow new No(`x`, { cause });\nnew No('own-code', 'why');\n";
    expect(becomes(before)).toBe(before.replace('No(`x`', "No('refused', `x`"));
  });

  it('is left to a person in a class that derives from it', () => {
    expect(left("import { Refusal } from 'backplane';\nclass A extends Refusal {}\n")).toEqual([
      "2: the constructor of 'Refusal' takes a code first: look at super().",
    ]);
  });
});

describe('what needs a person because it is not sure', () => {
  it('is a type that JavaScript imports, which stays as it is', () => {
    const text = "import { Bars, device } from 'backplane';\nnew Bars();\n";
    const what = "'Bars' is exported as a type only, and JavaScript has no types. A function has them.";
    expect(migrate(text, 'javascript')).toEqual({ text, changes: [], left: [{ line: 1, what }] });
    const page = `\`\`\`js\n${text}\`\`\`\n`;
    expect(migrate(page, 'page')).toEqual({ text: page, changes: [], left: [{ line: 2, what }] });
  });

  it.each([
    'const a = [Bars];',
    'f(Bars);',
    'f(1, Bars);',
    'export default Bars;',
    'const q = Bars;',
    'const q: Q = Bars;',
    'const o = { Bars };',
    'const o = { a: Bars };',
    'f({ a: { b: [Bars] } });',
    'return Bars;',
    'function f(Bars) { new Bars(); }',
  ])('is a type that is used as a value: %s', (code) => {
    expect(left(`import { Bars } from 'backplane';\n${code}\n`)).toEqual([
      "2: 'Bars' is exported as a type only, and is used as a value here. A function has them.",
    ]);
  });

  it.each([
    'type A = Bars;',
    'type A = Bars | B;',
    'type A = { a: Bars; b: { c: Bars } };',
    'function f({ a }: { a: Bars }) { return { m(): Bars {} }; }',
    'let a: { a: Bars } = b;',
    'function f(a: Bars, b?: Map<string, Bars>): Bars {}',
    'f(x as Bars, new Map<Bars, 1>());',
    'type A = [Bars, Bars];',
    'let x: [Bars] | undefined;',
    'class A implements Bars {}',
    'interface A extends Bars {}',
    'const f = (a: Bars): Bars => a;',
    'type A<T = Bars> = T;',
  ])('is not a type that is used as one: %s', (code) => {
    expect(left(`import { Bars } from 'backplane';\n${code}\n`)).toEqual([]);
  });

  const argument = "if this is 'Refusal' of the package, it takes a code first, and then the message.";
  const derived = "the constructor of 'Refusal' takes a code first: look at super().";
  it.each([
    ["import * as bp from 'backplane';", "new bp.Refusal('x');", argument],
    ["import * as bp from 'backplane';", 'class A extends bp.Refusal {}', derived],
    ["import { Refusal } from 'backplane';", "class A extends Refusal { constructor() { super('x'); } }", derived],
    ["import { Refusal } from 'backplane';", "new Refusal('x'); function f(Refusal) {}", argument],
    ["import { Refusal } from 'backplane';", 'new Refusal(...given);', argument],
    ["import { Refusal } from 'backplane';", 'new Refusal(why, options);', argument],
    ["import { Refusal } from 'backplane';", 'throw new Refusal;', argument],
    [
      "import * as bp from 'backplane';",
      'function f(bp) { return bp.FlatView; }',
      "'bp.FlatView': no entry exports it any more. Read the map with describeMap().",
    ],
  ])('is a constructor that is not sure: %s %s', (imported, code, expected) => {
    const text = `${imported}\n${code}\n`;
    expect(left(text)).toContain(`2: ${expected}`);
    expect(migrate(text).text).toBe(text);
  });

  it.each([
    [
      'import { "heir" as b } from \'backplane\';',
      "1: this is 'heir'. Write it without quotes and escapes, and migrate again.",
    ],
    [
      "import { \\u0068eir } from 'backplane';",
      "1: this is 'heir'. Write it without quotes and escapes, and migrate again.",
    ],
    ["import { heir } from 'back\\u0070lane';", "1: this is 'backplane'. Write it without escapes, and migrate again."],
  ])('is a name in quotes or with escapes: %s', (text, expected) => {
    expect(left(text)).toEqual([expected]);
    expect(migrate(text).text).toBe(text);
  });

  it('is a use with escapes, whose import says `as`', () => {
    expect(becomes("import { heir } from 'backplane';\nh\\u0065ir();\n")).toBe(
      "import { replacement as heir } from 'backplane';\nh\\u0065ir();\n",
    );
  });
});

it('a constructor that was given its first argument is not given another one, in whatever quotes', () => {
  const done = [
    `"refused", 'x'`,
    '`refused`, `x`',
    "'Refused by us', 'x'",
    'Codes.one, message',
    '"refused", `x`, { cause }',
  ];
  const text = `import { Refusal } from 'backplane';\n${done.map((list) => `new Refusal(${list});\n`).join('')}`;
  expect(migrate(text)).toEqual({ text, changes: [], left: [] });
  expect(becomes("import { Refusal } from 'backplane';\nnew Refusal('wrong', { cause });\n")).toContain(
    "new Refusal('refused', 'wrong', { cause })",
  );
});

it('many places take no time that grows with their square', () => {
  const text = `import { Refusal, Observers, device } from 'backplane';\n${'x.masterMemory; new Refusal("a b"); q.tell();\n'.repeat(20_000)}`;
  const { changes, left } = migrateText(text, piecesOf(text, 'code'), tables, 'after');
  expect([changes.length, left.length, left.at(-1)?.line]).toEqual([40_000, 20_000, 20_001]);
});

it('lines may be numbered as in the text that is written', () => {
  const text =
    "import { device, Machine } from 'backplane';\nimport {\n  Landmark,\n  FlatView,\n} from 'backplane';\nexport * from 'backplane';\n";
  const { text: now, left } = migrateText(text, piecesOf(text, 'code'), tables, 'after');
  const lines = now.split('\n');
  expect(left.map(({ line }) => lines[line - 1]?.trim())).toEqual([
    "import { FlatView } from 'backplane';",
    "export * from 'backplane';",
  ]);
});

describe('a page', () => {
  const page = `# heir of Machine
\`\`\`ts
import { heir, Machine } from 'backplane';
heir();
\`\`\`
Then \`heir\` again, and import { heir } from 'backplane':

   ~~~typescript twoslash
   const a = heir({ heir: 1 });
   ~~~

\`\`\`sh
heir --machine Machine
\`\`\`
\`\`\`js
import { Landmark } from 'backplane';
\`\`\``;

  it('has its code migrated as one program, and nothing else', () => {
    const { text, left, changes } = migrate(page, 'page');
    expect(left).toEqual([]);
    expect(changes.map(({ line }) => line)).toEqual([3, 3, 16]);
    expect(text).toBe(
      page
        .replace(
          "import { heir, Machine } from 'backplane';\nheir();",
          "import { replacement } from 'backplane';\nimport { Machine } from 'backplane/runtime';\nreplacement();",
        )
        .replace('const a = heir({', 'const a = replacement({')
        .replace("{ Landmark } from 'backplane'", "{ KnownPort } from 'backplane/runtime'"),
    );
  });

  it.each([
    ['> ```ts\n> CODE\n> ```\n', "each line of this block has a '>' in front"],
    ['```tsx\nCODE\n```\n', "this block is 'tsx'"],
    ['```jsx\nCODE\n```\n', "this block is 'jsx'"],
    ['```ts\nCODE\n', 'this block has no fence at its end'],
  ])('has blocks that are reported where they are about the package: %j', (block, why) => {
    const text = `# Page\n${block.replace('CODE', "import { heir } from 'backplane';")}`;
    expect(migrate(text, 'page')).toEqual({
      text,
      changes: [],
      left: [{ line: 3, what: `${why}, so that this code cannot be read. Mend it, and migrate again.` }],
    });
    expect(migrate(block.replace('CODE', 'let x;'), 'page').left).toEqual([]);
  });

  it('may hold code that is only a part, which is named by its line', () => {
    const broken = "text\n```ts\nimport { heir } from 'backplane';\n```\n```ts\nclass A {\n  heir();\n```\n";
    const { text, left } = migrate(broken, 'page');
    expect(left).toEqual([
      { line: 6, what: "this '{' is never closed, so that this code cannot be read. Mend it, and migrate again." },
    ]);
    expect(text).toBe(broken.replace('import { heir }', 'import { replacement }'));
  });
});

describe('the tokens', () => {
  const words = (text: string) => tokensOf(text).map((token) => token.text);

  it.each([
    ['a / b / c', ['a', '/', 'b', '/', 'c']],
    ['a = /b\\/[/]/gi.c', ['a', '=', '/b\\/[/]/gi', '.', 'c']],
    ['return /a/', ['return', '/a/']],
    ['x.return / a / 2', ['x', '.', 'return', '/', 'a', '/', '2']],
    ['return !/a/', ['return', '!', '/a/']],
    ['a! / b / c', ['a', '!', '/', 'b', '/', 'c']],
    ['{} /a/', ['{', '}', '/a/']],
    ['({}) / 1 / 2', ['(', '{', '}', ')', '/', '1', '/', '2']],
    ['`a${`b${c}`}d` + 1', ['`a', '${', '`b', '${', 'c', '}`', '}d`', '+', '1']],
    ['a?.b ?? c?.1:2', ['a', '?.', 'b', '??', 'c', '?', '.1', ':', '2']],
    ['0x1f_n + 1_000.5e-3 + 10n', ['0x1f_n', '+', '1_000.5e-3', '+', '10n']],
    ["'it\\\r\nis' + 1", ["'it\\\r\nis'", '+', '1']],
    ["'it\\'s' // rest '", ["'it\\'s'"]],
    ['#x in y', ['#x', 'in', 'y']],
  ])('of %s', (text, expected) => {
    expect(words(text)).toEqual(expected);
  });

  it('of every source of this project are found, and none of it would change by an empty table', () => {
    for (const { path, lines } of ['sdk', 'devices', 'machines', 'examples', 'test'].flatMap(sourceFiles)) {
      const text = lines.join('\n');
      expect(
        migrateText(text, piecesOf(text, 'code'), { names: { backplane: {} }, members: {}, firstArguments: {} }).text,
        path,
      ).toBe(text);
      expect(() => tokensOf(text), path).not.toThrow();
    }
  });

  it.each(["'a\n'", '`a${', '/* a', '(]', '}', '[', '`a'])('refuse %j', (text) => {
    expect(() => tokensOf(text)).toThrow(TokenError);
  });
});
