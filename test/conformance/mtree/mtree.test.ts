import { describe, expect, it } from 'vitest';
import { formatFlatViews, formatMemoryTree } from '../../../sdk/memory/index.ts';
import { QemuProcess, whyNoQemu } from '../../../sdk/testing/qemu/process.ts';
import { needs } from '../../needs.ts';
import { type Capture, capture, readCapture, type Scenario, scenarios } from './captures.ts';
import { canonicalFlatViews, canonicalTrees, parseMemoryTree } from './memory-tree-text.ts';
import { rebuild } from './rebuild.ts';

const missing = whyNoQemu();

async function captureNow(scenario: Scenario): Promise<Capture> {
  return QemuProcess.with(scenario.qemu, (qemu) => capture(qemu, scenario));
}

function expectSameViews({ everything, flat }: Capture): void {
  const ours = formatFlatViews(rebuild(parseMemoryTree(everything)));
  expect(canonicalFlatViews(ours)).toBe(canonicalFlatViews(flat));
}

function expectSameTrees({ tree, everything }: Capture): void {
  const { addressSpaces } = rebuild(parseMemoryTree(everything));
  expect(canonicalTrees(formatMemoryTree(addressSpaces))).toEqual(canonicalTrees(tree));
  expect(canonicalTrees(formatMemoryTree(addressSpaces, { disabled: true }))).toEqual(canonicalTrees(everything));
}

describe.each(scenarios)("the memory of QEMU's $name, rebuilt with our regions", (scenario) => {
  it('is seen by the guest as QEMU printed it when the text was captured', () => {
    const captured = readCapture(scenario.name);
    expect(captured.flat).toContain('FlatView #0');
    expectSameViews(captured);
  });

  it('prints as the trees that QEMU printed, line by line, with and without disabled regions', () => {
    expectSameTrees(readCapture(scenario.name));
  });

  it('is and prints as the installed QEMU says', needs('qemu', missing), async () => {
    const captured = await captureNow(scenario);
    expectSameViews(captured);
    expectSameTrees(captured);
  });
});

describe('the comparison', () => {
  it('notices when one PAM area is in another mode', () => {
    const { everything, flat } = readCapture('pc-after-firmware');
    const line = /^(.*pam-rom @pc.ram 00000000000c4000.*)$/gm;
    const changed = everything.replaceAll(line, '$1 [disabled]');
    expect(changed).not.toBe(everything);
    const ours = formatFlatViews(rebuild(parseMemoryTree(changed)));
    expect(canonicalFlatViews(ours)).not.toBe(canonicalFlatViews(flat));
  });

  it('notices when the reset register no longer outranks the configuration address', () => {
    const { everything, flat } = readCapture('pc');
    const changed = everything.replace(/\(prio 1, i\/o\): piix3-reset-control/, '(prio -1, i/o): piix3-reset-control');
    const ours = formatFlatViews(rebuild(parseMemoryTree(changed)));
    expect(canonicalFlatViews(ours)).not.toBe(canonicalFlatViews(flat));
  });
});
