// @module-tag package
import { rmSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as backplane from '../../sdk/index.ts';
import { type ApiReport, apiReports, builtDeclarations, checkout, entries, mistakesAgainst } from './api.ts';

const MostValues = 85;
const MostNames = 160;

let folder = '';
let reports: readonly ApiReport[] = [];
const reportOf = (name: string): ApiReport => {
  const report = reports.find(({ entry }) => entry === name);
  if (report === undefined) throw new Error(`there is no report of ${name}`);
  return report;
};

/** What a program sees that imports the package. `npm run api` writes the reports anew: look at what has changed. */
describe('the API', () => {
  beforeAll(() => {
    folder = builtDeclarations();
    reports = apiReports(folder);
  });

  afterAll(() => rmSync(folder, { recursive: true }));

  it.each(entries)('of $entry is what its report says', async ({ entry }) => {
    const { name, text } = reportOf(entry);
    await expect(text).toMatchFileSnapshot(`${checkout}test/package/api/${name}.api.md`);
  });

  it('of backplane is small', () => {
    const values = Object.keys(backplane);
    const { exported, named } = reportOf('backplane');
    console.log(`backplane: ${values.length} values, ${exported.length} names with the types of their signatures`);
    expect(values.filter((name) => !exported.includes(name))).toEqual([]);
    expect(values.length).toBeLessThanOrEqual(MostValues);
    expect(exported.length).toBeLessThanOrEqual(MostNames);
    // A bus of one's own has an entry of its own, which signatures may name.
    const ofBuses = reportOf('backplane/bus').exported;
    expect(named.filter((name) => !ofBuses.includes(name))).toEqual([]);
  });

  it('has all that the devices and machines of the package use', () => {
    expect(mistakesAgainst(folder)).toBe('');
  });

  it('names no type that no entry exports', () => {
    const exported = new Set(reports.flatMap((report) => report.exported));
    const forgotten = reports.flatMap(({ entry, named }) =>
      named.filter((name) => !exported.has(name)).map((name) => `${entry} names ${name}`),
    );
    expect(forgotten).toEqual([]);
  });
});
