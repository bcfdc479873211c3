import { checkBrackets, checkMember } from '../../sdk/base/decorated-member.ts';
import { DeviceFailure } from '../../sdk/base/errors.ts';
import { pci } from '../../sdk/pci.ts';
import { goldenMessages } from '../golden-messages.ts';

class Uart {}

goldenMessages('base', {
  'device-failure': () => {
    throw new DeviceFailure(
      "Device 'uart': its handler threw: x is undefined.",
      new Uart(),
      new Error('x is undefined'),
    );
  },
  'missing-brackets': () => checkBrackets(Uart, undefined, '@device({ ... })'),
  'standard-decorator': () => checkMember(new Uart(), { kind: 'method', name: 'write' }, '@ports.write'),
  'static-member': () => checkMember(Uart, 'write', '@ports.write'),
  'unknown-word': () => pci({ vendorId: 1, deviceId: 1, classCode: 2, irq: 5 } as never)(Uart as never),
});
