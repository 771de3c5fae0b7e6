/**
 * dialogues/ promises small exchanges between two parents that a newcomer finds believable: each one is a whole little
 * scene in which the turns answer each other, with slots for what differs between families. Nobody in them is real.
 *
 * How a turn is written: `A: text | another way to say it`. A and B are the parents (whichever of them starts), P a
 * parenting coordinator, K a child old enough to have a phone. `B+2h:` waits two hours before this turn (`m`, `h`,
 * `d`); without it a few minutes pass. `{slot}` is filled from the family and the date; `{A:he/she}` chooses by the
 * gender of A, B, K or of the child C (masculine first), which many languages need.
 */

export type Topic =
  | 'pickup'
  | 'schedule'
  | 'school'
  | 'health'
  | 'money'
  | 'holidays'
  | 'everyday'
  | 'tension'
  | 'coordinator'
  | 'kids';

type Speaker = 'A' | 'B' | 'P' | 'K';

export type AttachmentKind = 'receipt' | 'drawing' | 'letter' | 'note';

export interface Dialogue {
  readonly topic: Topic;
  readonly turns: readonly string[];
  /** Months in which it can happen (1–12). Absent: any month. */
  readonly months?: readonly number[];
  readonly days?: 'weekday' | 'weekend' | 'sunday';
  readonly at?: 'morning' | 'afternoon' | 'evening';
  /** The child's age in whole years, both ends included. */
  readonly ages?: readonly [number, number];
  /** Only in the weeks before the child's birthday. */
  readonly birthday?: true;
  /** The gender of whoever starts it, where the words depend on it. */
  readonly starts?: 'f' | 'm';
  /** Happens to a family once at most. */
  readonly once?: true;
  /** Only makes sense for a family that lives in the United States. */
  readonly us?: true;
  /** Only for families with two children or more. */
  readonly siblings?: true;
  /** A shared expense: `{amount}` and `{half}` in the turns say what its rows say. In US dollars, before conversion. */
  readonly expense?: {
    readonly category: string;
    readonly description: string;
    readonly dollars: readonly [number, number];
    readonly settled: boolean;
  };
  /** A file sent with the turn of that number (from 0). */
  readonly attach?: {
    readonly turn: number;
    readonly kind: AttachmentKind;
    readonly name: string;
    /** What a note says; slots are filled as in the turns. */
    readonly lines?: readonly string[];
  };
  /** An entry in the family's calendar on `{weekday}`, `{date}` (a Monday to Friday) or `{saturday}`. */
  readonly event?: { readonly title: string; readonly on: 'weekday' | 'date' | 'saturday'; readonly hours: number };
}

export interface Turn {
  readonly speaker: Speaker;
  /** Minutes to wait before this turn; null: a few minutes, as it falls. */
  readonly waitMinutes: number | null;
  readonly ways: readonly string[];
}

const turnSyntax = /^([ABPK])(?:\+(\d+)([mhd]))?: (.+)$/su;
const minutesPer: Readonly<Record<string, number>> = { m: 1, h: 60, d: 1440 };

/** Read one turn as written above. @throws RangeError on a turn that is not written that way: a mistake in the text. */
export function parseTurn(text: string): Turn {
  const match = turnSyntax.exec(text);
  const [, speaker, count, unit, said] = match ?? [];
  if (!isSpeaker(speaker) || said === undefined) throw new RangeError(`not a turn of a dialogue: ${text}`);
  return {
    speaker,
    waitMinutes: count === undefined ? null : Number(count) * (minutesPer[unit ?? 'm'] ?? 1),
    ways: said.split(' | '),
  };
}

function isSpeaker(text: string | undefined): text is Speaker {
  return text === 'A' || text === 'B' || text === 'P' || text === 'K';
}
