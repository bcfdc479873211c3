// @module-tag slow
import { afterEach, describe, expect, it, vi } from 'vitest';
import { device, IsaDevice, MiB, portRegion } from '../../../sdk/index.ts';
import { type BehaviourRecord, checkDevice } from '../../../sdk/testing/index.ts';
import { check } from './checks.ts';

const ports = portRegion({ name: 'jar', base: 0x300, size: 1, accessSizes: [1] });
const description = { type: 'jar', description: 'A jar' };
const brief = { runs: 2, length: 60, hostileAccesses: 500 };
const level = ports.register(0, { width: 8 });

@device(description)
class Jar extends IsaDevice {
  @level level = 0;
}

/** Remembers every byte. */
@device(description)
class Endless extends IsaDevice {
  private readonly bytes: number[] = [];

  @ports.write(0)
  write(value: number): void {
    this.bytes.push(value);
  }

  override reset(): void {
    super.reset();
    this.bytes.length = 0;
  }
}

/** Says whether it was written to. */
@device(description)
class Worked extends IsaDevice {
  static hasWorked = false;

  @ports.write(0)
  write(_value: number): void {
    Worked.hasWorked = true;
  }
}

/** Each write takes ten milliseconds of the host. */
@device(description)
class Slow extends IsaDevice {
  static writes = 0;

  @ports.write(0)
  write(_value: number): void {
    Slow.writes++;
    const end = performance.now() + 10;
    while (performance.now() < end);
  }
}

afterEach(() => vi.unstubAllGlobals());

describe('conformance without a host', () => {
  it('needs none of the globals of Node', () => {
    vi.stubGlobal('process', undefined);
    vi.stubGlobal('Buffer', undefined);
    const found = checkDevice(Jar, brief);
    vi.unstubAllGlobals();
    expect(found).toEqual([]);
  });

  it('finds a list that grows for ever', () => {
    const [found] = checkDevice(Endless, { ...brief, hostileAccesses: 4000, lint: 'off', firstOnly: true });
    expect(found).toMatchObject({ kind: 'contract', check: check.hostileGuest });
    expect(found?.message).toContain("'bytes'");
  });

  it('does not take for growth what a collection of garbage has found and not given back yet', () => {
    let readings = 0;
    const heapUsed = () => {
      const found = Worked.hasWorked ? ++readings * MiB : 0;
      Worked.hasWorked = false;
      return found;
    };
    const settings = { ...brief, hostileAccesses: 4000, lint: 'off', host: { heapUsed } } as const;
    expect(checkDevice(Worked, settings)).toEqual([]);
    expect(readings).toBeGreaterThan(2);
  });

  // It takes the half second that the run is given.
  it('ends between two steps once its time is over', () => {
    Slow.writes = 0;
    const found = checkDevice(Slow, { ...brief, seconds: 0.5 });
    // Some fifty fit into its time; the step under way goes on to its end.
    expect(Slow.writes).toBeLessThan(500);
    expect(found.length).toBeGreaterThan(0);
    for (const { message, script } of found) {
      expect(message).toContain('0.5 seconds');
      expect(script).toEqual([]);
    }
  });

  it('keeps a record wherever the caller keeps it', () => {
    let text: string | undefined;
    const recorded: BehaviourRecord = {
      name: 'memory',
      read: () => text,
      write: (now) => {
        text = now;
      },
    };
    expect(checkDevice(Jar, { ...brief, recorded })).toEqual([]);
    expect(text).toContain('register level at 0x0 of jar');
    expect(checkDevice(Jar, { ...brief, recorded: { name: 'memory', read: () => text } })).toEqual([]);
    const [missing] = checkDevice(Jar, { ...brief, recorded: { name: 'memory', read: () => undefined } });
    expect(missing).toMatchObject({ check: check.behavesAsRecorded, script: [] });
    expect(missing?.message).toContain('memory');
  });
});
