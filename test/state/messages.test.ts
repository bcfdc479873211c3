import { device, InterruptPin, IsaDevice, shape, state } from '../../sdk/index.ts';
import { constructDevice, loadDevice, saveDevice } from '../../sdk/runtime.ts';
import { testBench } from '../../sdk/testing/index.ts';
import { goldenMessages } from '../golden-messages.ts';

@device({ type: 'kiln', description: 'says when its pin is high, and refuses to be too hot' })
class Kiln extends IsaDevice {
  readonly irq = new InterruptPin();
  @state done = false;
  @state heat = 0;

  constructor() {
    super();
    this.irq.highWhile = () => this.done;
  }

  override onStateLoaded(): void {
    if (this.heat > 100) throw new Error('it would melt');
  }
}

const load = (change: object, pins: readonly string[] = []) => {
  const kiln = constructDevice(() => new Kiln());
  const saved = saveDevice(kiln);
  loadDevice(kiln, { ...saved, fields: { ...saved.fields, ...change }, high: pins });
};

const define = (how: object, member = 'one') => {
  class Kiln extends IsaDevice {}
  state(how as never)(Kiln.prototype, member);
  return Kiln;
};

goldenMessages('state', {
  'invalid-shape': () => shape.bits(54),
  'invalid-state-name': () => define({ name: '__proto__' }),
  'invalid-version': () => define({ since: 0 }),
  'needless-brackets': () => (state as unknown as () => (owner: object, member: string) => void)()(Kiln.prototype, 'x'),
  'state-contradiction': () => load({}, ['irq']),
  'state-mismatch': () => load({ heat: 'x', parity: 1 }),
  'state-name-taken': () => state({ name: 'one' })(define({}).prototype, 'two'),
  'state-refused': () => load({ heat: 200 }),
  'unsupported-state': () => {
    @device({ type: 'holder', description: 'holds what no snapshot holds' })
    class Holder extends IsaDevice {
      @state field = new Map();
    }
    testBench(Holder);
  },
});
