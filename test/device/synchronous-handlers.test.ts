import { describe, it } from 'vitest';
import { device, IsaDevice, portRegion } from '../../sdk/index.ts';
import { expectRefusal } from '../refusal.ts';

/** The types refuse these too; a plugin is compiled without looking at them. */
const unchecked = (decorator: unknown) => decorator as MethodDecorator;

describe('a handler answers at once', () => {
  const ports = () => portRegion({ name: 'slow', base: 0x300, size: 2, accessSizes: [1] });

  it('so an async one is refused when the class is defined', () => {
    expectRefusal(
      () => {
        const region = ports();
        @device({ type: 'slow', description: 'Answers later' })
        class Slow extends IsaDevice {
          @unchecked(region.write(0)) async write(): Promise<void> {}
        }
        return Slow;
      },
      'asynchronous-handler',
      'Slow',
      'write',
    );
  });

  it('and so is an async hook of a register', () => {
    expectRefusal(
      () => {
        const region = ports();
        const data = region.register(0, { width: 8 });
        @device({ type: 'slow', description: 'Thinks later' })
        class Slow extends IsaDevice {
          @data data = 0;
          @unchecked(data.onWrite()) async think(): Promise<void> {}
        }
        return Slow;
      },
      'asynchronous-handler',
      'Slow',
      'think',
    );
  });

  it('also one that an abstract base brings', () => {
    const region = ports();
    abstract class Base extends IsaDevice {
      @unchecked(region.write(0)) async write(): Promise<void> {}
    }
    expectRefusal(
      () => {
        @device({ type: 'slow', description: 'Answers later' })
        class Slow extends Base {}
        return Slow;
      },
      'asynchronous-handler',
      'write',
    );
  });
});
