import type { Refusal } from '../../core/refusal.ts';
import type { Organization } from '../../policy/organization.ts';
import type { RequestType, SubjectRequest } from '../../requests/request.ts';
import { dayInWords, errorFor, Field, PostForm, RefusalNotice } from '../components/parts.tsx';
import { PortalPage } from '../layout.tsx';

/** The rights in the words of somebody who never heard of them. */
export const choices: readonly { readonly type: RequestType; readonly title: string; readonly hint: string }[] = [
  { type: 'access', title: 'Get a copy of my data', hint: 'Everything we hold about you, to read and to keep.' },
  { type: 'erasure', title: 'Delete my data', hint: 'We delete what we may, and tell you what we must keep and why.' },
  { type: 'rectification', title: 'Correct something', hint: 'Tell us below what is wrong.' },
  {
    type: 'portability',
    title: 'Take my data to another service',
    hint: 'The same data in a form other services can read.',
  },
  { type: 'restriction', title: 'Stop using my data for now', hint: 'We keep it and do nothing else with it.' },
  { type: 'objection', title: 'Object to a use of my data', hint: 'Tell us below which use.' },
  {
    type: 'opt_out',
    title: 'Do not sell or share my data',
    hint: 'Neither now nor later, as far as the law lets you choose.',
  },
];

export interface RequestFormProps {
  readonly organization: Organization;
  readonly values: Readonly<Record<string, string>>;
  readonly refusal: Refusal | null;
}

/** The first screen: what do you want? */
export function RequestForm({ organization, values, refusal }: RequestFormProps) {
  const wrong = (name: string) => {
    const error = errorFor(refusal, name);
    return error ? { 'aria-invalid': 'true' as const, 'aria-describedby': `${name}-error` } : {};
  };
  return (
    <PortalPage title="Your data" organization={organization.name}>
      <h1>Your data, your request</h1>
      <p class="lead">
        Ask {organization.name} for a copy of your data, to delete it, or to change it. You need no account, and it
        costs nothing.
      </p>
      {refusal ? <RefusalNotice refusal={refusal} /> : null}
      <PostForm action="/">
        <fieldset>
          <legend>What would you like?</legend>
          <div class="choices">
            {choices.map(({ type, title, hint }) => (
              <label class="choice">
                <input
                  type="radio"
                  name="type"
                  value={type}
                  required
                  checked={values.type ? values.type === type : type === 'access'}
                />
                <span>
                  <strong>{title}</strong>
                  <span>{hint}</span>
                </span>
              </label>
            ))}
          </div>
        </fieldset>
        <Field
          name="email"
          label="Your e-mail address"
          hint="The one you use with us. We send a code there to make sure that it is you."
          error={errorFor(refusal, 'email')}
        >
          <input
            id="email"
            name="email"
            type="email"
            autocomplete="email"
            required
            maxlength={320}
            value={values.email ?? ''}
            {...wrong('email')}
          />
        </Field>
        <Field name="name" label="Your name (optional)" error={errorFor(refusal, 'name')}>
          <input
            id="name"
            name="name"
            type="text"
            autocomplete="name"
            maxlength={300}
            value={values.name ?? ''}
            {...wrong('name')}
          />
        </Field>
        <Field
          name="details"
          label="Anything we should know (optional)"
          hint="Dates, an account name, what is wrong and what would be right."
          error={errorFor(refusal, 'details')}
        >
          <textarea id="details" name="details" maxlength={10_000} {...wrong('details')}>
            {values.details ?? ''}
          </textarea>
        </Field>
        <button type="submit">Send my request</button>
      </PostForm>
      <section class="stack-tight">
        <h2>What happens next</h2>
        <ol class="steps">
          <li>You get a reference and a date by which we answer: at the latest 30 days from today.</li>
          <li>We send a code to your address. Nobody sees or deletes anything before you have entered it.</li>
          <li>We look for your data, and somebody here reviews what we found. A second person checks it.</li>
          <li>You get our answer, and can see at any time where it stands.</li>
        </ol>
        <p class="muted small">
          We use what you write here to answer you and for nothing else. Questions:{' '}
          <a href={`mailto:${organization.privacy.email}`}>{organization.privacy.email}</a>.
        </p>
      </section>
    </PortalPage>
  );
}

/** Confirmation at once: the reference, the date, what happens next. */
export function RequestReceived({
  organization,
  request,
}: {
  readonly organization: Organization;
  readonly request: SubjectRequest;
}) {
  return (
    <PortalPage title="We have your request" organization={organization.name}>
      <h1>We have your request</h1>
      <div class="card">
        <p>Your reference</p>
        <p class="figure">{request.reference}</p>
        <p>
          {request.deadline.dueOn
            ? `We'll answer by ${dayInWords(request.deadline.dueOn)}.`
            : 'We will write to you as soon as a date can be given.'}
        </p>
      </div>
      <section class="stack-tight">
        <h2>Now check your mail</h2>
        <p>
          We sent a code to the address you gave. Enter it here and we start looking; without it nothing is shown or
          changed.
        </p>
        <CodeForm reference={request.reference} refusal={null} />
      </section>
    </PortalPage>
  );
}

/** Where a code is entered. */
export function CodeForm({ reference, refusal }: { readonly reference: string; readonly refusal: Refusal | null }) {
  return (
    <PostForm action="/status/code">
      {refusal ? <RefusalNotice refusal={refusal} /> : null}
      <input type="hidden" name="reference" value={reference} />
      <Field name="code" label="Code from the mail" hint="Eight digits. It works once, for 30 minutes.">
        <input
          id="code"
          name="code"
          type="text"
          class="code-input"
          inputmode="numeric"
          autocomplete="one-time-code"
          required
          maxlength={12}
          pattern="[0-9 \-]{8,12}"
        />
      </Field>
      <button type="submit">That's me</button>
    </PostForm>
  );
}
