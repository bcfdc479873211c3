import { FlatBinary } from '../accelerator/guest/flat-binary.ts';
import { BackplaneError } from '../base/errors.ts';

/** What a guest does again and again when the effect of coalescing is measured. */
export interface Workload {
  readonly name: string;
  readonly title: string;
  /** What one time of it is called: 'pair' or 'write'. */
  readonly unit: string;
  /** Accesses of each: what `perf kvm stat` calls samples. */
  readonly accesses: number;
  /** The code of one time, in real mode. */
  readonly body: readonly number[];
}

/** mov al, value; out port, al */
const writeByte = (port: number, value: number) => [0xb0, value, 0xe6, port];
/** in al, port */
const readByte = (port: number) => [0xe4, port];
/** mov dx, port */
const selectPort = (port: number) => [0xba, port & 0xff, port >> 8];
/** mov eax, 0x80000000: the first function of the bus, and its first register */
const loadPciAddress = [0x66, 0xb8, 0, 0, 0, 0x80];
const [Out32, In32] = [
  [0x66, 0xef],
  [0x66, 0xed],
];
const [RtcIndex, RtcData, RtcStatus] = [0x70, 0x71, 0x0b];
const [PciAddress, PciData] = [0xcf8, 0xcfc];

export const workloads: readonly Workload[] = [
  {
    name: 'rtc',
    title: 'RTC pairs: out8 0x70, in8 0x71',
    unit: 'pair',
    accesses: 2,
    body: [...writeByte(RtcIndex, RtcStatus), ...readByte(RtcData)],
  },
  {
    name: 'pci',
    title: 'PCI pairs: out32 0xcf8, in32 0xcfc',
    unit: 'pair',
    accesses: 2,
    body: [...loadPciAddress, ...selectPort(PciAddress), ...Out32, ...selectPort(PciData), ...In32],
  },
  {
    name: 'burst',
    title: 'Bursts: out8 0x70',
    unit: 'write',
    accesses: 1,
    body: writeByte(RtcIndex, RtcStatus),
  },
];

/** A counter of 16 bits counts them. */
const MostTimes = 0xffff;
const Address = 0x1000;

/** The workload so many times, and then HLT with interrupts disabled: a flat binary in real mode. */
export function workloadBinary({ name, body }: Workload, times: number): FlatBinary {
  if (!Number.isInteger(times) || times < 1 || times > MostTimes) {
    throw new BackplaneError(
      'invalid-workload',
      `Workload '${name}': ${times} times cannot be counted. Give a whole number from 1 to ${MostTimes}.`,
    );
  }
  // mov cx, times; the body; dec cx; jnz back to the body
  const loop = [0xb9, times & 0xff, times >> 8, ...body, 0x49, 0x75, 0x100 - (body.length + 3)];
  return new FlatBinary({ name, bytes: Uint8Array.from([0xfa, ...loop, 0xf4]), address: Address });
}
