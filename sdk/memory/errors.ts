/** What a person has to change: shown as its message alone, without a stack, unless asked for. */
export class BackplaneError extends Error {
  override readonly name: string = 'BackplaneError';
}
