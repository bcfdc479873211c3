import { guestProgram } from 'backplane/runtime';

/** Converts and reads the thermometer with code 28. */
export default guestProgram('measure', function* (guest) {
  const send = function* (...bytes: number[]) {
    yield* guest.out8(0x561, 0);
    for (const byte of [0x55, 0x28, ...bytes]) yield* guest.out8(0x560, byte);
  };
  yield* send(0x44);
  yield* send(0xbe);
  const read = [yield* guest.in8(0x560), yield* guest.in8(0x560), yield* guest.in8(0x560)];
  if (read.join() !== '7,255,80') throw new Error(`the thermometer answers ${read.join()}`);
});
