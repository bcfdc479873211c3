import { type Guest, type GuestStep, guestProgram } from 'backplane/runtime';

function* readRegister(guest: Guest, register: number): GuestStep<number> {
  yield* guest.out8(0x70, register);
  return yield* guest.in8(0x71);
}

/** Reads the time of day from the RTC and writes it to the text screen. */
export default guestProgram('read-clock', function* (guest) {
  const digits: number[] = [];
  for (const register of [4, 2, 0]) {
    const value = yield* readRegister(guest, register);
    digits.push(0x30 + (value >> 4), 0x30 + (value & 15));
  }
  for (const [column, digit] of digits.entries()) yield* guest.store16(0xb8000 + 2 * column, 0x0700 | digit);
});
