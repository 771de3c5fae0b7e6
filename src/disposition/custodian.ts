import type { Actor } from '../core/actor.ts';
import { formatInstant } from '../core/instants.ts';
import type { Personal } from '../core/personal.ts';
import { refuse } from '../core/refusal.ts';
import type { Decided } from '../ledger/decision.ts';
import { entry } from '../ledger/entry.ts';

export type CustodianState = 'asked' | 'acknowledged' | 'released';

/** The letters a custodian gets. */
export type CustodianLetter = 'custodian-asked' | 'custodian-reminded' | 'custodian-released';

/** Somebody who has, or could destroy, what a hold is about, and was told to keep it. They have no account here. */
export interface Custodian {
  readonly id: string;
  readonly version: number;
  readonly holdId: string;
  /** The hold's. */
  readonly caseId: string;
  readonly state: CustodianState;
  readonly askedAt: Temporal.Instant;
  readonly askedBy: string;
  readonly acknowledgedAt: Temporal.Instant | null;
  /** Everything that was said to them and by them, in order. */
  readonly history: readonly {
    readonly at: string;
    readonly actor: string;
    readonly what: 'asked' | 'reminded' | 'acknowledged' | 'released';
  }[];
  readonly name: Personal<string>;
  readonly email: Personal<string>;
  /** What they are to keep, in the words of whoever asked; null: the letter's own words alone. */
  readonly instructions: Personal<string | null>;
}

export type CustodianChange = { readonly kind: 'custodian'; readonly custodian: Custodian };

/** A reminder goes out when nothing was heard for this many days, and at most so many times. */
export const reminderDays = 7;
export const remindersMost = 3;

const said = (
  custodian: Custodian,
  what: Custodian['history'][number]['what'],
  actor: string,
  at: Temporal.Instant,
) => [...custodian.history, { at: formatInstant(at), actor, what }];

/** @param notice the letter that was written down for it */
const letterTask = (notice: string) => ({ name: 'send-letter' as const, key: notice, payload: { notice } });

/** Ask somebody to keep what a hold is about. */
export function decideCustodian(custodian: Custodian, notice: string): Decided<CustodianChange> {
  const { askedAt, askedBy } = custodian;
  return {
    state: [{ kind: 'custodian', custodian: { ...custodian, history: said(custodian, 'asked', askedBy, askedAt) } }],
    entries: [entry('custodian.asked', askedAt, askedBy, { hold: custodian.holdId, custodian: custodian.id })],
    tasks: [letterTask(notice)],
  };
}

/** How often somebody was reminded. */
export function timesReminded({ history }: Custodian): number {
  return history.filter(({ what }) => what === 'reminded').length;
}

/** What is to be done tonight about somebody who has not answered: nothing yet, a reminder, or tell staff. */
export function dueTonight(custodian: Custodian, now: Temporal.Instant): 'nothing' | 'remind' | 'tell' {
  const last = custodian.history.findLast(({ what }) => what === 'asked' || what === 'reminded');
  if (custodian.state !== 'asked' || !last) return 'nothing';
  const quiet = now.since(Temporal.Instant.from(last.at)).total('hours') / 24;
  if (quiet < reminderDays) return 'nothing';
  return timesReminded(custodian) < remindersMost ? 'remind' : 'tell';
}

/** Ask again. */
export function decideReminder(
  custodian: Custodian,
  notice: string,
  actor: Actor,
  now: Temporal.Instant,
): Decided<CustodianChange> {
  if (custodian.state !== 'asked')
    return refuse(
      'move_not_allowed',
      `This custodian has ${custodian.state === 'released' ? 'been released' : 'acknowledged'} already. No letter was sent.`,
      {
        state: custodian.state,
      },
    );
  const times = timesReminded(custodian) + 1;
  return {
    state: [{ kind: 'custodian', custodian: { ...custodian, history: said(custodian, 'reminded', actor.id, now) } }],
    entries: [entry('custodian.reminded', now, actor.id, { hold: custodian.holdId, custodian: custodian.id, times })],
    tasks: [letterTask(notice)],
  };
}

/** They have read it and will keep what they have. It is said once. */
export function decideAcknowledgement(custodian: Custodian, now: Temporal.Instant): Decided<CustodianChange> {
  if (custodian.state !== 'asked')
    return refuse(
      'link_expired',
      'This was answered already, or is not asked of you any more. You need not do anything.',
    );
  return {
    state: [
      {
        kind: 'custodian',
        custodian: {
          ...custodian,
          state: 'acknowledged',
          acknowledgedAt: now,
          history: said(custodian, 'acknowledged', custodian.id, now),
        },
      },
    ],
    entries: [entry('custodian.acknowledged', now, custodian.id, { hold: custodian.holdId, custodian: custodian.id })],
    tasks: [],
  };
}

/** They need no longer keep anything for this hold: it ended, or they were asked by mistake. */
export function decideCustodianRelease(
  custodian: Custodian,
  notice: string,
  actor: Actor,
  now: Temporal.Instant,
): Decided<CustodianChange> {
  if (custodian.state === 'released')
    return refuse('move_not_allowed', 'This custodian has been released already. No letter was sent.', {
      state: custodian.state,
    });
  return {
    state: [
      {
        kind: 'custodian',
        custodian: { ...custodian, state: 'released', history: said(custodian, 'released', actor.id, now) },
      },
    ],
    entries: [entry('custodian.released', now, actor.id, { hold: custodian.holdId, custodian: custodian.id })],
    tasks: [letterTask(notice)],
  };
}
