import * as fs from 'node:fs';
import { transformSync } from 'esbuild';
import * as inversify from 'inversify';
import { expect } from 'vitest';
import * as devices from '../../devices/index.ts';
import * as machines from '../../machines/index.ts';
import * as assembler from '../../sdk/assembler.ts';
import * as backend from '../../sdk/backend.ts';
import * as bus from '../../sdk/bus.ts';
import * as node from '../../sdk/cli/node.ts';
import * as i2c from '../../sdk/i2c.ts';
import * as backplane from '../../sdk/index.ts';
import * as pci from '../../sdk/pci.ts';
import * as runtime from '../../sdk/runtime.ts';
import * as spi from '../../sdk/spi.ts';
import * as testing from '../../sdk/testing/index.ts';
import * as qemu from '../../sdk/testing/qemu/index.ts';
import * as virtio from '../../sdk/virtio.ts';
import * as x86 from '../../sdk/x86.ts';
import { outputOf } from './outputs.ts';
import { guideNames, readGuide } from './pages.ts';

/** A fenced block, with the marker above it if it has one. */
const Block = /(?:<!-- (.+?) -->\n)?```(\w*)\n([\s\S]*?)```/g;
/** `expression; // => value`, alone on its line. */
const Claim = /^( *)(?!const |let |\})(\S.*?); \/\/ => (.+)$/gm;
const Main = 'guide.ts';

interface GuideBlock {
  readonly kind: string;
  readonly what: string;
  readonly language: string;
  readonly content: string;
}

export function blocksOf(text: string): readonly GuideBlock[] {
  return [...text.matchAll(Block)].map(([, marker = '', language = '', content = '']) => {
    const colon = marker.indexOf(': ');
    const kind = colon < 0 ? marker : marker.slice(0, colon);
    return { kind, what: colon < 0 ? '' : marker.slice(colon + 2), language, content };
  });
}

export const claimsOf = (text: string): number =>
  blocksOf(text).reduce((sum, { content }) => sum + [...content.matchAll(Claim)].length, 0);

export const outputsOf = (text: string): number => blocksOf(text).filter(({ kind }) => kind === 'output').length;

/** What a guide's code says, as files: one, unless a marker `file: NAME` begins another. */
export function filesOf(text: string, form: 'as printed' | 'checked'): ReadonlyMap<string, string> {
  const files = new Map<string, string>();
  for (const block of blocksOf(text)) {
    const name = block.kind === 'file' ? block.what : Main;
    const code = form === 'checked' ? checkedCode(block) : printedCode(block);
    if (code !== undefined) files.set(name, (files.get(name) ?? '') + code);
  }
  return files;
}

/** Files with names, from all guides: a guide may import those of another one. */
const namedFiles = (): ReadonlyMap<string, string> =>
  new Map(guideNames.flatMap((name) => [...filesOf(readGuide(name), 'checked')].filter(([file]) => file !== Main)));

function printedCode({ kind, what, language, content }: GuideBlock): string | undefined {
  if (kind === 'shows') return `void (${what});\n`;
  if (kind === 'file' && language !== 'ts') return content;
  if (language !== 'ts') return undefined;
  return kind === 'refused' ? `void (() => {\n${content}});\n` : content;
}

function checkedCode({ kind, what, language, content }: GuideBlock): string | undefined {
  if (kind === 'shows') return `show(${what});\n`;
  if (language !== 'ts') return undefined;
  if (kind === 'refused') return `refused(() => {\n${content}});\n`;
  return content.replace(
    Claim,
    (_, indent: string, actual: string, expected: string) =>
      `${indent}check(${actual}, ${expected}, ${JSON.stringify(actual)});`,
  );
}

/** What running a guide's code came to. */
export class GuideRun {
  readonly claims: string[] = [];
  readonly tests: string[] = [];
  /** Texts that the code shows, in the order of their blocks. */
  readonly shown: string[] = [];
  private readonly awaited: unknown[] = [];
  private readonly loaded = new Map<string, unknown>();
  private readonly files: ReadonlyMap<string, string>;

  constructor(readonly text: string) {
    const own = filesOf(text, 'checked');
    this.files = new Map([...namedFiles(), ...own]);
    for (const name of own.keys()) this.load(name);
  }

  /** Tests that take a while have ended, and all is well. */
  async finished(): Promise<void> {
    await Promise.all(this.awaited);
  }

  private load(name: string): unknown {
    const known = this.loaded.get(name);
    if (known !== undefined) return known;
    const exports = {};
    this.loaded.set(name, exports);
    const source = this.files.get(name);
    if (source === undefined) throw new Error(`no guide has a file '${name}'`);
    const { code } = transformSync(source, {
      loader: 'ts',
      format: 'cjs',
      sourcefile: name,
      tsconfigRaw: { compilerOptions: { experimentalDecorators: true } },
    });
    const module = { exports };
    const run = new Function('require', 'module', 'check', 'show', 'refused', code);
    run((specifier: string) => this.import(specifier), module, this.check, this.show, this.refused);
    this.loaded.set(name, module.exports);
    return module.exports;
  }

  private import(specifier: string): unknown {
    if (specifier.startsWith('./')) return this.load(specifier.slice(2));
    const found = { ...packages, vitest: this.vitest }[specifier];
    if (found === undefined) throw new Error(`a guide imports '${specifier}'`);
    return found;
  }

  /** Tests that a guide shows are run at once. */
  private readonly vitest = {
    expect,
    describe: (_name: string, body: () => void) => body(),
    it: (name: string, body: () => unknown) => {
      this.awaited.push(body());
      this.tests.push(name);
    },
  };

  private readonly check = (actual: unknown, expected: unknown, text: string) => {
    this.claims.push(text);
    expect(actual, text).toEqual(expected);
  };

  private readonly show = (text: unknown) => void this.shown.push(String(text));

  private readonly refused = (body: () => void) => {
    try {
      body();
    } catch (error) {
      this.shown.push((error as Error).message);
      return;
    }
    throw new Error('a block marked as refused is accepted');
  };
}

const packages: Readonly<Record<string, unknown>> = {
  backplane,
  'backplane/runtime': runtime,
  'backplane/backend': backend,
  'backplane/bus': bus,
  'backplane/pci': pci,
  'backplane/i2c': i2c,
  'backplane/spi': spi,
  'backplane/virtio': virtio,
  'backplane/assembler': assembler,
  'backplane/testing': testing,
  'backplane/node': node,
  'backplane/testing/qemu': qemu,
  'backplane/x86': x86,
  'backplane/devices': devices,
  'backplane/machines': machines,
  inversify,
  'node:fs': fs,
};

/** The guide with every block filled in anew that shows what code or a command says. */
export async function renderGuide(text: string, { shown }: GuideRun): Promise<string> {
  const texts = [...shown];
  const parts: string[] = [];
  let end = 0;
  let lastLine = '';
  for (const match of text.matchAll(Block)) {
    const [whole, marker = '', language, content = ''] = match;
    parts.push(text.slice(end, match.index));
    end = match.index + whole.length;
    if (language === 'sh') lastLine = content.trim();
    const filled = marker.startsWith('output: ')
      ? await outputOf(marker.slice('output: '.length), lastLine)
      : /^(shows: |message$)/.test(marker)
        ? wrap(texts.shift() ?? '')
        : undefined;
    parts.push(filled === undefined ? whole : `<!-- ${marker} -->\n\`\`\`${language}\n${filled.trimEnd()}\n\`\`\``);
    if (filled === undefined && language === 'text' && !marker.startsWith('file: '))
      throw new Error(`nothing checks this block:\n${content}`);
  }
  if (texts.length > 0) throw new Error(`the guide has no block for what it shows:\n${texts.join('\n')}`);
  return parts.join('') + text.slice(end);
}

/** Messages are one long line; a page is not so wide. */
function wrap(text: string): string {
  return text.replace(/(?=.{121}).{1,120}(?: |$)/g, (line) => `${line.trimEnd()}\n`);
}
