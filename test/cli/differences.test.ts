import { describe, expect, it } from 'vitest';
import { TraceParser } from '../../sdk/accelerator/index.ts';
import { explainDifferences } from '../../sdk/cli/replay/differences.ts';

/** Why a read of the clock's register that was recorded as one value and answered with another differs. */
function whyOf(register: number, recorded: number, answered: number): string | undefined {
  const parser = new TraceParser('clock');
  parser.push(
    new TextEncoder().encode(`# iotrace v1\n0 PW 70 1 ${register.toString(16)}\n0 PR 71 1 ${recorded.toString(16)}\n`),
  );
  const example = { isPort: true, address: 0x71, size: 1, recorded, answered, position: 1 };
  const report = { device: 'rtc', reads: 1, agreed: 0, differed: 1, examples: [example] };
  return explainDifferences(parser.end(), [report])[0]?.why;
}

/** The same of a port. */
function whyOfPort(address: number, recorded: number, answered: number): string | undefined {
  const parser = new TraceParser('port');
  parser.push(new TextEncoder().encode(`# iotrace v1\n0 PR ${address.toString(16)} 1 ${recorded.toString(16)}\n`));
  const example = { isPort: true, address, size: 1, recorded, answered, position: 0 };
  const report = { device: 'com1', reads: 1, agreed: 0, differed: 1, examples: [example] };
  return explainDifferences(parser.end(), [report])[0]?.why;
}

describe('what a recording and a machine disagree on', () => {
  it('is put down to the time of a character only if the transmitter is not empty yet, and nothing else differs', () => {
    expect(whyOfPort(0x3fd, 0x60, 0x20)).toContain('the time of a character');
    expect(whyOfPort(0x2fd, 0x61, 0x01)).toContain('the time of a character');
    expect(whyOfPort(0x3fd, 0x60, 0x61)).toBe('not explained');
    expect(whyOfPort(0x3fd, 0x20, 0x60)).toBe('not explained');
    expect(whyOfPort(0x3fc, 0x60, 0x20)).toBe('not explained');
  });

  it('is put down to a port that was not there only if ones were read', () => {
    expect(whyOfPort(0x37a, 0xff, 0xcc)).toContain('without this port');
    expect(whyOfPort(0x3f9, 0xff, 0x02)).toContain('without this port');
    expect(whyOfPort(0x37a, 0xdf, 0xcc)).toBe('not explained');
  });

  it('is put down to absent floppy drives only if none were recorded', () => {
    expect(whyOf(0x10, 0x00, 0x50)).toContain('floppy');
    expect(whyOf(0x10, 0x44, 0x50)).toBe('not explained');
  });

  it('is put down to the announcement of an update only if nothing else differs', () => {
    expect(whyOf(0x0a, 0xa6, 0x26)).toContain('update');
    expect(whyOf(0x0a, 0x2f, 0x26)).toBe('not explained');
  });

  it('is put down to the periodic flag only if that has risen, and nothing else', () => {
    expect(whyOf(0x0c, 0x10, 0x50)).toContain('periodic');
    expect(whyOf(0x0c, 0x50, 0x10)).toBe('not explained');
    expect(whyOf(0x0c, 0x00, 0x50)).toBe('not explained');
  });
});
