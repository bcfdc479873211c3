import { describe, expect, it } from 'vitest';
import { BackplaneError, DeviceFailure, describeThrown } from '../../sdk/base/errors.ts';
import { expectRefusal } from '../refusal.ts';

const refuse = () => {
  throw new BackplaneError('region-overlap', "Region 'a' overlaps 'b' at 0x70.", { cause: 'why' });
};

describe('an error of the SDK', () => {
  it('has a code beside its message, and may have a cause', () => {
    const error = expectRefusal(refuse, 'region-overlap', "'a'", "'b'", '0x70');
    expect(error).toMatchObject({ name: 'BackplaneError', code: 'region-overlap', cause: 'why' });
    expect(String(error)).toBe("BackplaneError: Region 'a' overlaps 'b' at 0x70.");
  });

  it('is a failure of a device, which it holds, with what the device threw', () => {
    const device = { id: 'rtc' };
    const thrown = new TypeError('x is not a function');
    const failure = new DeviceFailure("Device 'rtc': x is not a function.", device, thrown);
    expect(failure).toMatchObject({ code: 'device-failure', device, cause: thrown });
    expect(failure).toBeInstanceOf(BackplaneError);
  });
});

describe('what was thrown, in words', () => {
  const hostile = {
    toJSON() {
      throw new Error('not this one');
    },
  };
  it.each<[unknown, string]>([
    [new BackplaneError('a-code', 'Its message.'), 'Its message.'],
    [new RangeError(), 'RangeError without a message'],
    ['', "''"],
    [undefined, 'undefined, which is no Error'],
    [{ a: 1 }, '{"a":1}, which is no Error'],
    [function broken() {}, 'the function broken'],
    ['x'.repeat(2000), `${'x'.repeat(1000)}...`],
    [hostile, 'something that cannot be shown'],
  ])('%# is never a reason to throw again', (thrown, words) => {
    expect(describeThrown(thrown)).toBe(words);
  });
});

describe('expectRefusal', () => {
  const failure = (action: () => unknown, ...named: string[]) => {
    try {
      expectRefusal(action, 'region-overlap', ...named);
    } catch (error) {
      return (error as Error).message;
    }
    return 'none';
  };

  it('wants an error, its code, and each thing named', () => {
    expect(failure(refuse)).toBe('none');
    expect(failure(() => 1)).toContain('nothing was refused');
    expect(failure(() => JSON.parse('{'))).toContain('no code');
    expect(failure(refuse, "'a'", "'c'")).toContain("does not name ''c''");
  });

  it('looks into an error of several problems', () => {
    const problems = [
      { code: 'region-overlap', message: "'a' overlaps 'b'" },
      { code: 'pin-unknown', message: "no pin 'c'" },
    ];
    const several = () => {
      throw Object.assign(new BackplaneError('wiring', 'Two mistakes.'), { problems });
    };
    expect(failure(several, "'b'")).toBe('none');
    expect(failure(several, "'c'")).toContain("does not name ''c''");
  });

  it('waits for a promise', async () => {
    const error = await expectRefusal(async () => refuse(), 'region-overlap', "'a'");
    expect(error.message).toContain('0x70');
  });
});
