/** What the file of a controller or a target of an I2C bus imports. */
export { type I2cAddress, type I2cDirection, tenBit } from './bus/i2c/address.ts';
export { BcdClock } from './bus/i2c/bcd-clock.ts';
export { I2cLines } from './bus/i2c/bit-bang.ts';
export { I2cBus } from './bus/i2c/bus.ts';
export { I2cDevice } from './bus/i2c/device.ts';
export { I2cMemoryDevice } from './bus/i2c/memory-device.ts';
export { I2cPointerDevice, type I2cPointerSpec } from './bus/i2c/pointer-device.ts';
export { I2cRegisterDevice, type I2cRegistersSpec, i2cRegisters } from './bus/i2c/register-device.ts';
export { packetErrorCode, SmbusError, SmbusHost } from './bus/i2c/smbus.ts';
export type { Acknowledge, I2cClockLine, I2cTarget } from './bus/i2c/target.ts';
