import type { UsedDevice } from '../../sdk/index.ts';
import { use } from '../../sdk/index.ts';
import { WideCard } from './cards.ts';

/** What of configuration space QEMU answers in place of the card, where its user asks for that. Everything else is the card's, bit by bit. */
export interface BridgeOwned {
  readonly name: string;
  readonly used: UsedDevice;
  /** Of `-device vfio-user-pci`. */
  readonly device: Readonly<Record<string, unknown>>;
  /** The script that goes there: a write, where one is needed, and the read in which the sides differ. */
  readonly write?: number;
  readonly offset: number;
  readonly size: 1 | 2 | 4;
  readonly here: number;
  readonly there: number;
}

const card = use(WideCard);

export const bridgeOwned: readonly BridgeOwned[] = [
  {
    name: 'the multifunction bit: QEMU knows what else is in the slot',
    used: card,
    device: { multifunction: true },
    offset: 0x0e,
    size: 1,
    here: 0x00,
    there: 0x80,
  },
  {
    name: 'the device number, if x-pci-device-id says another one',
    used: card,
    device: { 'x-pci-device-id': 0x4321 },
    offset: 0x02,
    size: 2,
    here: 0x11e0,
    there: 0x4321,
  },
  {
    name: 'the expansion ROM, if rombar=0 takes it away',
    used: card,
    device: { rombar: 0 },
    write: 0xffff_f800,
    offset: 0x30,
    size: 4,
    here: 0xffff_f800,
    there: 0,
  },
];

/**
 * What else differs, and how the comparison goes around it:
 *
 * - The number of vectors of MSI is taken when the guest enables MSI. A script does not change it before MSI is off.
 * - The table of MSI-X is QEMU's own. All of its vectors are masked from power-on, or all of them open. Only writes that open them
 *   are made: what QEMU holds back of an open vector that is masked again shows in no pending bit of the card.
 * - Messages that wait at the same time may be carried out in another order. Each is waited for.
 * - On the way to a reset QEMU clears the command register first. The pin is not watched meanwhile.
 */
export const VectorsAtEnable = {
  used: card,
  /** Writes of the control register of MSI: one vector, then two of them, off, and on again. */
  control: 0x42,
  one: 0x01,
  two: 0x11,
  off: 0x10,
} as const;
