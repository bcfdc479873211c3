import { inFile, type Mistake } from './mistakes.ts';

const sampler = inFile('sampler', 'test/mutation/devices/sampler.ts');
const virtio = inFile('virtio-rng', 'sdk/bus/virtio/core.ts');
const virtqueue = inFile('virtio-rng', 'sdk/bus/virtio/split-queue.ts');
const rings = inFile('virtio-rng', 'sdk/bus/virtio/rings.ts');
const picRegisters = inFile('i8259', 'devices/i8259/registers.ts');
const chip = inFile('i8259', 'devices/i8259/interrupt-chip.ts');
const flags = inFile('mc146818rtc', 'devices/mc146818-rtc/interrupt-flags.ts');
const edu = inFile('edu', 'devices/edu.ts');
const requests = inFile('i8259', 'devices/i8259/interrupt-requests.ts');

/**
 * Twenty more, by an author who had not read the suite, in devices that it had not been tried on with mistakes; and one of each kind
 * on which the suite was found to be weak by a newcomer: derived registers, priorities, bounds of DMA, error paths.
 */
export const secondBatch: readonly Mistake[] = [
  picRegisters('wrong mask', "irq13: bit(5, 'constant',", "irq13: bit(5, 'read-write',"),
  virtio(
    'wrong mask',
    'return modern.isReady(this.deviceStatus) && !this.broken;',
    'return (this.deviceStatus & VirtioStatus.Driver) !== 0 && !this.broken;',
  ),
  sampler('missing flush partner', '@flushCoalescedIo(setup)\n', ''),
  sampler(
    'missing flush partner',
    '{ offset: Select.Channel, size: 1 })\n@flushCoalescedIo(setup)\n@flushCoalescedIo(registers)',
    '{ offset: Select.Channel, size: 1, independent: [registers] })\n@flushCoalescedIo(setup)',
  ),
  virtio('forgotten reset', '    for (const queue of this.queues) queue.reset();\n', ''),
  chip('forgotten reset', '    this.readInService = false;\n', ''),
  requests('state not declared', '@state frozen = false;', 'frozen = false;'),
  virtqueue('state not declared', '@state({ as: shape.bits(16) }) private nextAnswer = 0;', 'private nextAnswer = 0;'),
  rings('wrong width', 'address: view.getBigUint64(0, true)', 'address: BigInt(view.getUint32(0, true))'),
  sampler('wrong width', '  width: 16,\n  reset: 100,', '  width: 8,\n  reset: 100,'),
  sampler('off-by-one range', '{ offset: Select.Channel, size: 1 }', '{ offset: Select.Channel, size: 2 }'),
  virtqueue('off-by-one range', 'if (index >= size) throw', 'if (index > size) throw'),
  sampler('inverted w1c', 'this.exceeded &= ~value;', 'this.exceeded &= value;'),
  sampler('inverted w1c', "overrun: bit(2, 'write-one-to-clear', {", "overrun: bit(2, 'read-write', {"),
  chip(
    'dropped interrupt update',
    '    this.expected = this.afterData(this.expected);\n    this.update();',
    '    this.expected = this.afterData(this.expected);',
  ),
  virtio(
    'level not lowered',
    'deriveFrom(() => this.interruptStatus !== 0)',
    'deriveFrom(() => this.interruptStatus !== 0 || this.interrupt.level)',
  ),
  sampler('timer not cancelled', 'private stop(): void {\n    this.conversion.cancel();\n', 'private stop(): void {\n'),
  sampler('wrong register array stride', 'stride: 4,', 'stride: 2,'),
  rings(
    'throwing on odd guest input',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it stands so in the device
    "new MalformedQueue('unreadable', `a queue at 0x${address.toString(16)}, where the device reaches no memory`);",
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it stands so in the device
    'new Error(`a queue at 0x${address.toString(16)}, where the device reaches no memory`) as MalformedQueue;',
  ),
  sampler(
    'unbounded growth of a list',
    'if (this.fifo.length >= Depth) this.status |= status.fields.overrun.mask;\n    else {\n      this.fifo.push(sample);\n      this.status |= status.fields.sample.mask;\n    }',
    'if (this.fifo.length >= Depth) this.status |= status.fields.overrun.mask;\n    this.fifo.push(sample);\n    this.status |= status.fields.sample.mask;',
  ),
  flags('derived register', '(this.chip.statusC & Cause.Any) | (isRequested', 'this.chip.statusC | (isRequested'),
  chip(
    'priorities',
    '    else this.writeOcw2(value >> 5, value & 7);\n    this.update();',
    '    else this.writeOcw2(value >> 5, value & 7);',
  ),
  edu(
    'bounds of DMA',
    'if (start >= 0n && end <= Buffer.Size) return this.buffer.subarray(Number(start), Number(end));',
    'if (start >= 0n && start < Buffer.Size) return new Uint8Array(this.buffer.buffer, Number(start), Number(end - start));',
  ),
  virtio('error path', '    this.broken = true;\n', ''),
];
