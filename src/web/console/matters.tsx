import type { Refusal } from '../../core/refusal.ts';
import { coveredCount, type Hold } from '../../disposition/hold.ts';
import type { Matter } from '../../disposition/matter.ts';
import {
  dayInWords,
  errorFor,
  Facts,
  Field,
  Pill,
  PostForm,
  RefusalNotice,
  State,
  Table,
  Time,
} from '../components/parts.tsx';
import { ConsolePage, type Frame } from '../layout.tsx';

/** Matters, and one of them with its holds. */
export function MattersPage({
  frame,
  matters,
  values,
  refusal,
}: {
  readonly frame: Frame;
  readonly matters: readonly Matter[];
  readonly values: Readonly<Record<string, string>>;
  readonly refusal: Refusal | null;
}) {
  return (
    <ConsolePage title="Matters" frame={frame} here="/console/holds">
      <p class="crumb">
        <a href="/console/holds">Holds</a>
      </p>
      <h1>Matters</h1>
      {refusal ? <RefusalNotice refusal={refusal} /> : null}
      <Table
        label="Matters"
        rows={matters}
        empty={
          <>
            <p>
              <strong>There is no matter yet.</strong>
            </p>
            <p>A matter is what holds are placed for: a lawsuit, an investigation. Placing a hold opens one, too.</p>
          </>
        }
        columns={[
          { head: 'Name', cell: (matter) => <a href={`/console/matters/${matter.id}`}>{matter.name.reveal()}</a> },
          { head: 'Reference', cell: ({ reference }) => <span class="hash">{reference}</span> },
          { head: 'Docket', cell: ({ docket }) => docket.reveal() ?? 'none' },
          { head: 'State', cell: ({ state }) => <MatterState state={state} /> },
          { head: 'Opened', cell: ({ openedAt }) => <Time at={openedAt} zone={frame.zone} /> },
        ]}
      />
      {frame.may('holds.place') ? (
        <section class="card stack">
          <h2>Open a matter</h2>
          <PostForm action="/console/matters">
            <Field name="name" label="Name" error={errorFor(refusal, 'name')}>
              <input id="name" name="name" type="text" required maxlength={300} value={values.name ?? ''} />
            </Field>
            <Field
              name="docket"
              label="Docket or file number (optional)"
              hint="The number that a court or a lawyer gave it."
            >
              <input id="docket" name="docket" type="text" maxlength={200} value={values.docket ?? ''} />
            </Field>
            <button type="submit">Open the matter</button>
          </PostForm>
        </section>
      ) : null}
    </ConsolePage>
  );
}

/** Not `State`: what is open there is something to worry about, which a breach is and a matter is not. */
function MatterState({ state }: { readonly state: Matter['state'] }) {
  return <Pill tone={state === 'open' ? 'ok' : 'quiet'}>{state}</Pill>;
}

export function MatterPage({
  frame,
  matter,
  holds,
  names,
  refusal,
}: {
  readonly frame: Frame;
  readonly matter: Matter;
  readonly holds: readonly Hold[];
  readonly names: ReadonlyMap<string, string>;
  readonly refusal: Refusal | null;
}) {
  const nameOf = (id: string) => names.get(id) ?? id;
  const going = holds.filter(({ state }) => state === 'active' || state === 'pending');
  const records = holds
    .filter(({ state }) => state !== 'released')
    .reduce((sum, { coverage }) => sum + coveredCount(coverage), 0);
  return (
    <ConsolePage title={matter.name.reveal()} frame={frame} here="/console/holds">
      <p class="crumb">
        <a href="/console/holds">Holds</a> / <a href="/console/matters">Matters</a>
      </p>
      <div class="page-head">
        <h1>{matter.name.reveal()}</h1>
        <MatterState state={matter.state} />
      </div>
      {refusal ? <RefusalNotice refusal={refusal} /> : null}
      {matter.state === 'closed' && going.length > 0 ? (
        <div class="notice warn" role="status">
          <p>
            <strong>
              {going.length === 1 ? 'One hold' : `${going.length} holds`} of this closed matter{' '}
              {going.length === 1 ? 'goes' : 'go'} on.
            </strong>{' '}
            A legal demand kept {going.length === 1 ? 'it' : 'them'} when the matter was closed, or somebody turned the
            release down. Ask for the release on the page of the hold once nothing needs it.
          </p>
        </div>
      ) : null}
      <div class="case">
        <div class="stack">
          <section class="card">
            <div class="figure">{records.toLocaleString('en')}</div>
            <p class="small muted">records kept for it; one that several holds cover counts for each of them</p>
            <Facts
              rows={[
                ['Reference', <span class="hash">{matter.reference}</span>],
                ['Docket', matter.docket.reveal() ?? 'none'],
                ['Opened', <Time at={matter.openedAt} zone={frame.zone} />],
                ['By', nameOf(matter.openedBy)],
                ...(matter.closedAt
                  ? ([
                      ['Closed', <Time at={matter.closedAt} zone={frame.zone} />],
                      ['Closed by', nameOf(matter.closedBy ?? '')],
                    ] as const)
                  : []),
              ]}
            />
          </section>
          <section class="stack-tight">
            <h2>Holds</h2>
            <Table
              label="Holds"
              rows={holds}
              empty="Nothing is held for this matter."
              columns={[
                { head: 'Hold', cell: (hold) => <a href={`/console/holds/${hold.id}`}>{hold.reason.reveal()}</a> },
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
          </section>
        </div>
        <aside class="card moves">
          <h2>What can be done now</h2>
          {!frame.may('holds.place') ? (
            <p class="small">Whoever may place holds can close it.</p>
          ) : matter.state === 'open' ? (
            <>
              <a class="button" href={`/console/holds/new?matter=${matter.reference}`}>
                Place a hold for it
              </a>
              <PostForm action={`/console/matters/${matter.id}/close`}>
                <p class="small">
                  {going.length === 0
                    ? 'No hold of it waits to be released. Once it is closed, none can be placed for it.'
                    : `Closing asks for the release of ${going.length === 1 ? 'its hold' : `its ${going.length} holds`}, which a second person has to approve. Everything stays covered until then.`}
                </p>
                <button type="submit" class="secondary">
                  Close the matter
                </button>
              </PostForm>
            </>
          ) : (
            <PostForm action={`/console/matters/${matter.id}/reopen`}>
              <p class="small">Releases that were asked for stay asked for; turn them down on the page of the hold.</p>
              <button type="submit" class="secondary">
                Open it again
              </button>
            </PostForm>
          )}
        </aside>
      </div>
    </ConsolePage>
  );
}
