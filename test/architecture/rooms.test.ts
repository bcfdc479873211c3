import { basename, dirname } from 'node:path';
import { describe, expect, it } from 'vitest';
import { circlesOf, filesWithOnePrefix, importsOf } from './rooms.ts';
import { sourceFiles } from './source-files.ts';

const files = sourceFiles('sdk');

/** A region knows its topology, the topology its listeners, and listeners get regions. No other files import each other. */
const MemoryCircle = [
  'sdk/memory/flat-view-rendering.ts',
  'sdk/memory/flat-view.ts',
  'sdk/memory/listener-registry.ts',
  'sdk/memory/memory-listener.ts',
  'sdk/memory/memory-region.ts',
  'sdk/memory/region-attachments.ts',
  'sdk/memory/topology.ts',
];
const FewLines = 30;
/** An entry, or what a room shows of itself: a list of names. */
const isList = (path: string): boolean => basename(path) === 'index.ts' || dirname(path) === 'sdk';
const MostFiles = 660;
const MostSmallFiles = 12;

describe('the rooms of the SDK', () => {
  it('have no circle of files, type imports counted, but one in memory', () => {
    expect(circlesOf(importsOf(files))).toEqual([MemoryCircle]);
  });

  it('have no more files than can be found again', () => {
    expect(files.length).toBeLessThanOrEqual(MostFiles);
  });

  it('have few files that are very small', () => {
    const small = files.filter(({ path, lines }) => lines.length < FewLines && !isList(path));
    expect(small.map(({ path }) => path).slice(MostSmallFiles)).toEqual([]);
  });

  it('have a folder for five files with one prefix, which the names in the folder do not repeat', () => {
    expect(filesWithOnePrefix(files.map(({ path }) => path))).toEqual([]);
    const repeated = files.filter(({ path }) => {
      const folder = dirname(path);
      const isOfRoom = folder.split('/').length < 3;
      return !isOfRoom && basename(path).startsWith(`${basename(folder)}-`);
    });
    expect(repeated.map(({ path }) => path)).toEqual([]);
  });
});

describe('the search', () => {
  const file = (path: string, ...imports: string[]) => ({
    path,
    imports: imports.map((one) => ({ form: 'type' as const, specifier: one, file: one })),
  });

  it('finds each circle, whatever leads into it and out of it', () => {
    const graph = [file('a', 'b'), file('b', 'c'), file('c', 'd', 'b'), file('d'), file('e', 'e2'), file('e2', 'e')];
    expect(circlesOf(importsOf(graph))).toEqual([
      ['b', 'c'],
      ['e', 'e2'],
    ]);
    expect(circlesOf(importsOf([file('a', 'a'), file('b', 'a')]))).toEqual([['a']]);
    expect(circlesOf(importsOf(graph, 'value'))).toEqual([]);
  });

  it('finds five files with one prefix in one folder', () => {
    const five = ['ops', 'owner', 'access', 'checks', 'table'].map((name) => `sdk/memory/region-${name}.ts`);
    expect(filesWithOnePrefix(five)).toEqual(['sdk/memory/region-*']);
    expect(filesWithOnePrefix(five.slice(1))).toEqual([]);
  });
});
