/** The database cannot be brought to this version with the connections that were given: what happened, and what to do. */
export class DatabaseUnprepared extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'DatabaseUnprepared';
  }
}
