import { describe, expect, it } from 'vitest';
import { sourceFiles } from '../architecture/source-files.ts';

/** A document and the place in it: a quoted section, a section's number, a table, or for QEMU the file and the function. */
const Citation =
  /(QEMU 7\.2, [\w/.-]+\.(c|h|txt)[,:]|(datasheet|Technical Reference|Specification|user guide|Arm DDI|SMBus 3\.2|Privileged Architecture|SDM|virtio 1\.\d|Unicode)[^@]*?("[^"]+"|\d+\.\d+|Table \d|ADI-\d+|\.TXT|\d{6})|(SeaBIOS|Linux), [\w/.-]+\.[ch],)/;

const files = sourceFiles('devices');
/** Each `@see` with the lines that continue it. */
const citationsOf = (lines: readonly string[]): string[] =>
  [...lines.join('\n').matchAll(/@see ((?:(?!\n\s*\*\s*(?:\n|@|\/)|\*\/)[\s\S])+)/g)].map(([, text]) =>
    (text ?? '').replaceAll(/\s*\n\s*\*\s*/g, ' ').trim(),
  );

describe('devices', () => {
  it('cite the document that each of them models', () => {
    const devices = files.filter(({ code }) => /^@device\(/m.test(code));
    expect(devices.length).toBeGreaterThan(10);
    expect(devices.filter(({ lines }) => citationsOf(lines).length === 0).map(({ path }) => path)).toEqual([]);
  });

  it('name the document and the section, or the file and the function', () => {
    const vague = files.flatMap(({ path, lines }) =>
      citationsOf(lines)
        .filter((text) => !Citation.test(text))
        .map((text) => `${path}: ${text}`),
    );
    expect(vague).toEqual([]);
  });
});

describe('a citation', () => {
  it.each([
    ['/** @see Intel 8259A datasheet, "Poll Command" */', 1],
    [
      '/**\n * Text.\n *\n * @see virtio 1.0, 4.1.4.8 "Legacy\n *   Layout"\n * @see QEMU 7.2, hw/misc/edu.c, edu_mmio_read\n */',
      2,
    ],
    ['/** No source. */', 0],
  ])('is found in %j', (text, count) => {
    const found = citationsOf(text.split('\n'));
    expect([found.length, found.every((one) => Citation.test(one))]).toEqual([count, true]);
  });

  it.each(['Intel 8259A datasheet', 'QEMU', 'the specification, where it says so'])('needs more than %j', (text) => {
    expect(Citation.test(text)).toBe(false);
  });
});
