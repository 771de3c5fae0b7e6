import type { Refusal } from '../../core/refusal.ts';
import { allowedDemandMoves, type Demand, dataClasses, demandTypes } from '../../demands/demand.ts';
import {
  errorFor,
  Facts,
  Field,
  Hash,
  Pill,
  PostForm,
  RefusalNotice,
  State,
  Table,
  Time,
} from '../components/parts.tsx';
import { demandMoveWords, Timeline } from '../components/timeline.tsx';
import { ConsolePage, type Frame } from '../layout.tsx';

export function DemandsPage({ frame, demands }: { readonly frame: Frame; readonly demands: readonly Demand[] }) {
  return (
    <ConsolePage title="Demands" frame={frame} here="/console/demands">
      <div class="page-head">
        <h1>Legal demands</h1>
        <a class="button" href="/console/demands/new">
          Record a demand
        </a>
      </div>
      <Table
        label="Demands"
        rows={demands}
        empty={
          <>
            <p>
              <strong>No demand has been served.</strong>
            </p>
            <p>
              Subpoenas, warrants and preservation letters are recorded here as they were received.{' '}
              <a href="/legal">How to serve one</a> is public.
            </p>
          </>
        }
        columns={[
          {
            head: 'Reference',
            cell: (demand) => (
              <a class="reference" href={`/console/demands/${demand.id}`}>
                {demand.reference}
              </a>
            ),
          },
          {
            head: 'Type',
            cell: ({ type, emergency }) =>
              emergency ? <Pill tone="danger">{type.replaceAll('_', ' ')}, emergency</Pill> : type.replaceAll('_', ' '),
          },
          { head: 'Issuer', cell: (demand) => demand.paper.reveal().issuer.name },
          { head: 'State', cell: ({ state }) => <State state={state} /> },
          { head: 'Received', cell: ({ receivedAt }) => <Time at={receivedAt} zone={frame.zone} /> },
          { head: 'Due', cell: ({ dueAt }) => (dueAt ? <Time at={dueAt} zone={frame.zone} /> : 'no date on it') },
        ]}
      />
    </ConsolePage>
  );
}

export function NewDemandPage({
  frame,
  values,
  refusal,
}: {
  readonly frame: Frame;
  readonly values: Readonly<Record<string, string>>;
  readonly refusal: Refusal | null;
}) {
  const text = (name: string, label: string, options: { hint?: string; required?: boolean; type?: string } = {}) => (
    <Field name={name} label={label} {...(options.hint ? { hint: options.hint } : {})} error={errorFor(refusal, name)}>
      <input
        id={name}
        name={name}
        type={options.type ?? 'text'}
        value={values[name] ?? ''}
        {...(options.required ? { required: true } : {})}
        maxlength={300}
      />
    </Field>
  );
  return (
    <ConsolePage title="Record a demand" frame={frame} here="/console/demands">
      <p class="crumb">
        <a href="/console/demands">Demands</a>
      </p>
      <h1>Record a demand</h1>
      <p>
        Write what the paper says, in its words. The paper itself is added on the next page and kept exactly as
        received.
      </p>
      {refusal ? <RefusalNotice refusal={refusal} /> : null}
      <PostForm action="/console/demands/new">
        <Field name="type" label="Instrument">
          <select id="type" name="type">
            {demandTypes.map((type) => (
              <option value={type} selected={values.type === type}>
                {type.replaceAll('_', ' ')}
              </option>
            ))}
          </select>
        </Field>
        {text('instrumentNumber', 'Number of the instrument')}
        {text('issuerName', 'Issuing authority', { required: true })}
        {text('issuerCountry', 'Country', { hint: 'Two letters, such as US.', required: true })}
        {text('issuerCourt', 'Court')}
        {text('requesterName', 'Who asks')}
        {text('requesterAgency', 'Agency or firm')}
        {text('receivedAt', 'Received', { type: 'datetime-local', hint: `Time in ${frame.zone}.`, required: true })}
        {text('dueAt', 'Return date on the paper', { type: 'date' })}
        {text('issuedAt', 'Date of the order', { type: 'date' })}
        {text('orderedPeriod', 'How long it holds', { hint: 'Only if the order says so, such as P90D for 90 days.' })}
        <Field
          name="targets"
          label="Accounts as written"
          hint="One a line: an e-mail address or a telephone number."
          error={errorFor(refusal, 'targets')}
        >
          <textarea id="targets" name="targets">
            {values.targets ?? ''}
          </textarea>
        </Field>
        <fieldset>
          <legend>Data asked for</legend>
          <div class="choices">
            {dataClasses.map((dataClass) => (
              <label class="choice">
                <input
                  type="checkbox"
                  name={`class-${dataClass}`}
                  value="yes"
                  checked={values[`class-${dataClass}`] === 'yes'}
                />
                <span>{dataClass}</span>
              </label>
            ))}
          </div>
        </fieldset>
        {text('from', 'From (day)', { type: 'date' })}
        {text('to', 'To (day)', { type: 'date' })}
        <label class="choice">
          <input type="checkbox" name="emergency" value="yes" />
          <span>
            <strong>Emergency</strong>
            <span>Shortens waiting, not checking.</span>
          </span>
        </label>
        <button type="submit">Record it</button>
      </PostForm>
    </ConsolePage>
  );
}

export interface DemandPageProps {
  readonly frame: Frame;
  readonly demand: Demand;
  readonly clocks: readonly {
    readonly rule: string;
    readonly version: string;
    readonly dueAt: string | null;
    readonly steps: readonly { readonly at: string; readonly what: string; readonly citation: string }[];
  }[];
  readonly names: ReadonlyMap<string, string>;
  readonly refusal: Refusal | null;
}

export function DemandPage({ frame, demand, clocks, names, refusal }: DemandPageProps) {
  const paper = demand.paper.reveal();
  const nameOf = (id: string) => names.get(id) ?? id;
  return (
    <ConsolePage title={demand.reference} frame={frame} here="/console/demands">
      <p class="crumb">
        <a href="/console/demands">Demands</a>
      </p>
      <div class="page-head">
        <h1>
          {demand.reference}: {demand.type.replaceAll('_', ' ')}
        </h1>
        <State state={demand.state} />
      </div>
      {refusal ? <RefusalNotice refusal={refusal} /> : null}
      <div class="case">
        <div class="stack">
          <section class="card">
            <Facts
              rows={[
                [
                  'Issuer',
                  `${paper.issuer.name}, ${paper.issuer.country}${paper.issuer.court ? `, ${paper.issuer.court}` : ''}`,
                ],
                ['Number', paper.instrumentNumber ?? 'none'],
                [
                  'Who asks',
                  [paper.requester?.name, paper.requester?.agency].filter(Boolean).join(', ') || 'not stated',
                ],
                ['Received', <Time at={demand.receivedAt} zone={frame.zone} />],
                ['Return date', demand.dueAt ? <Time at={demand.dueAt} zone={frame.zone} /> : 'no date on it'],
                ['Accounts as written', paper.targets.map(({ value }) => value).join(', ') || 'none'],
                [
                  'Data asked for',
                  paper.scope
                    ? `${paper.scope.dataClasses.join(', ')}${paper.scope.from ? `, from ${paper.scope.from}` : ''}${paper.scope.to ? ` to ${paper.scope.to}` : ''}`
                    : 'not stated',
                ],
              ]}
            />
          </section>
          {clocks.length > 0 ? (
            <section class="stack-tight">
              <h2>Clocks</h2>
              <Table
                label="Clocks"
                rows={clocks}
                empty="No clock runs."
                columns={[
                  { head: 'Rule', cell: ({ rule }) => <code>{rule}</code> },
                  {
                    head: 'Due',
                    cell: ({ dueAt }) => (dueAt ? <Time at={dueAt} zone={frame.zone} /> : 'no date of its own'),
                  },
                  {
                    head: 'How it comes about',
                    cell: ({ steps }) =>
                      steps.map(({ what, citation }) => `${what}${citation ? ` (${citation})` : ''}`).join(' '),
                  },
                ]}
              />
            </section>
          ) : null}
          <section class="stack-tight">
            <h2>The paper, as received</h2>
            <Table
              label="Documents"
              rows={demand.documents}
              empty="The served paper is not here yet. Add it: its digest is recorded before anyone opens it."
              columns={[
                { head: 'SHA-256', cell: ({ sha256 }) => <Hash value={sha256} /> },
                { head: 'Bytes', number: true, cell: ({ sizeBytes }) => sizeBytes.toLocaleString('en') },
                { head: 'Received', cell: ({ receivedAt }) => <Time at={receivedAt} zone={frame.zone} /> },
                { head: 'By', cell: ({ receivedBy }) => nameOf(receivedBy) },
              ]}
            />
          </section>
          <section class="stack-tight">
            <h2>How it got here</h2>
            <Timeline history={demand.history} words={demandMoveWords} names={names} zone={frame.zone} />
          </section>
        </div>
        <aside class="card moves">
          <h2>What can be done now</h2>
          <p class="small">
            Holds:{' '}
            {demand.holdIds.length === 0
              ? 'none'
              : demand.holdIds.map((id) => <a href={`/console/holds/${id}`}>{id.slice(0, 12)}… </a>)}
            <br />
            Exports:{' '}
            {demand.exportIds.length === 0
              ? 'none'
              : demand.exportIds.map((id) => <a href={`/console/exports/${id}`}>{id.slice(0, 12)}… </a>)}
          </p>
          <PostForm action={`/console/demands/${demand.id}/documents`} multipart>
            <Field name="file" label="Add the paper">
              <input id="file" name="file" type="file" required />
            </Field>
            <button type="submit" class="secondary">
              Keep it as received
            </button>
          </PostForm>
          {demand.holdIds.length === 0 && paper.targets.length > 0 ? (
            <PostForm action={`/console/demands/${demand.id}/hold`}>
              <p class="small">Preserve first: a hold on the accounts as written.</p>
              <button type="submit">Place the hold</button>
            </PostForm>
          ) : null}
          {allowedDemandMoves(demand).map((move) => (
            <PostForm action={`/console/demands/${demand.id}/${move}`}>
              {move === 'authenticate' || move === 'refuse' ? (
                <Field
                  name={`note-${move}`}
                  label={move === 'authenticate' ? 'How was it authenticated?' : 'On which ground?'}
                >
                  <input id={`note-${move}`} name="note" type="text" maxlength={500} required />
                </Field>
              ) : null}
              <button type="submit" class="secondary">
                {moveWords[move]}
              </button>
            </PostForm>
          ))}
          {demand.state === 'collecting' || demand.state === 'review' ? (
            <a class="button secondary" href={`/console/exports/new?demandId=${demand.id}`}>
              Prepare an export for it
            </a>
          ) : null}
        </aside>
      </div>
    </ConsolePage>
  );
}

const moveWords = {
  authenticate: 'It is authentic',
  collect: 'Begin to collect',
  answer: 'Mark as answered',
  refuse: 'Refuse it',
  withdraw: 'It was withdrawn',
  close: 'Close it',
} as const;
