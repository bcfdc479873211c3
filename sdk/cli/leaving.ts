let meantToLeave = false;

/** Ends the process because there is nothing left to do, which is no surprise to anybody. */
export function leave(status: number): never {
  meantToLeave = true;
  process.exit(status);
}

export function isLeaving(): boolean {
  return meantToLeave;
}
