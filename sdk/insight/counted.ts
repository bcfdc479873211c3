/** `41,342`, wherever the program runs. */
export const count = (value: number): string => value.toLocaleString('en-US');

/** `1 exit`, `2 exits`. */
export const counted = (value: number, one: string, many = `${one}s`): string =>
  `${count(value)} ${value === 1 ? one : many}`;

/** `once`, `2 times`. */
export const times = (value: number): string => (value === 1 ? 'once' : `${count(value)} times`);
