import { describe, expect, it } from 'vitest';
import { acceleratorOptions, parseAcceleratorSettings } from '../../sdk/accelerator/index.ts';
import { expectRefusal } from '../refusal.ts';

const parse = (settings: Record<string, string>) => parseAcceleratorSettings(new Map(Object.entries(settings)));

describe('-accel kvm-sim options', () => {
  it('coalesces everything and drains at every exit unless told otherwise', () => {
    expect(parse({})).toEqual({
      coalescedMmio: true,
      coalescedPio: true,
      drain: 'every-exit',
      processor: 'intel',
      ring: '6.12',
      kernelExitCost: 660,
      userspaceExitCost: 3410,
      isaAccess: 1000,
    });
  });

  it('takes each option by its command-line name', () => {
    const settings = { 'coalesced-pio': 'off', drain: 'on-access', 'userspace-exit-cost': '10750' };
    expect(parse(settings)).toMatchObject({ coalescedPio: false, drain: 'on-access', userspaceExitCost: 10_750 });
  });

  it('refuses an unknown option and lists the known ones', () => {
    const known = acceleratorOptions.map(({ name }) => `'${name}'`);
    expectRefusal(() => parse({ colesced: 'on' }), 'unknown-accelerator-option', "'colesced'", ...known);
  });

  it.each([
    [{ 'coalesced-mmio': 'yes' }, ["'coalesced-mmio=yes'", "'on'", "'off'"]],
    [{ processor: 'arm' }, ["'processor=arm'", "'intel'", "'amd'"]],
    [{ ring: '6.11' }, ["'ring=6.11'", "'6.12'", "'before-6.12'"]],
    [{ drain: 'never' }, ["'drain=never'", "'every-exit'", "'on-access'"]],
    [{ 'kernel-exit-cost': '-1' }, ["'kernel-exit-cost=-1'"]],
    [{ 'kernel-exit-cost': '9999999999' }, ['9999999999', '1000000000']],
  ])('refuses %o and says what to write', (settings, named) => {
    expectRefusal(() => parse(settings as Record<string, string>), 'invalid-accelerator-option', ...named);
  });

  it('describes every option for the help, with its default among its values', () => {
    for (const option of acceleratorOptions) {
      expect(option.description.length).toBeGreaterThan(20);
      if (option.type === 'on/off') expect(option.values).toEqual(['on', 'off']);
      if (option.type === 'choice') expect(option.values).toContain(option.default);
    }
  });
});
