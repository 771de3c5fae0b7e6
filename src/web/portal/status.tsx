import type { Refusal } from '../../core/refusal.ts';
import type { Organization } from '../../policy/organization.ts';
import { groundInWords } from '../../requests/grounds.ts';
import type { Finding, SubjectRequest } from '../../requests/request.ts';
import { type DeadlineView, dueSteps } from '../components/deadline-steps.tsx';
import { Deadline, dayInWords, Field, PostForm, RefusalNotice, Time } from '../components/parts.tsx';
import { PortalPage } from '../layout.tsx';
import { CodeForm, choices } from './request.tsx';

/** Ask for a code: the answer is the same whether there is such a request or not. */
export function StatusForm({
  organization,
  reference,
}: {
  readonly organization: Organization;
  readonly reference: string;
}) {
  return (
    <PortalPage title="See where it stands" organization={organization.name}>
      <h1>See where your request stands</h1>
      <p>Give your reference and the address you used. We send a code there, so that only you see the answer.</p>
      <PostForm action="/status">
        <Field name="reference" label="Your reference" hint="It looks like R-7K4M-2QD9 and stands in our mail.">
          <input
            id="reference"
            name="reference"
            type="text"
            required
            maxlength={20}
            value={reference}
            autocapitalize="characters"
          />
        </Field>
        <Field name="email" label="Your e-mail address">
          <input id="email" name="email" type="email" autocomplete="email" required maxlength={320} />
        </Field>
        <button type="submit">Send me a code</button>
      </PostForm>
    </PortalPage>
  );
}

/** The code is on its way, if reference and address belong together. */
export function StatusCode({
  organization,
  reference,
  refusal,
}: {
  readonly organization: Organization;
  readonly reference: string;
  readonly refusal: Refusal | null;
}) {
  return (
    <PortalPage title="Enter your code" organization={organization.name}>
      <h1>Check your mail</h1>
      <p>
        If this reference and this address belong together, a code is on its way. It can take a minute; look into the
        spam folder, too.
      </p>
      <CodeForm reference={reference} refusal={refusal} />
      <p class="small muted">
        Nothing arrived? <a href={`/status?reference=${encodeURIComponent(reference)}`}>Ask for another code</a> or
        write to {organization.privacy.email}.
      </p>
    </PortalPage>
  );
}

const steps = [
  { state: 'received', title: 'We have your request' },
  { state: 'verifying', title: 'We make sure that it is you' },
  { state: 'gathering', title: 'We look for your data' },
  { state: 'review', title: 'Somebody reviews what we found, and a second person checks it' },
  { state: 'fulfilling', title: 'We carry it out' },
  { state: 'closed', title: 'Done' },
] as const;

export interface StatusProps {
  readonly organization: Organization;
  readonly request: SubjectRequest;
  readonly deadline: DeadlineView | null;
  readonly now: Temporal.Instant;
  readonly packageReady: boolean;
}

/** Where it stands, for the verified person. */
export function StatusPage({ organization, request, deadline, now, packageReady }: StatusProps) {
  const at = steps.findIndex(({ state }) => state === request.state);
  const asked = choices.find(({ type }) => type === request.type)?.title ?? request.type;
  return (
    <PortalPage title={`Request ${request.reference}`} organization={organization.name}>
      <p class="muted">Request {request.reference}</p>
      <h1>{asked}</h1>
      {request.state === 'closed' ? (
        <Answer request={request} packageReady={packageReady} organization={organization} />
      ) : null}
      {request.state === 'closed' ? null : (
        <div class="card">
          <p class="lead">
            {request.deadline.dueOn
              ? `We'll answer by ${dayInWords(request.deadline.dueOn)}.`
              : 'We will write to you as soon as a date can be given.'}
          </p>
          <Deadline
            dueOn={request.deadline.dueOn}
            dueAt={request.deadline.dueAt}
            from={request.receivedAt}
            now={now}
            clock={request.deadline.clock}
          />
          {deadline ? dueSteps(deadline) : null}
        </div>
      )}
      <section class="stack-tight">
        <h2>Step by step</h2>
        <ol class="timeline">
          {steps.map(({ state, title }, index) => {
            const reached = request.history.find(({ to }) => to === state);
            return (
              <li class={index > at ? 'future' : ''}>
                <strong>{title}</strong>
                {index === 0 ? (
                  <div class="muted">
                    <Time at={request.receivedAt} zone={organization.zone} />
                  </div>
                ) : reached && index <= at ? (
                  <div class="muted">
                    <Time at={reached.at} zone={organization.zone} />
                  </div>
                ) : null}
              </li>
            );
          })}
        </ol>
      </section>
      <p class="small muted">
        Questions or something to add? Write to {organization.privacy.email} and quote {request.reference}.
      </p>
    </PortalPage>
  );
}

function Answer({
  request,
  packageReady,
  organization,
}: {
  readonly request: SubjectRequest;
  readonly packageReady: boolean;
  readonly organization: Organization;
}) {
  const { receipt } = request;
  return (
    <div class="notice ok stack">
      {request.outcome === 'refused' ? (
        <p>
          <strong>We could not do what you asked.</strong> The reason is that {groundInWords(request.reason)}. If you
          think that is wrong, write to {organization.privacy.email}; you may also complain to your data protection
          authority, or go to court.
        </p>
      ) : request.outcome === 'withdrawn' ? (
        <p>
          <strong>You took this request back.</strong> Nothing more happens. You can make a new one at any time.
        </p>
      ) : request.outcome === 'nothing_found' ? (
        <p>
          <strong>We found no data about you.</strong> We looked everywhere with the address you proved. If you have
          another one with us, make a request from that one, too.
        </p>
      ) : (
        <p>
          <strong>
            {receipt && request.type === 'erasure' ? 'We have deleted your data.' : 'We have answered your request.'}
          </strong>
        </p>
      )}
      {packageReady ? (
        <a class="button" href="/status/package">
          Download your data
        </a>
      ) : null}
      {receipt && request.type === 'erasure' ? (
        <>
          <ReceiptList title="Deleted" findings={receipt.destroyed} />
          <ReceiptList title="Made anonymous" findings={receipt.masked} />
          <ReceiptList title="Kept" findings={receipt.kept} withGround />
          <p class="small">
            Afterwards we searched again, on <Time at={receipt.searchedAt} zone={organization.zone} />.
          </p>
        </>
      ) : null}
    </div>
  );
}

function ReceiptList({
  title,
  findings,
  withGround,
}: {
  readonly title: string;
  readonly findings: readonly Finding[];
  readonly withGround?: boolean;
}) {
  if (findings.length === 0) return null;
  return (
    <div>
      <h3>{title}</h3>
      <ul>
        {findings.map(({ dataset, count, ground }) => (
          <li>
            {count} {(dataset.split('.')[1] ?? dataset).replaceAll('_', ' ')}
            {withGround ? `, because ${groundInWords(ground)}` : ''}
          </li>
        ))}
      </ul>
    </div>
  );
}

/** The link to a package was opened: a fresh code shows that it is the same person. */
export function PackageLink({
  organization,
  secret,
}: {
  readonly organization: Organization;
  readonly secret: string;
}) {
  return (
    <PortalPage title="Fetch your data" organization={organization.name}>
      <h1>Fetch your data</h1>
      <p>So that nobody else can use this link, we send a new code to your address. You enter it on the next page.</p>
      <PostForm action={`/package/${secret}`}>
        <button type="submit">Send me the code</button>
      </PostForm>
    </PortalPage>
  );
}

/** A page that says what is not possible and what to do next. */
export function PortalMessage({
  organization,
  title,
  refusal,
}: {
  readonly organization: Organization;
  readonly title: string;
  readonly refusal: Refusal;
}) {
  return (
    <PortalPage title={title} organization={organization.name}>
      <h1>{title}</h1>
      <RefusalNotice refusal={refusal} />
      <p>
        <a href="/">Make a request</a> or <a href="/status">see where one stands</a>. If you are stuck, write to{' '}
        {organization.privacy.email}.
      </p>
    </PortalPage>
  );
}
