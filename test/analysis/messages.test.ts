import { defineMachine, device, IsaDevice, portRegion, use } from 'backplane';
import { isapc } from 'backplane/machines';
import { Machine } from 'backplane/runtime';
import { advise } from '../../sdk/analysis/advisor/advise.ts';
import { withSuggestion } from '../../sdk/analysis/advisor/changes.ts';
import { replayTrace } from '../../sdk/analysis/replay.ts';
import { goldenMessages } from '../golden-messages.ts';
import { repeated, smallTrace } from './small-trace.ts';

const ports = portRegion({ name: 'counter', base: 0x300, size: 1, accessSizes: [1] });

@device({ type: 'counter', description: 'Throws at the second read' })
class Counter extends IsaDevice {
  private count = 0;

  @ports.read(0)
  next(): number {
    if (this.count === 1) throw new Error('one is the most.');
    return ++this.count;
  }
}

const counting = defineMachine({ ...isapc, name: 'counting', devices: [...isapc.devices, use(Counter)] });
const place = { kind: 'coalesce', isPort: true, start: 0x70, size: 1, offset: 0 } as const;
const toElsewhere = { ...place, device: 'uart0', region: 'uart' };
/** More queued writes than the ring has slots, with exits in between that drain it by KVM's rules. */
const writes = smallTrace(
  repeated(400, () => [
    ['out', 0x70, 10],
    ['in', 0x80, 0],
  ]),
);

goldenMessages('analysis', {
  'replay-stopped': () => replayTrace(smallTrace(repeated(2, () => [['in', 0x300, 1]])), { definition: counting }),
  'suggestion-of-another-machine': () => withSuggestion(isapc, toElsewhere).prepare?.(Machine.create(isapc)),
  'unpredictable-recording': () => advise(writes, { definition: isapc, accelerator: { drain: 'on-access' } }),
});
