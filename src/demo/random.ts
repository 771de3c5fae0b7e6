import { sha256 } from '../core/hash.ts';

/** A seeded source of chance: the same seed gives the same draws for ever, on every machine. */
export interface Random {
  /** At least 0, below 1. */
  next(): number;
  /** A whole number from `min` to `max`, both included. */
  whole(min: number, max: number): number;
  chance(probability: number): boolean;
  pick<T>(list: readonly T[]): T;
  shuffled<T>(list: readonly T[]): T[];
}

/**
 * sfc32 (Chris Doty-Humphrey's small fast counting generator, 128 bits of state), seeded by SHA-256 of a text, so that
 * `seed/family/12` and `seed/family/13` are unrelated streams. For a demonstration only: nothing secret comes from here.
 */
export function createRandom(seed: string): Random {
  const bytes = sha256(seed);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let a = view.getUint32(0);
  let b = view.getUint32(4);
  let c = view.getUint32(8);
  let counter = view.getUint32(12);

  function next(): number {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (c << 21) | (c >>> 11);
    c = (c + sum) | 0;
    return (sum >>> 0) / 4_294_967_296;
  }
  const whole = (min: number, max: number) => min + Math.floor(next() * (max - min + 1));

  return {
    next,
    whole,
    chance: (probability) => next() < probability,
    pick: (list) => {
      const chosen = list.at(whole(0, list.length - 1));
      if (chosen === undefined) throw new RangeError('nothing to choose from');
      return chosen;
    },
    shuffled: (list) =>
      list
        .map((item) => ({ item, place: next() }))
        .sort((x, y) => x.place - y.place)
        .map(({ item }) => item),
  };
}
