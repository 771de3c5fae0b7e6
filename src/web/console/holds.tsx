import type { Refusal } from '../../core/refusal.ts';
import { canBeReleased, coveredCount, type Hold } from '../../disposition/hold.ts';
import {
  dayInWords,
  errorFor,
  Facts,
  Field,
  Hash,
  PostForm,
  RefusalNotice,
  State,
  Table,
  Time,
  TwoPeople,
} from '../components/parts.tsx';
import { ConsolePage, type Frame } from '../layout.tsx';

/** Holds, and the form for a new one. */
export function HoldsPage({ frame, holds }: { readonly frame: Frame; readonly holds: readonly Hold[] }) {
  return (
    <ConsolePage title="Holds" frame={frame} here="/console/holds">
      <div class="page-head">
        <h1>Legal holds</h1>
        <a class="button" href="/console/holds/new">
          Place a hold
        </a>
      </div>
      <p>
        <a href="/console/matters">Matters</a>, which holds are placed for
      </p>
      <Table
        label="Holds"
        rows={holds}
        empty={
          <>
            <p>
              <strong>Nothing is held.</strong>
            </p>
            <p>
              A hold stops the destruction of what a matter needs, in every source at once, until two people release it.
            </p>
          </>
        }
        columns={[
          { head: 'Matter', cell: (hold) => <a href={`/console/holds/${hold.id}`}>{hold.matter.reveal()}</a> },
          { head: 'State', cell: ({ state }) => <State state={state} /> },
          {
            head: 'Records covered',
            number: true,
            cell: ({ coverage }) => coveredCount(coverage).toLocaleString('en'),
          },
          { head: 'Next review', cell: ({ reviewOn }) => (reviewOn ? dayInWords(reviewOn) : 'open-ended') },
          { head: 'Placed', cell: ({ placedAt }) => <Time at={placedAt} zone={frame.zone} /> },
        ]}
      />
    </ConsolePage>
  );
}

export function NewHoldPage({
  frame,
  values,
  refusal,
  datasets,
}: {
  readonly frame: Frame;
  readonly values: Readonly<Record<string, string>>;
  readonly refusal: Refusal | null;
  readonly datasets: readonly string[];
}) {
  return (
    <ConsolePage title="Place a hold" frame={frame} here="/console/holds">
      <p class="crumb">
        <a href="/console/holds">Holds</a>
      </p>
      <h1>Place a hold</h1>
      <p>
        What it covers is decided by predicates: a later message in a held conversation is held, too. Until every source
        has acknowledged it, the hold is pending, and what it may cover is not purged.
      </p>
      {refusal ? <RefusalNotice refusal={refusal} /> : null}
      <PostForm action="/console/holds/new">
        <Field
          name="matter"
          label="Matter"
          hint="Its name, or the reference of one that is open (M-…). A new name opens a matter."
          error={errorFor(refusal, 'matter')}
        >
          <input id="matter" name="matter" type="text" required maxlength={300} value={values.matter ?? ''} />
        </Field>
        <Field name="reason" label="Reason" error={errorFor(refusal, 'reason')}>
          <textarea id="reason" name="reason" required maxlength={2000}>
            {values.reason ?? ''}
          </textarea>
        </Field>
        <ScopeFields values={values} refusal={refusal} datasets={datasets} />
        <Field
          name="reviewOn"
          label="Look at it again on (optional)"
          hint="Somebody is reminded then, every week until it is looked at. No day ever releases a hold."
          error={errorFor(refusal, 'reviewOn')}
        >
          <input id="reviewOn" name="reviewOn" type="date" value={values.reviewOn ?? ''} />
        </Field>
        <button type="submit">Place the hold</button>
      </PostForm>
    </ConsolePage>
  );
}

/** The fields of a scope, the same for holds and exports. */
export function ScopeFields({
  values,
  refusal,
  datasets,
}: {
  readonly values: Readonly<Record<string, string>>;
  readonly refusal: Refusal | null;
  readonly datasets: readonly string[];
}) {
  return (
    <fieldset class="stack">
      <legend>What is covered</legend>
      <Field
        name="emails"
        label="People, by e-mail address"
        hint="One a line. Their own records, and the conversations they take part in."
        error={errorFor(refusal, 'emails')}
      >
        <textarea id="emails" name="emails">
          {values.emails ?? ''}
        </textarea>
      </Field>
      <Field
        name="conversations"
        label="Conversations, by id"
        hint="Numbers with commas."
        error={errorFor(refusal, 'conversations')}
      >
        <input id="conversations" name="conversations" type="text" value={values.conversations ?? ''} />
      </Field>
      <div class="row">
        <Field name="from" label="From (day)" error={errorFor(refusal, 'from')}>
          <input id="from" name="from" type="date" value={values.from ?? ''} />
        </Field>
        <Field name="to" label="To (day, included)" error={errorFor(refusal, 'to')}>
          <input id="to" name="to" type="date" value={values.to ?? ''} />
        </Field>
      </div>
      <Field
        name="datasets"
        label="Only these datasets (optional)"
        hint={`With commas: ${datasets.join(', ')}`}
        error={errorFor(refusal, 'datasets')}
      >
        <input id="datasets" name="datasets" type="text" value={values.datasets ?? ''} />
      </Field>
    </fieldset>
  );
}

export function HoldPage({
  frame,
  hold,
  names,
  refusal,
}: {
  readonly frame: Frame;
  readonly hold: Hold;
  readonly names: ReadonlyMap<string, string>;
  readonly refusal: Refusal | null;
}) {
  const covered = coveredCount(hold.coverage);
  const scope = hold.scope.reveal();
  const nameOf = (id: string) => names.get(id) ?? id;
  return (
    <ConsolePage title={hold.matter.reveal()} frame={frame} here="/console/holds">
      <p class="crumb">
        <a href="/console/holds">Holds</a>
      </p>
      <div class="page-head">
        <h1>{hold.matter.reveal()}</h1>
        <State state={hold.state} />
      </div>
      {refusal ? <RefusalNotice refusal={refusal} /> : null}
      {hold.state === 'pending' ? (
        <div class="notice warn" role="status">
          <p>
            <strong>Not in place everywhere yet.</strong> A source could not be reached; it is tried again by itself.
            Nothing it may cover is purged meanwhile.
          </p>
        </div>
      ) : null}
      {hold.state === 'active' && covered === 0 ? (
        <div class="notice warn" role="status">
          <p>
            <strong>This hold covers no record today.</strong> Check names, numbers and dates: it protects only what it
            matches.
          </p>
        </div>
      ) : null}
      <div class="case">
        <div class="stack">
          <section class="card">
            <div class="figure">{covered.toLocaleString('en')}</div>
            <p class="small muted">records covered when it was last placed</p>
            <Facts
              rows={[
                ...(hold.matterId
                  ? ([['Matter', <a href={`/console/matters/${hold.matterId}`}>{hold.matter.reveal()}</a>]] as const)
                  : []),
                ['Reason', hold.reason.reveal()],
                ['People', scope.subjects.map(({ value }) => value).join(', ') || 'by key or range'],
                [
                  'Keys',
                  Object.entries(scope.keys)
                    .map(
                      ([dataset, rows]) =>
                        `${dataset}: ${rows
                          .map((row) =>
                            Object.entries(row)
                              .map(([column, value]) => `${column} ${value}`)
                              .join(' and '),
                          )
                          .join(', ')}`,
                    )
                    .join('; ') || 'none',
                ],
                ['Datasets', scope.datasets.join(', ') || 'all'],
                ['From', scope.from ?? 'the beginning'],
                ['To', scope.to ?? 'without end'],
                ['Placed', <Time at={hold.placedAt} zone={frame.zone} />],
                ['By', nameOf(hold.placedBy)],
                ['Custodians', <a href={`/console/holds/${hold.id}/custodians`}>Who is to keep what no source has</a>],
                ['Next review', hold.reviewOn ? dayInWords(hold.reviewOn) : 'none: it is open-ended'],
                ...(hold.requestId
                  ? ([
                      [
                        'Request',
                        <a href={`/console/requests/${hold.requestId}`}>An open request, whose evidence it keeps</a>,
                      ],
                    ] as const)
                  : []),
                ...(hold.demandId
                  ? ([['Demand', <a href={`/console/demands/${hold.demandId}`}>{hold.demandId}</a>]] as const)
                  : []),
              ]}
            />
          </section>
          <section class="stack-tight">
            <h2>Coverage</h2>
            <p class="small">
              <a href={`/console/holds/${hold.id}/coverage`}>Signed, and compared with the sources every night</a>
            </p>
            <Table
              label="Coverage"
              rows={hold.coverage.filter(({ count }) => count > 0)}
              empty="No dataset holds anything it matches."
              columns={[
                { head: 'Dataset', cell: ({ dataset }) => <code>{dataset}</code> },
                { head: 'Records', number: true, cell: ({ count }) => count.toLocaleString('en') },
                { head: 'Digest of which', cell: ({ root }) => <Hash value={root} /> },
              ]}
            />
          </section>
          <section class="stack-tight">
            <h2>In the sources</h2>
            <Table
              label="Sources"
              rows={Object.entries(hold.placements)}
              empty="No source is concerned."
              columns={[
                { head: 'Source', cell: ([name]) => name },
                { head: 'State', cell: ([, placement]) => placement.state },
                {
                  head: 'Epoch',
                  number: true,
                  cell: ([, placement]) => ('epoch' in placement ? String(placement.epoch) : ''),
                },
              ]}
            />
          </section>
          {hold.reviews.reveal().length > 0 ? <Reviews hold={hold} zone={frame.zone} nameOf={nameOf} /> : null}
        </div>
        <aside class="card moves">
          <h2>What can be done now</h2>
          {canBeReleased(hold) ? (
            <>
              <ReviewForm hold={hold} refusal={refusal} />
              <PostForm action={`/console/holds/${hold.id}/release`}>
                <p class="small">A release needs a second person. Until then everything stays covered.</p>
                <button type="submit" class="secondary">
                  Ask for the release
                </button>
              </PostForm>
            </>
          ) : null}
          {hold.state === 'release_requested' ? (
            <>
              <TwoPeople preparer={nameOf(hold.releaseRequestedBy ?? '')} approver={null} />
              <a class="button" href={`/console/holds/${hold.id}/approve`}>
                Review the release of {covered.toLocaleString('en')} records
              </a>
              <PostForm action={`/console/holds/${hold.id}/keep`}>
                <button type="submit" class="secondary">
                  Keep the hold
                </button>
              </PostForm>
            </>
          ) : null}
          {hold.state === 'released' ? (
            <p>
              Released by {nameOf(hold.releasedBy ?? '')}
              {hold.releasedAt ? (
                <>
                  , <Time at={hold.releasedAt} zone={frame.zone} />
                </>
              ) : null}
              . The record of it stays.
            </p>
          ) : null}
        </aside>
      </div>
    </ConsolePage>
  );
}

function ReviewForm({ hold, refusal }: { readonly hold: Hold; readonly refusal: Refusal | null }) {
  return (
    <PostForm action={`/console/holds/${hold.id}/review`}>
      <Field name="note" label="Looked at it: why it is needed on">
        <textarea id="note" name="note" required maxlength={2000} rows={2} />
      </Field>
      <Field name="reviewOn" label="Look again on (optional)" error={errorFor(refusal, 'reviewOn')}>
        <input id="reviewOn" name="reviewOn" type="date" />
      </Field>
      <button type="submit">Keep it and note the review</button>
    </PostForm>
  );
}

function Reviews({
  hold,
  zone,
  nameOf,
}: {
  readonly hold: Hold;
  readonly zone: string;
  readonly nameOf: (id: string) => string;
}) {
  return (
    <section class="stack-tight">
      <h2>Reviews</h2>
      <Table
        label="Reviews"
        rows={hold.reviews.reveal().toReversed()}
        empty="Nobody has reviewed it yet."
        columns={[
          { head: 'When', cell: ({ at }) => <Time at={at} zone={zone} /> },
          { head: 'Who', cell: ({ by }) => nameOf(by) },
          { head: 'Why it is needed on', cell: ({ note }) => note },
          { head: 'Next', cell: ({ next }) => (next ? dayInWords(next) : 'open-ended') },
        ]}
      />
    </section>
  );
}
