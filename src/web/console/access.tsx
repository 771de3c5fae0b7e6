import { type Role, roles } from '../../core/actor.ts';
import { formatInstant } from '../../core/instants.ts';
import type { Refusal } from '../../core/refusal.ts';
import { type AccessReview, type ReviewRow, reviewCounts, undecided } from '../../policy/access-review.ts';
import { type Permission, permissionInWords } from '../../policy/roles.ts';
import { errorFor, Facts, Field, Hash, Pill, PostForm, RefusalNotice, Table, Time } from '../components/parts.tsx';
import { ConsolePage, type Frame } from '../layout.tsx';
import { Act } from './account.tsx';

/** A role taken in an emergency, as tables show it. */
export interface LendingRow {
  readonly id: string;
  readonly actorId: string;
  readonly role: string;
  readonly startedAt: Temporal.Instant;
  readonly endsAt: Temporal.Instant;
  readonly endedAt: Temporal.Instant | null;
  readonly reviewedAt: Temporal.Instant | null;
  readonly reviewedBy: string | null;
}

type Names = ReadonlyMap<string, string>;
const named = (names: Names, id: string) => names.get(id) ?? id;

/** Take another role in an emergency. */
export function BreakGlassPage({
  frame,
  refusal,
  values,
  offers,
  minutes,
}: {
  readonly frame: Frame;
  readonly refusal: Refusal | null;
  readonly values: Readonly<Record<string, string>>;
  /** What each other role would lend. */
  readonly offers: readonly { readonly role: Role; readonly lends: readonly Permission[] }[];
  readonly minutes: number;
}) {
  const [first] = offers;
  return (
    <ConsolePage title="Break the glass" frame={frame} here="/console/account">
      <p class="crumb">
        <a href="/console/account">Your account</a>
      </p>
      <h1>Break the glass</h1>
      {refusal ? <RefusalNotice refusal={refusal} /> : null}
      <p>
        When nobody else is there and it cannot wait, you can take another role beside yours for up to {minutes}{' '}
        minutes. You see what it sees and work on what it works on. You approve nothing with it, and manage no people
        and no keys.
      </p>
      <ul>
        <li>An alarm is raised at once, with your name and the role.</li>
        <li>Afterwards somebody else reads your reason and what you did, and says so.</li>
        <li>It ends at its time, when you give it back, and when you sign out anywhere.</li>
      </ul>
      {frame.lent ? null : (
        <PostForm action="/console/account/break-glass">
          <fieldset>
            <legend>The role you need</legend>
            {errorFor(refusal, 'role') ? <p class="error">{errorFor(refusal, 'role')}</p> : null}
            <div class="choices">
              {offers.map(({ role, lends }) => (
                <label class="choice">
                  <input
                    type="radio"
                    name="role"
                    value={role}
                    checked={role === (values.role ?? first?.role)}
                    required
                  />
                  <span>
                    <strong>{role}</strong>
                    <span>{lends.map(permissionInWords).join(' ')}</span>
                  </span>
                </label>
              ))}
            </div>
          </fieldset>
          <Field
            name="reason"
            label="What is the emergency?"
            hint="Whoever reviews this reads it. It is kept sealed and stands in no alarm, log or ledger."
            error={errorFor(refusal, 'reason')}
          >
            <textarea id="reason" name="reason" maxlength={2000} required>
              {values.reason ?? ''}
            </textarea>
          </Field>
          <Field name="minutes" label="For how many minutes?" error={errorFor(refusal, 'minutes')}>
            <select id="minutes" name="minutes">
              {[15, 30, 60].map((some) => (
                <option value={String(some)} selected={String(some) === (values.minutes ?? '30')}>
                  {some} minutes
                </option>
              ))}
            </select>
          </Field>
          <button type="submit" class="danger">
            Take this role and raise the alarm
          </button>
        </PostForm>
      )}
    </ConsolePage>
  );
}

function LendingState({ lending, names }: { readonly lending: LendingRow; readonly names: Names }) {
  if (lending.reviewedBy) return <Pill tone="ok">reviewed by {named(names, lending.reviewedBy)}</Pill>;
  return lending.endedAt ? <Pill tone="warn">not reviewed</Pill> : <Pill tone="danger">lasts now</Pill>;
}

/** Roles taken in an emergency. */
export function LendingTable({
  frame,
  lendings,
  names,
  empty,
}: {
  readonly frame: Frame;
  readonly lendings: readonly LendingRow[];
  readonly names: Names;
  readonly empty: string;
}) {
  return (
    <Table
      label="Roles taken in an emergency"
      rows={lendings}
      empty={empty}
      columns={[
        {
          head: 'Who',
          cell: ({ id, actorId }) =>
            frame.may('access.read') ? (
              <a href={`/console/alarms/lent/${id}`}>{named(names, actorId)}</a>
            ) : (
              named(names, actorId)
            ),
        },
        { head: 'Role', cell: ({ role }) => role },
        { head: 'From', cell: ({ startedAt }) => <Time at={startedAt} zone={frame.zone} /> },
        { head: 'Until', cell: ({ endedAt, endsAt }) => <Time at={endedAt ?? endsAt} zone={frame.zone} /> },
        { head: 'State', cell: (lending) => <LendingState lending={lending} names={names} /> },
      ]}
    />
  );
}

/** What was done with a role taken in an emergency, and why it was taken. */
export function LendingPage({
  frame,
  lending,
  reason,
  done,
  names,
  refusal,
  mayReview,
}: {
  readonly frame: Frame;
  readonly lending: LendingRow;
  readonly reason: string;
  readonly done: readonly { readonly kind: string; readonly count: number }[];
  readonly names: Names;
  readonly refusal: Refusal | null;
  readonly mayReview: boolean;
}) {
  const who = named(names, lending.actorId);
  const at = `/console/alarms/lent/${lending.id}`;
  const isOwn = lending.actorId === frame.session.person.id;
  return (
    <ConsolePage title={`${who} took the role ${lending.role}`} frame={frame} here="/console/alarms">
      <h1>
        {who} took the role {lending.role}
      </h1>
      {refusal ? <RefusalNotice refusal={refusal} /> : null}
      <div class="card">
        <Facts
          rows={[
            ['State', <LendingState lending={lending} names={names} />],
            ['From', <Time at={lending.startedAt} zone={frame.zone} />],
            [lending.endedAt ? 'Ended' : 'Ends', <Time at={lending.endedAt ?? lending.endsAt} zone={frame.zone} />],
            ['Reason', reason],
            ...(lending.reviewedAt ? [['Reviewed', <Time at={lending.reviewedAt} zone={frame.zone} />] as const] : []),
          ]}
        />
      </div>
      <section class="stack-tight">
        <h2>What they did in that time</h2>
        <Table
          label="Ledger entries by kind"
          rows={done}
          empty="Nothing that the ledger has."
          columns={[
            { head: 'Entry', cell: ({ kind }) => <code>{kind}</code> },
            { head: 'How often', number: true, cell: ({ count }) => count },
          ]}
        />
        <p class="small muted">The ledger has what was changed and taken away. Looking at a case leaves no entry.</p>
      </section>
      {lending.endedAt === null && (mayReview || isOwn) ? <Act action={`${at}/end`} label="End it now" /> : null}
      {lending.endedAt !== null && lending.reviewedAt === null && mayReview ? (
        isOwn ? (
          <p>You took this role yourself. Somebody else must review it.</p>
        ) : (
          <PostForm action={`${at}/review`}>
            <p>
              Reviewing says that you read the reason and know what was done. Where it was not right, act on it first.
            </p>
            <button type="submit">I have reviewed it</button>
          </PostForm>
        )
      ) : null}
    </ConsolePage>
  );
}

function ReviewState({ review }: { readonly review: AccessReview }) {
  if (review.state === 'signed') return <Pill tone="seal">signed</Pill>;
  const left = undecided(review).length;
  return <Pill tone="warn">{left === 0 ? 'to sign' : `${left} to decide`}</Pill>;
}

/** Every access review, and every role taken in an emergency. */
export function ReviewsPage({
  frame,
  reviews,
  lendings,
  names,
  refusal,
}: {
  readonly frame: Frame;
  readonly reviews: readonly AccessReview[];
  readonly lendings: readonly LendingRow[];
  readonly names: Names;
  readonly refusal: Refusal | null;
}) {
  return (
    <ConsolePage title="Access reviews" frame={frame} here="/console/settings/reviews">
      <div class="page-head">
        <h1>Access reviews</h1>
        {frame.may('access.review') ? <Act action="/console/settings/reviews" label="Open one now" /> : null}
      </div>
      {refusal ? <RefusalNotice refusal={refusal} /> : null}
      <p>
        After each quarter one opens by itself: everybody’s access as it is at that moment, to keep or to remove, row by
        row, and to sign.
      </p>
      <Table
        label="Access reviews"
        rows={reviews}
        empty="None yet. The first opens in the night after this quarter ends."
        columns={[
          { head: 'Quarter', cell: ({ id, quarter }) => <a href={`/console/settings/reviews/${id}`}>{quarter}</a> },
          { head: 'Opened', cell: ({ openedAt }) => <Time at={openedAt} zone={frame.zone} /> },
          { head: 'People', number: true, cell: (review) => reviewCounts(review).people },
          { head: 'Tokens', number: true, cell: (review) => reviewCounts(review).tokens },
          { head: 'Removed', number: true, cell: (review) => reviewCounts(review).removed },
          { head: 'State', cell: (review) => <ReviewState review={review} /> },
          { head: 'Signed by', cell: ({ signedBy }) => (signedBy ? named(names, signedBy) : '') },
        ]}
      />
      <section class="stack-tight">
        <h2>Roles taken in an emergency</h2>
        <LendingTable frame={frame} lendings={lendings} names={names} empty="Nobody ever did." />
      </section>
    </ConsolePage>
  );
}

const factorWords = ({ factors, kind }: ReviewRow): string => {
  if (kind === 'token') return '';
  const passkeys = factors.filter((factor) => factor === 'passkey').length;
  const parts = [...(factors.includes('app') ? ['app'] : []), ...(passkeys > 0 ? [`${passkeys} passkey`] : [])];
  return parts.join(', ') || 'none';
};

/** One review: a row for everybody and every live token. */
export function ReviewPage({
  frame,
  review,
  digest,
  isAsSigned,
  prefixes,
  names,
  refusal,
}: {
  readonly frame: Frame;
  readonly review: AccessReview;
  /** What the ledger says the signed record's digest is. */
  readonly digest: string | null;
  readonly isAsSigned: boolean;
  readonly names: Names;
  /** What tokens begin with, by id. */
  readonly prefixes: ReadonlyMap<string, string>;
  readonly refusal: Refusal | null;
}) {
  const at = `/console/settings/reviews/${review.id}`;
  const left = undecided(review).length;
  const { people, tokens, removed } = reviewCounts(review);
  const decides = review.state === 'open' && frame.may('access.review');
  const rows = review.rows.toSorted(
    (a, b) => named(names, a.actor).localeCompare(named(names, b.actor)) || (a.kind < b.kind ? -1 : 1),
  );
  const table = (
    <Table
      label="Everybody’s access"
      rows={rows}
      empty="Nobody has access."
      columns={[
        {
          head: 'Who',
          cell: ({ kind, id, actor }) =>
            kind === 'person' ? (
              <strong>{named(names, actor)}</strong>
            ) : (
              <>
                {named(names, actor)}, token <code>{prefixes.get(id) ?? id}…</code>
              </>
            ),
        },
        { head: 'Role', cell: ({ role }) => role },
        {
          head: 'Since',
          cell: ({ since }) =>
            since ? <Day at={since} zone={frame.zone} /> : <Pill tone="danger">not in the ledger</Pill>,
        },
        {
          head: 'Last used',
          cell: ({ lastUsedAt }) => (lastUsedAt ? <Day at={lastUsedAt} zone={frame.zone} /> : 'never'),
        },
        { head: 'Entries', number: true, cell: ({ entries }) => entries ?? '' },
        { head: 'Second factor', cell: factorWords },
        { head: 'Break-glass', number: true, cell: ({ kind, lendings }) => (kind === 'person' ? lendings : '') },
        {
          head: 'Decision',
          cell: (row) => <Decision row={row} names={names} decides={decides} own={frame.session.person.id} />,
        },
      ]}
    />
  );
  return (
    <ConsolePage title={`Access review ${review.quarter}`} frame={frame} here="/console/settings/reviews">
      <p class="crumb">
        <a href="/console/settings/reviews">Access reviews</a>
      </p>
      <div class="page-head">
        <h1>Access review {review.quarter}</h1>
        <ReviewState review={review} />
      </div>
      {refusal ? <RefusalNotice refusal={refusal} /> : null}
      <p>
        {people} people and {tokens} live tokens, as they were on <Time at={review.openedAt} zone={frame.zone} />.
        {removed > 0 ? ` ${removed} lost their access.` : ''}
      </p>
      {review.state === 'signed' ? (
        <Signature frame={frame} review={review} digest={digest} isAsSigned={isAsSigned} names={names} />
      ) : null}
      {decides ? (
        <form method="post" action={`${at}/decide`} class="stack">
          <p>
            Removing takes effect at once: a person is disabled and signed out everywhere, a token is revoked. Nobody
            decides about their own access.
          </p>
          {table}
          <button type="submit" class={left === 0 ? 'secondary' : ''}>
            Save these decisions
          </button>
        </form>
      ) : (
        table
      )}
      {decides && left === 0 ? (
        <PostForm action={`${at}/sign`}>
          <h2>Sign</h2>
          <p>
            Every row is decided. Signing closes this review for good: it cannot be changed, and the ledger gets its
            digest.
          </p>
          <button type="submit">
            Sign: {review.rows.length - removed} stay, {removed} removed
          </button>
        </PostForm>
      ) : null}
      <p>
        <a href={`${at}/table.csv`}>Download as a table (CSV)</a>
      </p>
    </ConsolePage>
  );
}

function Signature({
  frame,
  review,
  digest,
  isAsSigned,
  names,
}: {
  readonly frame: Frame;
  readonly review: AccessReview;
  readonly digest: string | null;
  readonly isAsSigned: boolean;
  readonly names: Names;
}) {
  return (
    <>
      {isAsSigned ? null : (
        <div class="notice danger" role="alert">
          <p>
            <strong>This is not the review that was signed.</strong>
          </p>
          <p>
            {digest === null
              ? 'The ledger has no signature for it.'
              : 'Its digest is not the one in the ledger: the database was changed since. Keep it as it is, and compare with a backup.'}
          </p>
        </div>
      )}
      <div class="card">
        <Facts
          rows={[
            ['Signed by', review.signedBy ? named(names, review.signedBy) : ''],
            ['Signed', review.closedAt ? <Time at={review.closedAt} zone={frame.zone} /> : ''],
            ['Digest in the ledger', digest ? <Hash value={digest} /> : 'none'],
            [
              'Record',
              <a href={`/console/settings/reviews/${review.id}/record.json`}>
                The signed record (JSON); its SHA-256 is the digest
              </a>,
            ],
          ]}
        />
      </div>
    </>
  );
}

function Decision({
  row,
  names,
  decides,
  own,
}: {
  readonly row: ReviewRow;
  readonly names: Names;
  readonly decides: boolean;
  readonly own: string;
}) {
  if (row.disabledAt) return <Pill tone="quiet">disabled already</Pill>;
  const { decision } = row;
  if (decision && (!decides || !decision.keep))
    return (
      <Pill tone={decision.keep ? 'ok' : 'danger'}>
        {decision.keep ? 'kept' : 'removed'} by {named(names, decision.by)}
      </Pill>
    );
  if (!decides) return <Pill tone="warn">not decided</Pill>;
  if (row.actor === own) return <Pill tone={decision ? 'ok' : 'info'}>{decision ? 'kept' : 'for somebody else'}</Pill>;
  const whose = `${named(names, row.actor)}${row.kind === 'token' ? `, token ${row.id.slice(-6)}` : ''}`;
  return (
    <span class="keep-or-remove" role="radiogroup" aria-label={`Access of ${whose}`}>
      <label>
        <input type="radio" name={`row:${row.id}`} value="keep" checked={decision?.keep === true} /> Keep
      </label>
      <label>
        <input type="radio" name={`row:${row.id}`} value="remove" /> Remove
      </label>
    </span>
  );
}

/** A day, with the instant at hand: a review asks for no minutes. */
function Day({ at, zone }: { readonly at: string; readonly zone: string }) {
  const instant = Temporal.Instant.from(at);
  return (
    <time class="day" datetime={at} title={formatInstant(instant)}>
      {instant.toZonedDateTimeISO(zone).toPlainDate().toString()}
    </time>
  );
}

export const roleNamed = (text: string): Role | undefined => roles.find((role) => role === text);
