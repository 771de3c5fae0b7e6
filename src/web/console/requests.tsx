import { isRefusal, type Refusal } from '../../core/refusal.ts';
import { groundCodes, groundInWords } from '../../requests/grounds.ts';
import { allowedMoves, type Finding, type SubjectRequest } from '../../requests/request.ts';
import { type DeadlineView, dueSteps } from '../components/deadline-steps.tsx';
import {
  Deadline,
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
          { head: 'Reference', cell: (request) => <a href={`/console/requests/${request.id}`}>{request.reference}</a> },
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

const dispositionWords: Readonly<Record<Finding['disposition'], string>> = {
  destroy: 'would be destroyed',
  mask: 'would be made anonymous',
  keep: 'would be kept',
  give: 'would be given',
  redact: 'would be given, redacted',
};

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
            {request.findings === null ? (
              <div class="empty">The search begins by itself when identity is confirmed.</div>
            ) : (
              <Table
                label="Findings"
                rows={request.findings}
                empty="Nothing of this person was found in any source."
                columns={[
                  { head: 'Dataset', cell: ({ dataset }) => <code>{dataset}</code> },
                  { head: 'Records', number: true, cell: ({ count }) => count.toLocaleString('en') },
                  {
                    head: 'What would become of them',
                    cell: ({ disposition, ground }) =>
                      `${dispositionWords[disposition]}${ground ? `: ${groundInWords(ground)}` : ''}`,
                  },
                  { head: 'Digest', cell: ({ digest }) => <Hash value={digest} /> },
                ]}
              />
            )}
          </section>
          {request.receipt ? <Receipt request={request} zone={frame.zone} /> : null}
          <section class="stack-tight">
            <h2>How it got here</h2>
            <ol class="timeline">
              {request.history.map(({ at, actor, move, to }) => (
                <li>
                  <strong>{move.replaceAll('_', ' ')}</strong> to {to}
                  <div class="muted">
                    {nameOf(actor)}, <Time at={at} zone={frame.zone} />
                  </div>
                </li>
              ))}
            </ol>
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
  const count = (disposition: Finding['disposition']) =>
    (request.findings ?? [])
      .filter((finding) => finding.disposition === disposition)
      .reduce((sum, finding) => sum + finding.count, 0);
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
              ? `${count('destroy')} records will be destroyed and ${count('mask')} made anonymous; ${count('keep')} stay. This cannot be undone.`
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

/** The page before the step that cannot be undone. */
export function ApproveRequestPage({
  frame,
  request,
  names,
  refusal,
}: {
  readonly frame: Frame;
  readonly request: SubjectRequest;
  readonly names: ReadonlyMap<string, string>;
  readonly refusal: Refusal | null;
}) {
  const findings = request.findings ?? [];
  const buckets = (['destroy', 'mask', 'keep', 'give', 'redact'] as const)
    .map((disposition) => ({ disposition, list: findings.filter((finding) => finding.disposition === disposition) }))
    .filter(({ list }) => list.length > 0);
  const going = findings
    .filter(({ disposition }) => disposition === 'destroy' || disposition === 'mask')
    .reduce((sum, { count }) => sum + count, 0);
  const isErasure = request.type === 'erasure';
  return (
    <ConsolePage title={`Approve ${request.reference}`} frame={frame} here="/console/requests">
      <p class="crumb">
        <a href={`/console/requests/${request.id}`}>{request.reference}</a>
      </p>
      <h1>{isErasure ? `Erase ${going} records of this person?` : 'Approve this answer?'}</h1>
      {refusal ? <RefusalNotice refusal={refusal} /> : null}
      <div class="cards">
        {buckets.map(({ disposition, list }) => (
          <section class="card">
            <h2>
              {list.reduce((sum, { count }) => sum + count, 0).toLocaleString('en')}{' '}
              {dispositionWords[disposition].replace('would be', 'will be')}
            </h2>
            <ul class="small">
              {list.map(({ dataset, count, ground }) => (
                <li>
                  {count} in <code>{dataset}</code>
                  {ground ? `: ${groundInWords(ground)}` : ''}
                </li>
              ))}
            </ul>
          </section>
        ))}
      </div>
      <div class="card">
        <TwoPeople preparer={names.get(request.decision?.by ?? '') ?? request.decision?.by ?? ''} approver={null} />
        <p>
          {isErasure
            ? 'What is destroyed cannot be brought back. If the counts have moved since, nothing is touched and you are asked again.'
            : 'Your own signature goes over the manifest of the package: exactly what was rendered is sealed.'}
        </p>
        {request.exportId ? (
          <p>
            <a href={`/console/exports/${request.exportId}`}>Look at the package first</a>
          </p>
        ) : null}
        <PostForm action={`/console/requests/${request.id}/approve`}>
          <button type="submit" class={isErasure ? 'danger' : ''}>
            {isErasure ? `Erase ${going} records` : 'Approve and seal'}
          </button>
        </PostForm>
      </div>
    </ConsolePage>
  );
}

function Receipt({ request, zone }: { readonly request: SubjectRequest; readonly zone: string }) {
  const { receipt } = request;
  if (!receipt) return null;
  const rows = [
    ...receipt.given.map((finding) => ({
      ...finding,
      done: finding.disposition === 'redact' ? 'given, redacted' : 'given',
    })),
    ...receipt.destroyed.map((finding) => ({ ...finding, done: 'destroyed' })),
    ...receipt.masked.map((finding) => ({ ...finding, done: 'made anonymous' })),
    ...receipt.kept.map((finding) => ({ ...finding, done: `kept: ${groundInWords(finding.ground)}` })),
  ];
  return (
    <section class="stack-tight">
      <h2>Receipt</h2>
      <Table
        label="Receipt"
        rows={rows}
        empty="Nothing was touched."
        columns={[
          { head: 'Dataset', cell: ({ dataset }) => <code>{dataset}</code> },
          { head: 'Records', number: true, cell: ({ count }) => count.toLocaleString('en') },
          { head: 'Done', cell: ({ done }) => done },
        ]}
      />
      {receipt.searchAfterwards.length > 0 ? (
        <p class="small muted">
          Searched again <Time at={receipt.searchedAt} zone={zone} />:{' '}
          {receipt.searchAfterwards.reduce((sum, { count }) => sum + count, 0)} records found,{' '}
          {receipt.searchAfterwards.reduce((sum, { expected }) => sum + expected, 0)} were to be kept.
        </p>
      ) : null}
    </section>
  );
}
