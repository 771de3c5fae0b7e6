import { isRefusal, type Refusal } from '../../core/refusal.ts';
import { groundCodes, groundInWords } from '../../requests/grounds.ts';
import { allowedMoves, type Bucket, type SubjectRequest } from '../../requests/request.ts';
import { type DeadlineView, dueSteps } from '../components/deadline-steps.tsx';
import {
  Deadline,
  Facts,
  Field,
  PostForm,
  RefusalNotice,
  State,
  Table,
  Time,
  TwoPeople,
} from '../components/parts.tsx';
import { requestMoveWords, Timeline } from '../components/timeline.tsx';
import { ConsolePage, type Frame } from '../layout.tsx';
import { countOf, Findings, Receipt } from './findings.tsx';

/** The queue: deadlines first. */
export function RequestsPage({
  frame,
  requests,
  now,
}: {
  readonly frame: Frame;
  readonly requests: readonly SubjectRequest[];
  readonly now: Temporal.Instant;
}) {
  return (
    <ConsolePage title="Requests" frame={frame} here="/console/requests">
      <h1>Requests</h1>
      <Table
        label="Requests"
        rows={requests}
        empty={
          <>
            <p>
              <strong>Nobody has asked for anything yet.</strong>
            </p>
            <p>
              Requests arrive from <a href="/">the public form</a> and the API. Each gets its deadline at once.
            </p>
          </>
        }
        columns={[
          {
            head: 'Reference',
            cell: (request) => (
              <a class="reference" href={`/console/requests/${request.id}`}>
                {request.reference}
              </a>
            ),
          },
          { head: 'Right', cell: ({ type }) => type.replaceAll('_', ' ') },
          {
            head: 'From',
            cell: (request) => request.subject.reveal().name ?? request.subject.reveal().identifiers[0]?.value ?? '',
          },
          {
            head: 'State',
            cell: ({ state, outcome }) => <State state={state === 'closed' && outcome ? outcome : state} />,
          },
          {
            head: 'Deadline',
            cell: ({ deadline, receivedAt }) => <Deadline {...deadline} from={receivedAt} now={now} />,
          },
        ]}
      />
    </ConsolePage>
  );
}

export interface RequestPageProps {
  readonly frame: Frame;
  readonly request: SubjectRequest;
  readonly deadline: DeadlineView | null;
  readonly names: ReadonlyMap<string, string>;
  readonly now: Temporal.Instant;
  readonly refusal: Refusal | null;
}

/** One request: facts and clock, what was found, how it got here, what can be done now. */
export function RequestPage({ frame, request, deadline, names, now, refusal }: RequestPageProps) {
  const { name, identifiers } = request.subject.reveal();
  const details = request.details.reveal();
  const nameOf = (id: string) => names.get(id) ?? id;
  return (
    <ConsolePage title={request.reference} frame={frame} here="/console/requests">
      <p class="crumb">
        <a href="/console/requests">Requests</a>
      </p>
      <div class="page-head">
        <h1>
          {request.reference}: {request.type.replaceAll('_', ' ')}
        </h1>
        <State state={request.state} />
      </div>
      {refusal && isRefusal(refusal) ? <RefusalNotice refusal={refusal} /> : null}
      <div class="case">
        <div class="stack">
          <section class="card" aria-label="Facts">
            <Deadline {...request.deadline} from={request.receivedAt} now={now} />
            {deadline ? dueSteps(deadline) : null}
            <Facts
              rows={[
                ['Name', name ?? 'not given'],
                ['Identifiers', identifiers.map(({ kind, value }) => `${kind} ${value}`).join(', ')],
                [
                  'Identity',
                  request.identity.state === 'verified'
                    ? `confirmed by ${request.identity.method === 'mail_code' ? 'a code sent by mail' : 'staff'}`
                    : request.identity.state.replaceAll('_', ' '),
                ],
                ['Received', <Time at={request.receivedAt} zone={frame.zone} />],
                ['Regime', request.regime],
                ['Channel', request.channel],
                ...(request.outcome ? ([['Outcome', request.outcome.replaceAll('_', ' ')]] as const) : []),
                ...(details ? ([['In their words', details]] as const) : []),
                ...(request.exportId
                  ? ([['Package', <a href={`/console/exports/${request.exportId}`}>{request.exportId}</a>]] as const)
                  : []),
              ]}
            />
          </section>
          <section class="stack-tight">
            <h2>What was found</h2>
            <Findings request={request} />
          </section>
          {request.receipt ? <Receipt request={request} zone={frame.zone} /> : null}
          <section class="stack-tight">
            <h2>How it got here</h2>
            <Timeline history={request.history} words={requestMoveWords} names={names} zone={frame.zone} />
          </section>
        </div>
        <aside class="card moves" aria-label="What can be done now">
          <h2>What can be done now</h2>
          {request.decision ? (
            <TwoPeople
              preparer={nameOf(request.decision.by)}
              approver={request.decision.approvedBy ? nameOf(request.decision.approvedBy) : null}
            />
          ) : null}
          <Moves request={request} />
        </aside>
      </div>
    </ConsolePage>
  );
}

function Moves({ request }: { readonly request: SubjectRequest }) {
  const can = allowedMoves(request);
  const action = (move: string) => `/console/requests/${request.id}/${move}`;
  const count = (bucket: Bucket) => countOf(request.findings ?? [], bucket);
  if (can.length === 0) return <p>Nothing: it is being worked on, or it is over.</p>;
  return (
    <>
      {can.includes('verify') ? (
        <PostForm action={action('verify')}>
          <p class="small">A code goes to the address given with the request.</p>
          <button type="submit" class="secondary">
            Send a code
          </button>
        </PostForm>
      ) : null}
      {can.includes('decide') ? (
        <PostForm action={action('decide')}>
          <Field name="outcome" label="Answer">
            <select id="outcome" name="outcome">
              <option value="granted">Grant it</option>
              <option value="partly_granted">Grant it in part</option>
              <option value="refused">Refuse it</option>
              <option value="nothing_found">Nothing was found</option>
            </select>
          </Field>
          <Field name="reason" label="Ground (for a refusal, whole or in part)">
            <select id="reason" name="reason">
              <option value="">None: it is granted</option>
              {groundCodes.map((code) => (
                <option value={code}>Because {groundInWords(code)}</option>
              ))}
            </select>
          </Field>
          <button type="submit">Decide</button>
        </PostForm>
      ) : null}
      {can.includes('approve') ? (
        <div class="stack-tight">
          <p>
            {request.type === 'erasure'
              ? `${count('destroy').toLocaleString('en')} records will be destroyed and ${count('mask').toLocaleString('en')} made anonymous; ${count('keep').toLocaleString('en')} stay. This cannot be undone.`
              : 'The package that was rendered is what will be sealed and delivered.'}
          </p>
          <a class="button" href={action('approve')}>
            {request.type === 'erasure'
              ? `Review the erasure of ${count('destroy') + count('mask')} records`
              : 'Review and approve'}
          </a>
        </div>
      ) : null}
      {can.includes('close') &&
      request.type !== 'erasure' &&
      request.type !== 'access' &&
      request.type !== 'portability' ? (
        <PostForm action={action('close')}>
          <p class="small">When it was carried out.</p>
          <button type="submit">Close as done</button>
        </PostForm>
      ) : null}
      {can.includes('gather') ? (
        <PostForm action={action('gather')}>
          <button type="submit" class="secondary">
            Search again
          </button>
        </PostForm>
      ) : null}
      {can.includes('extend') ? (
        <PostForm action={action('extend')}>
          <details>
            <summary>Extend the deadline</summary>
            <Field name="reason" label="Reason" hint="It is sent to the person.">
              <input id="reason" name="reason" type="text" maxlength={500} required />
            </Field>
            <button type="submit" class="secondary">
              Extend
            </button>
          </details>
        </PostForm>
      ) : null}
      {can.includes('withdraw') ? (
        <PostForm action={action('withdraw')}>
          <details>
            <summary>The person takes it back</summary>
            <button type="submit" class="secondary">
              Withdraw
            </button>
          </details>
        </PostForm>
      ) : null}
      {can.includes('reopen') ? (
        <PostForm action={action('reopen')}>
          <button type="submit" class="secondary">
            Open again
          </button>
        </PostForm>
      ) : null}
    </>
  );
}
