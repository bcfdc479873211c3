import { inFile, type Mistake } from './mistakes.ts';

const pl061 = inFile('pl061', 'devices/pl061.ts');
const plic = inFile('plic', 'devices/plic.ts');
const requests = inFile('i8259', 'devices/i8259/interrupt-requests.ts');
const thermometer = inFile('thermometer', 'test/mutation/devices/thermometer.ts');
const flash = inFile('spi-flash', 'devices/spi-flash.ts');
const eeprom = inFile('eeprom', 'devices/eeprom.ts');
const ds1307 = inFile('ds1307', 'devices/ds1307.ts');
const sp804 = inFile('sp804', 'devices/sp804.ts');
const opencores = inFile('opencores-i2c', 'devices/opencores-i2c.ts');
const edu = inFile('edu', 'devices/edu.ts');
const sampler = inFile('sampler', 'test/mutation/devices/sampler.ts');

/**
 * Twenty more, by an author who had not read the suite: five each in pins, in targets of buses, in derived registers and in
 * timing. The sentence above each says what its author believed or forgot.
 */
export const thirdBatch: readonly Mistake[] = [
  // The derived pin looks at the raw status, so that a masked cause interrupts too.
  pl061('pins', '() => this.maskedStatus !== 0', '() => this.rawStatus !== 0'),
  // Wires set the levels again when a machine is restored, the author believes.
  pl061('pins', "@state({ atReset: 'kept' }) protected inputs = 0;", 'protected inputs = 0;'),
  // A reset clears everything, also what the wires still hold.
  requests('pins', '    this.armed = 0;\n', '    this.armed = 0;\n    this.levels = 0;\n'),
  // Sources count from 1, so that the last one has the number of sources: it is refused.
  plic('pins', 'source > 0 && source <= this.config.sources', 'source > 0 && source < this.config.sources'),
  // The derived pin looks at the clock, and nothing evaluates it when the time has come: the result needs no timer.
  thermometer('pins', '    this.converted.arm(this.readyAt);\n', '    this.finish();\n'),

  // A sequential read goes on behind the last byte.
  flash(
    'bus targets',
    'return this.memory[this.address++ % this.memory.length] as number;',
    'return this.memory[this.address++] as number;',
  ),
  // A page that a write has begun is not saved, because a transfer is over so quickly.
  eeprom('bus targets', "@state({ atReset: 'kept' }) private isPageOpen = false;", 'private isPageOpen = false;'),
  // The RAM ends one byte before the pointer goes round.
  ds1307(
    'bus targets',
    `count: 56 });

export const ds1307Options = defineOptions({
  date: option.date({ description: 'date and time at power-on, UTC', default: new Date('2026-01-01T00:00:00Z') }),
});

/**
 * DS1307 real-time clock with 56 bytes of RAM. It shows the time of the last start. Impossible dates carry into possible ones.
 * The square-wave pin is not modelled. A hostile guest can set any time.
 *
 * @see Maxim DS1307 datasheet, "Clock and Calendar", "Control Register" and "I2C Data Bus"
 */
@device({ type: 'ds1307', description: 'DS1307 real-time clock on I2C' })
export class Ds1307 extends I2cRegisterDevice {
  @time readonly time = new Uint8Array(BcdClock.bytes);
  @control control = 0x03;
  @ram readonly ram = new Uint8Array(56)`,
    `count: 55 });

export const ds1307Options = defineOptions({
  date: option.date({ description: 'date and time at power-on, UTC', default: new Date('2026-01-01T00:00:00Z') }),
});

/**
 * DS1307 real-time clock with 56 bytes of RAM. It shows the time of the last start. Impossible dates carry into possible ones.
 * The square-wave pin is not modelled. A hostile guest can set any time.
 *
 * @see Maxim DS1307 datasheet, "Clock and Calendar", "Control Register" and "I2C Data Bus"
 */
@device({ type: 'ds1307', description: 'DS1307 real-time clock on I2C' })
export class Ds1307 extends I2cRegisterDevice {
  @time readonly time = new Uint8Array(BcdClock.bytes);
  @control control = 0x03;
  @ram readonly ram = new Uint8Array(55)`,
  ),
  // It acknowledges its address during a write cycle.
  eeprom(
    'bus targets',
    'return this.clock.now >= this.busyUntil && super.onStart(direction, address);',
    'return super.onStart(direction, address);',
  ),
  // The write enable latch outlives a reset, as the block protect bits do.
  flash(
    'bus targets',
    '    this.page.fill(Erased);\n    this.isWriteEnabled = false;\n    this.written = 0;\n',
    '    this.page.fill(Erased);\n    this.written = 0;\n',
  ),

  // Reading the status acknowledges the edges that it showed.
  pl061(
    'derived registers',
    '    return this.edges | (this.sense & ~(this.levels ^ this.event));\n',
    '    const { edges } = this;\n    this.edges = 0;\n    return edges | (this.sense & ~(this.levels ^ this.event));\n',
  ),
  // What the status is derived from is kept at hand, and neither saved nor reset.
  sp804(
    'derived registers',
    `    return this.rawStatus & interruptEnable.of(this.control);
  }

  /** Applies the control and load registers. A timer that has stopped at zero stays there until it is loaded. */
  private run(): void {
    const { control: held, counter } = this;
`,
    `    return this.rawStatus & this.interrupts;
  }

  private interrupts = 1;

  /** Applies the control and load registers. A timer that has stopped at zero stays there until it is loaded. */
  private run(): void {
    const { control: held, counter } = this;
    this.interrupts = interruptEnable.of(held);
`,
  ),
  // A number runs over into the bits beside its field.
  thermometer('derived registers', '((this.conversions & 7) << 4)', '(this.conversions << 4)'),
  // One of two registers that show the same value is not written with the other.
  sp804(
    'derived registers',
    '    this.load = start;\n    this.backgroundLoad = start;\n',
    '    this.backgroundLoad = start;\n',
  ),
  // There is always a first one, the author believes.
  thermometer('derived registers', 'this.hotChannels[0]?.number ?? 0', 'this.hotChannels[0]!.number'),

  // A deadline is taken for a duration.
  edu('timing', 'this.dmaDone.arm(this.clock.now + Time.Dma);', 'this.dmaDone.arm(Time.Dma);'),
  // A period of zero is taken as it is.
  sampler('timing', '(this.period || 0x1_0000) * MICROSECOND', 'this.period * MICROSECOND'),
  // The timer of a transfer outlives the reset.
  opencores('timing', '    this.transferred.cancel();\n', ''),
  // A time is saved like any number.
  flash(
    'timing',
    "@state({ as: guestTime, atReset: 'kept' }) private busyUntil = 0;",
    "@state({ atReset: 'kept' }) private busyUntil = 0;",
  ),
  // Each period has one tick too many.
  sp804('timing', "isFree ? 'after-zero' : 'at-zero'", "'after-zero'"),
];
