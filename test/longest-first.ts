import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** They take the most seconds. A worker that begins one of them last works on alone at the end. */
const longest = [
  'test/testing/conformance/our-devices.test.ts',
  'test/testing/conformance/our-other-devices.test.ts',
  'test/guides/odd-guides.test.ts',
  'test/guides/even-guides.test.ts',
  'test/testing/conformance/mistakes.test.ts',
  'test/cli/process.test.ts',
  'test/cli/hot-reload.test.ts',
  'test/cli/launcher.test.ts',
  'test/analysis/advisor/advise.test.ts',
  'test/analysis/advisor/verdict.test.ts',
  'test/testing/conformance/contract-and-lint.test.ts',
  'test/testing/conformance/device-conformance.test.ts',
  'test/cli/advise.test.ts',
  'test/cli/recorded-run.test.ts',
  'test/cli/replay.test.ts',
  'test/fuzz/restored-machines.test.ts',
  'test/machine/snapshot/same-machine.test.ts',
  'test/cli/plugins.test.ts',
];

const placeOf = ({ moduleId }: TestSpecification): number => {
  const place = longest.findIndex((name) => moduleId.endsWith(name));
  return place < 0 ? longest.length : place;
};

/** The longest files first, and the others in Vitest's order: by size, or by what they took the last time. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    return sorted.sort((a, b) => placeOf(a) - placeOf(b));
  }
}
