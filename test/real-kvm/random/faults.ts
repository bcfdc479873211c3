/** A mistake that is planted in the simulated kernel: the comparison has to find it. */
export interface PlantedFault {
  readonly name: string;
  readonly file: string;
  readonly text: string;
  readonly replacement: string;
}

const Kernel = 'sdk/accelerator/kvm/simulated-kernel';

export const faults: readonly PlantedFault[] = [
  {
    name: 'zones: one is found at its first byte only',
    file: `${Kernel}/coalesced-zones.ts`,
    text: 'register(address, size | 0, device)',
    replacement: 'register(address, Math.min(1, size | 0), device)',
  },
  {
    name: 'zones: a range that ends where its zone does removes nothing',
    file: `${Kernel}/coalesced-zones.ts`,
    text: 'address + BigInt(size) <= this.#end',
    replacement: 'address + BigInt(size) < this.#end',
  },
  {
    name: 'buses: of two devices at one place the later one is asked first',
    file: `${Kernel}/io-bus.ts`,
    text: 'range.end > end',
    replacement: 'range.end >= end',
  },
  {
    name: 'ring: it holds one entry fewer',
    file: 'sdk/accelerator/kvm/coalesced-ring.ts',
    text: 'return next === this.first;',
    replacement: 'return next === this.first || (next + 1) % Slots === this.first;',
  },
  {
    name: 'ring: an entry behind the end of the page',
    file: 'sdk/accelerator/kvm/coalesced-ring.ts',
    text: 'slot >= Slots ||',
    replacement: 'slot > Slots ||',
  },
  {
    name: 'strings: a batch has as many elements as the buffer has bytes',
    file: `${Kernel}/port-instructions.ts`,
    text: 'ReadAheadBytes / size',
    replacement: 'ReadAheadBytes',
  },
  {
    name: 'strings: what was read ahead is kept over a store that userspace serves',
    file: `${Kernel}/memory-instructions.ts`,
    text: 'operation.position -= this.#elements;',
    replacement: 'return;',
  },
  {
    name: 'pages: the second half of a store is not offered to a zone',
    file: `${Kernel}/memory-instructions.ts`,
    text: 'const taken = isWrite ? this.#offer(start, length) : 0;',
    replacement: 'const taken = isWrite && start === 0 ? this.#offer(start, length) : 0;',
  },
  {
    name: 'eventfds: a value that is not the wanted one signals',
    file: `${Kernel}/ioeventfds.ts`,
    text: 'value === this.#low',
    replacement: 'value >= this.#low',
  },
];
