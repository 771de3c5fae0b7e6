const hidden = '[personal]';

/**
 * A value that is somebody's: a name, an address, what they wrote. It has no way into a log line, an error message,
 * a URL or the ledger by accident: printing it in any of the usual ways gives `[personal]`, and it is not assignable
 * to the type it wraps. `reveal` is the one door, and `git grep reveal` lists everyone who uses it.
 */
export class Personal<T> {
  readonly #value: T;

  constructor(value: T) {
    this.#value = value;
  }

  /** The value itself. Say at the call why it is needed if that is not plain from the line. */
  reveal(): T {
    return this.#value;
  }

  /** The same secrecy around a value derived from this one. */
  map<U>(change: (value: T) => U): Personal<U> {
    return new Personal(change(this.#value));
  }

  toString(): string {
    return hidden;
  }

  toJSON(): string {
    return hidden;
  }

  [Symbol.toPrimitive](): string {
    return hidden;
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return hidden;
  }
}

/** Wrap a value as personal. */
export function personal<T>(value: T): Personal<T> {
  return new Personal(value);
}
