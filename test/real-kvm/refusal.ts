import { BackplaneError } from '../../sdk/base/errors.ts';

/** What keeps `npm run real-kvm` from running, in a sentence for its user. Codes are for errors of the package. */
export class Refusal extends Error {}

/** The sentence of a refusal, or of an error of the package with its code. Anything else is a failure of ours. */
export function sentenceOf(cause: unknown): string {
  if (cause instanceof Refusal) return cause.message;
  if (cause instanceof BackplaneError) return `${cause.message} [${cause.code}]`;
  throw cause;
}
