import { device, inject, VirtualClock } from '../../sdk/index.ts';
import { pci } from '../../sdk/pci.ts';
import { testBench } from '../../sdk/testing/index.ts';
import { type VirtioAnswer, VirtioPciDevice, virtio } from '../../sdk/virtio.ts';

abstract class Answering extends VirtioPciDevice {
  protected serve(): VirtioAnswer {
    return 0;
  }
}

@device({ type: 'virtio-plain', description: 'A virtio device of one queue' })
@virtio({ deviceType: 40, queues: [8] })
class Plain extends Answering {
  constructor(@inject(VirtualClock) clock: VirtualClock) {
    super(clock);
  }
}

/** What provokes the codes of virtio. */
export const virtioProvocations = {
  'invalid-virtio-device': () => virtio({ deviceType: 40, queues: [6] })(class Card extends Answering {}),
  'missing-virtio-declaration': () => {
    @device({ type: 'virtio-nothing', description: 'Has no @virtio' })
    @pci({ vendorId: 0x1af4, deviceId: 0x1068, classCode: 0x00ff })
    class Nothing extends Answering {
      constructor(@inject(VirtualClock) clock: VirtualClock) {
        super(clock);
      }
    }
    testBench(Nothing);
  },
  'queue-out-of-range': () => {
    const { device } = testBench(Plain);
    device.queueSelect = 1024;
    device.onStateLoaded(1);
  },
} as const;
